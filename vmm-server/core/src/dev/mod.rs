//! The ports of a VM: a serial port, a debug console and a debug exit.
//!
//! | port | what |
//! |---|---|
//! | 0x3f8-0x3ff | serial port (16550), output only |
//! | 0xe9 | debug console: a byte written is text, a read answers 0xe9 |
//! | 0xf4 | debug exit: what is written ends the VM |
//! | 0x20, 0x21, 0xa0, 0xa1 | interrupt controllers (8259): absent, writes ignored. Guests mask them at boot |
//! | 0x40-0x43, 0x61 | interval timer (8254) and its gate: absent, writes ignored |
//! | 0x80 | POST code and delay: ignored |
//!
//! Everything else is a port at which nothing answers: reads are all ones, writes are lost, the shell is told.

mod serial;

use crate::env::{Console, Env, Trace};
use crate::exit::PortAccess;
use serial::Serial;

const SERIAL: u16 = 0x3f8;
const SERIAL_LAST: u16 = SERIAL + 7;
const DEBUG_CONSOLE: u16 = 0xe9;
const DEBUG_EXIT: u16 = 0xf4;

/// The devices of one VM.
#[derive(Clone, Debug, Default)]
pub struct Ports {
    serial: Serial,
}

/// What became of an OUT.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub(crate) enum Written {
    /// It was carried out.
    Done,
    /// The guest ends with this.
    Exit(u32),
}

impl Ports {
    /// IN. A wide access to a port of one byte reads ones above it.
    pub(crate) fn input(&mut self, access: PortAccess, env: &mut impl Env) -> u32 {
        match access.port {
            port @ SERIAL..=SERIAL_LAST => wide(self.serial.read(port - SERIAL)),
            DEBUG_CONSOLE => wide(0xe9),
            port if is_ignored(port) => u32::MAX,
            port => {
                env.trace(Trace::UnknownPort { port, input: true });
                u32::MAX
            }
        }
    }

    /// OUT of `value`, which has no more bits than the access.
    pub(crate) fn output(&mut self, access: PortAccess, value: u32, env: &mut impl Env) -> Written {
        let byte = value.to_le_bytes()[0];
        match access.port {
            port @ SERIAL..=SERIAL_LAST => {
                if let Some(text) = self.serial.write(port - SERIAL, byte) {
                    env.put_byte(Console::Serial, text);
                }
            }
            DEBUG_CONSOLE => env.put_byte(Console::Debug, byte),
            DEBUG_EXIT => return Written::Exit(value),
            port if is_ignored(port) => {}
            port => env.trace(Trace::UnknownPort { port, input: false }),
        }
        Written::Done
    }
}

const fn wide(byte: u8) -> u32 {
    !0xff | byte as u32
}

const fn is_ignored(port: u16) -> bool {
    matches!(port, 0x20 | 0x21 | 0xa0 | 0xa1 | 0x40..=0x43 | 0x61 | 0x80)
}
