//! What a guest's exits mean: its CPU, counters, APIC, ports and image.
//!
//! Pure: an exit goes in as the kernel's [`VcpuState`](sel4_sys::vcpu::VcpuState), what to do next comes out as a [`Next`].
//! Time, the kernel's counter operations and the console are an [`Env`] given with each call; guest memory is a
//! [`load::GuestMemory`] while an image is loaded. There is no system call and no clock here; the shell in
//! `vmm-server/src` has those, and decides nothing.
//!
//! ```text
//!   shell: ENTER ──► returned ──► Vcpu::handle ──► Next::Enter ─────► ENTER …
//!                                    │             Next::NeedLease ─► ask pmu-server, then ENTER
//!                                    └► PmuBackend, Env  Next::Stop ► report the verdict
//! ```
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

pub mod config;
pub mod dev;
mod env;
pub mod exit;
mod inject;
pub mod load;
mod registers;
mod vcpu;
mod verdict;
pub mod vlapic;
pub mod vpmu;

pub use config::{GuestPmu, HostPmu, PmuConfig, VmConfig};
pub use env::{Console, Direct, Env, Moment, PmuBackend, Trace};
pub use vcpu::{Next, Vcpu, Vm};
pub use verdict::{MemoryAccess, Verdict};
