//! VMX: the fields, controls and exits that concern performance monitoring.
//!
//! A VMCS field is a constant that knows what it holds and whether it may be written, so
//! that `vmcs.write(&EXIT_REASON, …)` does not type-check.

mod bitmap;
mod controls;
mod exit;
mod field;
mod fields;
mod guest;
mod qualification;
mod secondary;
pub mod state;

pub use bitmap::{BitmapBit, MSR_BITMAP_BYTES};
pub use controls::{
    ControlCapability, EntryCapability, EntryControls, ExitCapability, ExitControls, PinCapability,
    PinControls, ProcessorCapability, ProcessorControls, TrueEntryCapability, TrueExitCapability,
    TruePinCapability, TrueProcessorCapability,
};
pub use exit::{EventKind, ExitReason, ExitWord, InterruptionInfo};
pub use field::{FieldAccess, FieldEncoding, Ro, Rw, VmcsField, VmcsValue};
pub use fields::{
    ENTRY_CONTROLS, ENTRY_MSR_LOAD_ADDR, ENTRY_MSR_LOAD_COUNT, EXIT_CONTROLS,
    EXIT_INTERRUPTION_INFO, EXIT_MSR_LOAD_ADDR, EXIT_MSR_LOAD_COUNT, EXIT_MSR_STORE_ADDR,
    EXIT_MSR_STORE_COUNT, EXIT_REASON, GUEST_DEBUGCTL, GUEST_PERF_GLOBAL_CTRL,
    HOST_PERF_GLOBAL_CTRL, MSR_BITMAP, PIN_CONTROLS, PROCESSOR_CONTROLS,
};
pub use guest::Interruptibility;
pub use qualification::{ControlQualification, EptQualification, PortQualification};
pub use secondary::{
    AccessRights, Cr0MayBeOne, Cr0MustBeOne, Cr4MayBeOne, Cr4MustBeOne, EptEntry, EptPointer,
    EptVpidCapability, FeatureControl, SecondaryCapability, SecondaryControls, VmxBasic,
};
