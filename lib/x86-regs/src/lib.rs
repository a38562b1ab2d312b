//! x86 registers as types: address, name, layout, manual section.
//!
//! A register here is a `#[bitfield]` with the address at which it lives, the name the
//! manual gives it and the title of the section that defines it. Nothing in this crate
//! touches hardware and nothing decides anything: it is what a driver, a model of the
//! hardware and a test must agree on, and the only place where such a number is written.
//!
//! Sections are cited by title, because chapter numbers move between editions. "SDM" is the
//! Intel 64 and IA-32 Architectures Software Developer's Manual, "APM" the AMD64
//! Architecture Programmer's Manual.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![expect(
    clippy::result_unit_err,
    reason = "the bitfield macro gives every field a checked setter of this shape"
)]

pub mod apic;
pub mod cpuid;
pub mod msr;
pub mod pmu;
pub mod system;
pub mod vmx;

pub use msr::{MsrAddr, MsrBank, MsrReg};
