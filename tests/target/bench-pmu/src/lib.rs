//! What the benchmarks of the counters share: many numbers, and reporting them.

#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod samples;

pub use samples::Samples;

use idl::supervisor::SupervisorClient;
use idl_runtime::Connection;
use profile::Account;
use sel4::cap::Frame;
use sel4::{Cap, CapRights, Window, init_slot};

/// The kernel's account of the counters, in the frame that the system gives.
///
/// # Panics
/// If the frame cannot be mapped: the system description is wrong.
#[must_use]
pub fn account(frame: Frame) -> Account {
    let space = Cap::from_bits(init_slot::ADDRESS_SPACE);
    let window = Window::open(frame, space, CapRights::READ);
    Account::new(window.expect("the account can be mapped"))
}

/// The supervisor, who passes measurements on.
#[must_use]
pub const fn supervisor() -> SupervisorClient<Connection> {
    SupervisorClient::new(Connection::to(Cap::from_bits(init_slot::SUPERVISOR)))
}
