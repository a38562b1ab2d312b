//! Guests on Intel's VMX.
//!
//! `controls` says what a CPU must be able to do, `root` turns VMX on, `space` is a guest's memory, `vcpu` its CPU with the parts
//! `state` (registers of the shared page), `host` (what an exit puts back), `events` (what an exit means), and `world` is the switch itself.

mod controls;
mod permissions;

#[cfg(bare)]
mod debug;
#[cfg(bare)]
mod host;
#[cfg(bare)]
mod instructions;
#[cfg(bare)]
mod msrs;
#[cfg(bare)]
mod root;
#[cfg(bare)]
mod space;
#[cfg(bare)]
mod state;
#[cfg(bare)]
mod vcpu;
#[cfg(bare)]
mod world;

pub use controls::Unsupported;
#[cfg(bare)]
pub(crate) use root::prepare;
#[cfg(bare)]
pub use root::support;
#[cfg(bare)]
pub use space::GuestSpace;
#[cfg(bare)]
pub use vcpu::Vcpu;
