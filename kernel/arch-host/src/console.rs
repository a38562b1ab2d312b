//! Text for people.

use crate::CpuId;
use crate::machine;

/// Writes `text` to where people read it. It is for panics and the last word on a lost thread, not for tracing.
pub fn write(text: &str) {
    machine::console_write(text);
}

/// Sends a trace event to the test runner: here the test itself.
pub fn trace(_time: u64, cpu: CpuId, name: &str, arguments: [u64; 3]) {
    machine::trace(cpu, name, arguments);
}
