//! Text for people and records for the test runner, on the UART and port 0xe9.

use core::sync::atomic::{AtomicBool, Ordering};

use testproto::{DEBUG_CONSOLE_PORT, Record};

use crate::CpuId;
use crate::dev::uart;
use crate::port::{self, Width};

static HAS_DEBUG_PORT: AtomicBool = AtomicBool::new(false);

/// Finds out where text can go.
pub(crate) fn prepare() {
    // Emulators answer their own number; on a machine without the port the bus floats.
    let answers = port::read(DEBUG_CONSOLE_PORT, Width::Byte) == u32::from(DEBUG_CONSOLE_PORT);
    HAS_DEBUG_PORT.store(answers, Ordering::Relaxed);
    uart::prepare();
}

/// Writes `text` to where people read it. It is for panics and the last word on a lost thread, not for tracing.
pub fn write(text: &str) {
    for byte in text.bytes() {
        if byte == b'\n' {
            uart::send(b'\r');
        }
        uart::send(byte);
        debug_byte(byte);
    }
}

/// Sends a record to the test runner, if there can be one.
pub fn send(record: &Record<'_>) {
    if HAS_DEBUG_PORT.load(Ordering::Relaxed) {
        testproto::send(record, debug_byte);
    }
}

/// Sends a trace event to the test runner, if there can be one.
pub fn trace(time: u64, cpu: CpuId, name: &str, arguments: [u64; 3]) {
    let cpu = u16::try_from(cpu.index()).unwrap_or(u16::MAX);
    send(&Record::Trace {
        time,
        cpu,
        name,
        arguments,
    });
}

fn debug_byte(byte: u8) {
    if HAS_DEBUG_PORT.load(Ordering::Relaxed) {
        port::write(DEBUG_CONSOLE_PORT, Width::Byte, byte.into());
    }
}
