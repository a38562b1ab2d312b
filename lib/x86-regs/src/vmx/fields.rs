//! The VMCS fields that concern performance monitoring.
//! SDM vol. 3D, "Field Encoding in VMCS".

use crate::pmu::{DebugCtl, PerfGlobalCtrl};
use crate::vmx::{
    EntryControls, ExitControls, ExitWord, InterruptionInfo, PinControls, ProcessorControls,
};
use crate::{vmcs_fields, vmcs_values};

vmcs_values! {
    PerfGlobalCtrl: u64;
    DebugCtl: u64;
    PinControls: u32;
    ProcessorControls: u32;
    ExitControls: u32;
    EntryControls: u32;
    ExitWord: u32;
    InterruptionInfo: u32;
}

vmcs_fields! {
    /// Physical address of the MSR bitmap, in pages of 4 KiB.
    MSR_BITMAP: u64 = 0x2004, Rw;
    /// Physical address of the MSRs that an exit stores.
    EXIT_MSR_STORE_ADDR: u64 = 0x2006, Rw;
    /// Physical address of the MSRs that an exit loads.
    EXIT_MSR_LOAD_ADDR: u64 = 0x2008, Rw;
    /// Physical address of the MSRs that an entry loads.
    ENTRY_MSR_LOAD_ADDR: u64 = 0x200a, Rw;
    /// Loaded into IA32_DEBUGCTL on entry, saved on exit, as the controls say.
    GUEST_DEBUGCTL: DebugCtl = 0x2802, Rw;
    /// Loaded into IA32_PERF_GLOBAL_CTRL on entry, saved on exit, as the controls say.
    GUEST_PERF_GLOBAL_CTRL: PerfGlobalCtrl = 0x2808, Rw;
    /// Loaded into IA32_PERF_GLOBAL_CTRL on exit.
    HOST_PERF_GLOBAL_CTRL: PerfGlobalCtrl = 0x2c04, Rw;
    /// What makes an asynchronous event exit.
    PIN_CONTROLS: PinControls = 0x4000, Rw;
    /// What makes an instruction exit, primary controls.
    PROCESSOR_CONTROLS: ProcessorControls = 0x4002, Rw;
    /// What an exit does, primary controls.
    EXIT_CONTROLS: ExitControls = 0x400c, Rw;
    /// How many MSRs an exit stores.
    EXIT_MSR_STORE_COUNT: u32 = 0x400e, Rw;
    /// How many MSRs an exit loads.
    EXIT_MSR_LOAD_COUNT: u32 = 0x4010, Rw;
    /// What an entry does.
    ENTRY_CONTROLS: EntryControls = 0x4012, Rw;
    /// How many MSRs an entry loads.
    ENTRY_MSR_LOAD_COUNT: u32 = 0x4014, Rw;
    /// Why the guest was left.
    EXIT_REASON: ExitWord = 0x4402, Ro;
    /// Which event made the guest exit.
    EXIT_INTERRUPTION_INFO: InterruptionInfo = 0x4404, Ro;
}
