//! Text for the person who watches the machine: the line, who writes on it, how to write to it.
//!
//! The program `console` owns the serial line; this library is what it is made of, and what its clients
//! print with. The root task uses [`Uart`] itself: it calls nobody, and speaks when the console may be dead.

#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod lines;
mod printer;
mod uart;

pub use lines::{LONGEST_LINE, Lines, Name};
pub use printer::Printer;
pub use uart::{Stuck, Uart};
