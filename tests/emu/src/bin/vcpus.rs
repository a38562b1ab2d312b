//! The kernel's own code for guests, counters and samples, alone on the machine.
//!
//! UNSAFETY: assembly that guests run, and registers of the host that must not change.
#![cfg_attr(bare, no_std, no_main)]

#[cfg(not(bare))]
fn main() {}

#[cfg(bare)]
#[path = "vcpus/bench.rs"]
mod bench;
#[cfg(bare)]
#[expect(unsafe_code, reason = "assembly that guests run")]
#[path = "vcpus/checks.rs"]
mod checks;
#[cfg(bare)]
#[path = "vcpus/costs.rs"]
mod costs;
#[cfg(bare)]
#[path = "vcpus/counters.rs"]
mod counters;
#[cfg(bare)]
#[expect(unsafe_code, reason = "reads the registers that must not change")]
#[path = "vcpus/host.rs"]
mod host;
#[cfg(bare)]
#[path = "vcpus/report.rs"]
mod report;
#[cfg(bare)]
#[path = "vcpus/samples.rs"]
mod samples;
