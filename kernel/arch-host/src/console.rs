//! Text for people.

use crate::machine;

/// Writes `text` to where people read it. It is for panics and the last word on a lost thread, not for tracing.
pub fn write(text: &str) {
    machine::console_write(text);
}
