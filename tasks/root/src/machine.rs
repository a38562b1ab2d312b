//! The emulator's two ports: records for the test runner, and the verdict.

use sel4::cap::Port;
use testproto::{DEBUG_CONSOLE_PORT, DEBUG_EXIT_PORT, End, Record};

/// Bytes that are collected before they are sent.
const PIECE: usize = 128;

/// Sends a record. `port` is the board's test port.
///
/// # Panics
/// If `port` is another range: the system description is wrong.
pub fn send_record(port: Port, record: &Record<'_>) {
    let mut piece = [0; PIECE];
    let mut length = 0;
    let send = |bytes: &[u8]| {
        port.out_bytes(DEBUG_CONSOLE_PORT, bytes)
            .expect("the range is the test port");
    };
    testproto::send(record, |byte| {
        if let Some(place) = piece.get_mut(length) {
            *place = byte;
            length += 1;
        }
        if length == PIECE {
            send(&piece);
            length = 0;
        }
    });
    send(piece.get(..length).unwrap_or_default());
}

/// Ends the machine. `port` is the board's exit port; a machine without that device goes on for ever.
pub fn end_machine(port: Port, end: End) -> ! {
    loop {
        // Nothing can be done about an error: this was the last thing to do.
        let _ = port.out8(DEBUG_EXIT_PORT, end.port_value());
        sel4::r#yield();
    }
}
