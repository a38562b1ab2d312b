//! Tests of what works, one file a subject.

pub(crate) mod boot;
pub(crate) mod calls;
pub(crate) mod cnodes;
pub(crate) mod memory;
pub(crate) mod messages;
pub(crate) mod notifications;
pub(crate) mod ports;
pub(crate) mod restarts;
pub(crate) mod threads;
pub(crate) mod time;
pub(crate) mod transfer;
