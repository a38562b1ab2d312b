//! The performance-monitoring registers.
//!
//! Intel's architectural set in the order in which one meets it, then AMD's. The CPUID
//! leaves that say which of these exist are in [`crate::cpuid`].

mod amd;
mod capabilities;
mod counters;
mod debugctl;
mod fixed;
mod global;
mod pebs;
mod select;
mod status;

pub use amd::{
    AmdCounter, AmdGlobalControl, AmdGlobalStatus, AmdGlobalStatusClear, AmdGlobalStatusSet,
    AmdLegacyCounter, AmdLegacySelector, AmdSelector,
};
pub use capabilities::PerfCapabilities;
pub use counters::{FixedCounter, FullWidthCounter, LegacyCounter};
pub use debugctl::DebugCtl;
pub use fixed::{FixedCtrCtrl, FixedField};
pub use global::PerfGlobalCtrl;
pub use pebs::{
    DebugStoreArea, PebsDataConfig, PebsEnable, PebsFrontend, PebsLoadLatency, PerfMetrics,
};
pub use select::{EventSelect, PerfEvtSel};
pub use status::{GlobalInUse, GlobalStatus, GlobalStatusReset, GlobalStatusSet};
