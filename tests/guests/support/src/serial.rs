//! The serial port: what a guest says.

use core::fmt;

use crate::cpu::{input, out};

const DATA: u16 = 0x3f8;
const LINE_CONTROL: u16 = DATA + 3;
const LINE_STATUS: u16 = DATA + 5;
/// Line control: the first two registers are the divisor.
const DIVISOR_ACCESS: u8 = 1 << 7;
/// Line control: eight bits, no parity, one stop bit.
const EIGHT_BITS: u8 = 0b11;
/// Line status: a byte can be given to the sender.
const TAKES_BYTE: u8 = 1 << 5;
/// Line status: everything has left the sender.
const ALL_SENT: u8 = 1 << 6;

/// The first serial port.
#[derive(Clone, Copy, Debug)]
pub struct Serial;

impl fmt::Write for Serial {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            await_status(TAKES_BYTE);
            out(DATA, byte);
        }
        Ok(())
    }
}

/// 115200 baud, eight bits: after reset the port sends five.
pub(crate) fn set_up() {
    out(LINE_CONTROL, DIVISOR_ACCESS);
    out(DATA, 1);
    out(DATA + 1, 0);
    out(LINE_CONTROL, EIGHT_BITS);
}

/// Waits until everything was sent: what is under way when the machine ends is lost.
pub fn flush() {
    await_status(ALL_SENT);
}

fn await_status(bits: u8) {
    while input(LINE_STATUS) & bits == 0 {
        core::hint::spin_loop();
    }
}

/// Writes a line to the serial port.
#[macro_export]
macro_rules! line {
    ($($arguments:tt)*) => {{
        use ::core::fmt::Write as _;
        // `Serial` never refuses.
        let _ = $crate::serial::Serial.write_fmt(::core::format_args!($($arguments)*));
        let _ = $crate::serial::Serial.write_str("\r\n");
    }};
}
