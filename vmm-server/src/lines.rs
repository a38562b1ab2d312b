//! What the guest writes, line by line, and what this VMM says itself.

use core::fmt::{self, Write};

use sel4::cap::Endpoint;
use text::Printer;

/// The way to the console. A line of the guest's comes out whole; one of this VMM's begins with `vmm: `.
#[derive(Debug)]
pub(crate) struct Lines {
    out: Printer,
    is_within_line: bool,
}

impl Lines {
    pub(crate) const fn to(console: Endpoint) -> Self {
        Self {
            out: Printer::to(console),
            is_within_line: false,
        }
    }

    /// A byte of the guest's text. Carriage returns are the console's to add.
    pub(crate) fn guest_byte(&mut self, byte: u8) {
        let mut bytes = [0; 4];
        let text = match byte {
            b'\r' => return,
            b'\n' | b'\t' | b' '..=b'~' => char::from(byte).encode_utf8(&mut bytes),
            // Only characters that cannot do anything to a terminal.
            _ => "?",
        };
        self.is_within_line = byte != b'\n';
        // A console that does not answer must not stop the guest.
        let _ = self.out.write_str(text);
    }

    /// A line of this VMM's.
    pub(crate) fn say(&mut self, text: fmt::Arguments<'_>) {
        let start = if self.is_within_line { "\n" } else { "" };
        self.is_within_line = false;
        let _ = writeln!(self.out, "{start}vmm: {text}");
    }
}
