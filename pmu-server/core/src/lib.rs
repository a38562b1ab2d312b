//! The policy of pmu-server: host events, and who gets a lease.
//!
//! Pure: clients' requests and the kernel's readings go in, what to program and what to answer comes out. There is
//! no clock, no system call and no register here; the shell in `pmu-server/src` has those. One [`CpuEvents`] and one
//! [`Admission`] for each CPU.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod admission;
mod assign;
mod error;
mod event;
mod image;
mod reading;
mod samples;
mod table;

pub use admission::{Acquired, Admission, Demand, MAX_VMS, VmId};
pub use assign::{MAX_EVENTS, assign};
pub use error::{EventError, Field};
pub use event::{ClientId, EventId, EventSpec, Guests, Rings, What};
pub use image::HostImage;
pub use reading::{CounterReading, EventReading};
pub use samples::{AT_ONCE, MAX_SAMPLES, Record, Sample, SampleStore, Taken};
pub use table::CpuEvents;
