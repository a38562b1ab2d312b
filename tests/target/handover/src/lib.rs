//! What the tasks share that watch the counters change hands, and disturb it.
//!
//! Each runs beside a guest that measures itself and knows what must come out. The guest's verdict says whether its numbers
//! were right; that of these tasks, whether the kernel's account of the counters is.

#![cfg_attr(bare, no_std)]
#![forbid(unsafe_code)]

mod checks;

pub use checks::{Checks, end};

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

/// The supervisor.
#[must_use]
pub const fn supervisor() -> SupervisorClient<Connection> {
    SupervisorClient::new(Connection::to(Cap::from_bits(init_slot::SUPERVISOR)))
}
