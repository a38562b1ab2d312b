//! Tests of what works, one file a subject.

pub(crate) mod boot;
pub(crate) mod calls;
pub(crate) mod cnodes;
pub(crate) mod messages;
pub(crate) mod notifications;
pub(crate) mod transfer;
