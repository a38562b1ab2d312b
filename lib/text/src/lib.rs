//! Text for the person who watches the machine: by the console, or by the line.
//!
//! Tasks print through the console with a [`Printer`]. The console and the root task own the serial
//! line, a [`Uart`]: the root task calls nobody, and speaks when the console may be dead.

#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod printer;
mod uart;

pub use printer::Printer;
pub use uart::{Stuck, Uart};
