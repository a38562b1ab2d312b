//! Devices that every PC has.

#[cfg(bare)]
pub(crate) mod pic;
pub(crate) mod pit;
#[cfg(bare)]
pub(crate) mod pit_channel;
#[cfg(bare)]
pub(crate) mod uart;
