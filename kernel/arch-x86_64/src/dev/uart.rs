//! The first serial port, a 16550 at 0x3f8: 115200 baud, 8 bits, no parity.
//!
//! "PC16550D Universal Asynchronous Receiver/Transmitter with FIFOs", "Registers".

use core::sync::atomic::{AtomicBool, Ordering};

use crate::port::{self, Width};

const BASE: u16 = 0x3f8;
const DATA: u16 = BASE;
const INTERRUPT_ENABLE: u16 = BASE + 1;
const FIFO_CONTROL: u16 = BASE + 2;
const LINE_CONTROL: u16 = BASE + 3;
const MODEM_CONTROL: u16 = BASE + 4;
const LINE_STATUS: u16 = BASE + 5;
const SCRATCH: u16 = BASE + 7;
/// Line status: the transmitter takes a byte.
const READY: u32 = 0x20;
/// Polls before a byte is given up: about 10 ms on a machine where a port read takes a microsecond.
const PATIENCE: u32 = 10_000;

static EXISTS: AtomicBool = AtomicBool::new(false);

/// Finds out whether there is a port and sets it up.
pub(crate) fn prepare() {
    write(SCRATCH, 0x5a);
    if port::read(SCRATCH, Width::Byte) != 0x5a {
        return;
    }
    write(INTERRUPT_ENABLE, 0);
    write(LINE_CONTROL, 0x80); // divisor latch
    write(DATA, 1); // 115200
    write(INTERRUPT_ENABLE, 0);
    write(LINE_CONTROL, 0x03); // 8 bits, no parity, 1 stop bit
    write(FIFO_CONTROL, 0x07); // on, both emptied
    write(MODEM_CONTROL, 0x03); // DTR, RTS
    EXISTS.store(true, Ordering::Relaxed);
}

/// Sends a byte, when there is a port.
pub(crate) fn send(byte: u8) {
    if !EXISTS.load(Ordering::Relaxed) {
        return;
    }
    for _ in 0..PATIENCE {
        if port::read(LINE_STATUS, Width::Byte) & READY != 0 {
            break;
        }
    }
    write(DATA, byte.into());
}

fn write(register: u16, value: u32) {
    port::write(register, Width::Byte, value);
}
