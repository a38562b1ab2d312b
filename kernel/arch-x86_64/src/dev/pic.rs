//! The two 8259 interrupt controllers: moved away from the exceptions and silenced.
//!
//! "8259A Programmable Interrupt Controller", "Initialization Command Words".

use crate::port::{self, Width};
use crate::trap::vector::Vector;

const MASTER: u16 = 0x20;
const SLAVE: u16 = 0xa0;

/// Masks every input. Spurious interrupts, which cannot be masked, come as vectors 39 and 47.
pub(crate) fn silence() {
    let base = u32::from(Vector::FIRST_INTERRUPT.0);
    // ICW1 initialise with ICW4, ICW2 base, ICW3 wiring (slave on input 2), ICW4 8086 mode, then all masked.
    for (chip, words) in [
        (MASTER, [base, 4, 1, 0xff]),
        (SLAVE, [base + 8, 2, 1, 0xff]),
    ] {
        port::write(chip, Width::Byte, 0x11);
        for word in words {
            port::write(chip + 1, Width::Byte, word);
        }
    }
}
