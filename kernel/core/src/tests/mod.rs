//! Promises of the kernel, held against small systems on the host.

mod capabilities;
mod cost;
mod death;
mod faults;
mod guests;
mod handover;
mod interleaving;
mod invariants;
mod ipc;
mod machine;
mod random;
mod restart;
mod schedule;
mod signals;
mod system;
mod trace;

/// Whether system calls try the short way, which only tests can switch off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum FastPath {
    Off,
    /// How often it was taken.
    On {
        taken: u64,
    },
}

impl FastPath {
    pub(crate) fn count(&mut self) {
        if let Self::On { taken } = self {
            *taken += 1;
        }
    }
}
