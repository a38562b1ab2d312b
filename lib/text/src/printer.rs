//! How a task prints: `writeln!` on a connection to the console.

use core::fmt;

use idl::console::ConsoleClient;
use idl_runtime::{BytesRef, Connection};
use sel4::cap::Endpoint;

/// The bytes that are collected before they are sent.
const PIECE: usize = 256;

/// A task's way to the console. Text goes out at the end of each line, or when a piece is full.
#[derive(Debug)]
pub struct Printer {
    client: ConsoleClient<Connection>,
    text: [u8; PIECE],
    length: usize,
}

impl Printer {
    /// The console behind this endpoint.
    #[must_use]
    pub const fn to(console: Endpoint) -> Self {
        Self {
            client: ConsoleClient::new(Connection::to(console)),
            text: [0; PIECE],
            length: 0,
        }
    }

    fn flush(&mut self) -> fmt::Result {
        let text = self.text.get(..self.length).unwrap_or_default();
        let (piece, _) = BytesRef::cut(text);
        self.length = 0;
        // Text that the console did not write is lost either way: it may have died after it.
        self.client.write(piece).map_err(|_| fmt::Error)
    }
}

impl fmt::Write for Printer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if let Some(place) = self.text.get_mut(self.length) {
                *place = byte;
                self.length += 1;
            }
            if byte == b'\n' || self.length == PIECE {
                self.flush()?;
            }
        }
        Ok(())
    }
}
