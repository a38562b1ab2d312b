//! The reference performance-monitoring unit: what the hardware must do.
//!
//! One [`Pmu`] is the counters of one logical processor, as the manual describes them. It has
//! no clock and no memory of its own beyond its registers: time passes only when
//! [`Pmu::advance`] is told what the processor retired, and nothing else makes a counter
//! move. That makes it exact, repeatable, and usable in two places: under an emulator that
//! lacks counters, and under the driver in tests on the host. It knows nothing of the driver
//! that it judges.
//!
//! ```
//! use pmu_model::{Access, Batch, Config, Elapsed, Pmu, Ring};
//! let mut pmu = Pmu::new(Config::sapphire_rapids()).expect("a valid configuration");
//! assert_eq!(pmu.wrmsr(0x38d, 0x1), Access::Done(())); // fixed counter 0 counts in ring 0
//! assert_eq!(pmu.wrmsr(0x38f, 1 << 32), Access::Done(()));
//! pmu.advance(&Elapsed::in_ring(Ring::Kernel, Batch::instructions(10)));
//! assert_eq!(pmu.rdpmc(0x4000_0000), Access::Done(10));
//! ```
//!
//! # How an emulator drives it
//!
//! 1. Take a [`Budget`]. For each ring it says how many instructions, branches and so on may
//!    retire before the model must hear of them. Count each of them down; that is all the
//!    hot path does.
//! 2. When one of them reaches zero, finish the instruction, report everything since the last
//!    report in one [`Pmu::advance`], ask [`Pmu::take_pmi`], and take a new budget.
//! 3. Do the same before every access to the model (RDMSR, WRMSR, RDPMC, VM entry and exit),
//!    and take a new budget after it. The accessing instruction itself is not reported yet: it
//!    retires afterwards, under the state that its own write made. So exactly one of the write
//!    that enables a counter and the write that disables it is counted: the enabling one.
//! 4. An instruction that changes the privilege level is charged to the ring it arrives in.
//!    One that faults or causes a VM exit does not retire and is not reported.
//!
//! Which branches are mispredicted and which accesses miss the cache is the emulator's to
//! say. [`Predictor`] and [`Cache`] are the rules of this project, for whoever has no better.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod access;
mod cache;
mod config;
mod pmu;
mod predictor;
mod time;

pub use access::Access;
pub use cache::{Cache, Reach};
pub use config::{Config, ConfigError, Ratio, Version};
pub use pmu::Pmu;
pub use predictor::{Prediction, Predictor};
pub use time::{Allowance, Batch, Budget, Elapsed, EventSet, Ring, UNLIMITED};
