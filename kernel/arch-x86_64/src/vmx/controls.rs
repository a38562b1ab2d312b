//! Which VM-execution controls this kernel uses, and whether the CPU has them.
//!
//! Pure: capability registers in, control words out.

use core::fmt;

use x86_regs::vmx::{
    ControlCapability, EntryControls, EptVpidCapability, ExitControls, PinControls,
    ProcessorControls, SecondaryCapability, SecondaryControls, TrueEntryCapability,
    TrueExitCapability, TruePinCapability, TrueProcessorCapability, VmxBasic,
};

/// Why this CPU cannot run guests with counters of their own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unsupported {
    /// CPUID has no VMX.
    NoVmx,
    /// Firmware locked VMX off.
    Locked,
    /// IA32_VMX_BASIC: no capability registers named "true", or regions that are not write-back.
    Basic,
    /// Pin-based controls that are missing.
    Pin(PinControls),
    /// Primary processor-based controls that are missing.
    Processor(ProcessorControls),
    /// Secondary processor-based controls that are missing.
    Secondary(SecondaryControls),
    /// Exit controls that are missing.
    Exit(ExitControls),
    /// Entry controls that are missing.
    Entry(EntryControls),
    /// Bits of CR0 or CR4 that VMX wants otherwise than the kernel.
    FixedBits,
    /// VMXON failed.
    Refused,
    /// EPT without four levels in write-back memory, or without INVEPT.
    Ept,
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoVmx => f.write_str("the CPU has no VMX"),
            Self::Locked => f.write_str("firmware has locked VMX off (IA32_FEATURE_CONTROL)"),
            Self::Basic => f.write_str(
                "the CPU's VMX lacks the true capability registers or write-back regions",
            ),
            Self::Pin(missing) => {
                write!(f, "VMX lacks pin-based controls {:#x}", missing.into_bits())
            }
            Self::Processor(missing) => write!(
                f,
                "VMX lacks processor-based controls {:#x}",
                missing.into_bits()
            ),
            Self::Secondary(missing) => {
                write!(f, "VMX lacks secondary controls {:#x}", missing.into_bits())
            }
            Self::Exit(missing) => write!(f, "VMX lacks exit controls {:#x}", missing.into_bits()),
            Self::Entry(missing) => {
                write!(f, "VMX lacks entry controls {:#x}", missing.into_bits())
            }
            Self::FixedBits => f.write_str("VMX wants other bits in CR0 or CR4 than the kernel"),
            Self::Refused => f.write_str("VMXON failed"),
            Self::Ept => f.write_str("VMX lacks four-level write-back EPT or INVEPT"),
        }
    }
}

/// What the capability registers say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Capabilities {
    pub(crate) basic: VmxBasic,
    pub(crate) pin: TruePinCapability,
    pub(crate) processor: TrueProcessorCapability,
    pub(crate) secondary: SecondaryCapability,
    pub(crate) exit: TrueExitCapability,
    pub(crate) entry: TrueEntryCapability,
    pub(crate) ept: EptVpidCapability,
}

/// The control words of every VMCS.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Controls {
    pub(crate) pin: PinControls,
    pub(crate) processor: ProcessorControls,
    pub(crate) secondary: SecondaryControls,
    pub(crate) exit: ExitControls,
    pub(crate) entry: EntryControls,
}

/// Write-back, as the VMX registers number memory types. SDM vol. 3A, "Methods of Caching Available".
pub(crate) const WRITE_BACK: u8 = 6;

impl Controls {
    /// What this kernel wants, adjusted to what the CPU insists on.
    ///
    /// # Errors
    /// The first word of controls of which something is missing.
    pub(crate) fn choose(capabilities: &Capabilities) -> Result<Self, Unsupported> {
        let basic = capabilities.basic;
        if !basic.true_controls() || basic.memory_type() != WRITE_BACK || basic.addresses_32_bits()
        {
            return Err(Unsupported::Basic);
        }
        let ept = capabilities.ept;
        if !ept.walks_four_levels() || !ept.walks_write_back() || !ept.invalidates_one_ept() {
            return Err(Unsupported::Ept);
        }
        let pin = PinControls::new()
            .with_external_interrupt_exiting(true)
            .with_nmi_exiting(true)
            .with_virtual_nmis(true);
        // MOV DR exits once: a guest that never uses them costs no switch of them (`debug`). RDTSC does not exit
        // and has no offset: guests see the machine's time, as the counters do.
        let processor = ProcessorControls::new()
            .with_hlt_exiting(true)
            .with_mwait_exiting(true)
            .with_monitor_exiting(true)
            .with_rdpmc_exiting(true)
            .with_mov_dr_exiting(true)
            // CR8 is the host's own task priority: a guest that raised it would keep interrupts from ending its turn.
            .with_cr8_load_exiting(true)
            .with_cr8_store_exiting(true)
            .with_unconditional_io_exiting(true)
            .with_msr_bitmaps(true)
            .with_secondary(true);
        // Instructions that raise #UD without their control, and touch nothing but what is switched.
        let may = capabilities.secondary.may_be_one();
        let secondary = SecondaryControls::new()
            .with_ept(true)
            .with_vpid(true)
            .with_unrestricted_guest(true)
            .with_wbinvd_exiting(true)
            .with_rdtscp(may.rdtscp())
            .with_invpcid(may.invpcid());
        // The exit acknowledges the interrupt and names its vector, so the kernel serves it without ever opening
        // interrupts in ring 0. A PMI keeps its vector that way, and with it the epoch it belongs to.
        let wanted_exit = ExitControls::new()
            .with_save_debug_controls(true)
            .with_host_address_space_size(true)
            .with_load_perf_global_ctrl(true)
            .with_acknowledge_interrupt(true)
            .with_save_pat(true)
            .with_load_pat(true)
            .with_save_efer(true)
            .with_load_efer(true);
        let saves_global_control = capabilities.exit.may_be_one().save_perf_global_ctrl();
        let exit = wanted_exit.with_save_perf_global_ctrl(saves_global_control);
        let entry = EntryControls::new()
            .with_load_debug_controls(true)
            .with_load_perf_global_ctrl(true)
            .with_load_pat(true)
            .with_load_efer(true);
        Ok(Self {
            pin: capabilities.pin.adjust(pin).map_err(Unsupported::Pin)?,
            processor: capabilities
                .processor
                .adjust(processor)
                .map_err(Unsupported::Processor)?,
            secondary: capabilities
                .secondary
                .adjust(secondary)
                .map_err(Unsupported::Secondary)?,
            exit: capabilities.exit.adjust(exit).map_err(Unsupported::Exit)?,
            entry: capabilities
                .entry
                .adjust(entry)
                .map_err(Unsupported::Entry)?,
        })
    }

    /// Whether an exit saves the guest's GLOBAL_CTRL in the VMCS. Where it does not, the MSR store list must (N44).
    pub(crate) const fn saves_global_control(&self) -> bool {
        self.exit.save_perf_global_ctrl()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A CPU that can do everything and insists on the usual defaults of the "true" registers.
    fn everything() -> Capabilities {
        Capabilities {
            basic: VmxBasic::new()
                .with_true_controls(true)
                .with_memory_type(WRITE_BACK)
                .with_region_bytes(4096),
            pin: TruePinCapability(0xffff_ffff_0000_0016),
            processor: TrueProcessorCapability(0xffff_ffff_0400_6172),
            secondary: SecondaryCapability(0xffff_ffff_0000_0000),
            exit: TrueExitCapability(0xffff_ffff_0003_6dfb),
            entry: TrueEntryCapability(0xffff_ffff_0000_11fb),
            ept: EptVpidCapability(1 << 6 | 1 << 14 | 1 << 20 | 1 << 25),
        }
    }

    #[test]
    fn a_full_cpu_gets_what_is_wanted_and_what_it_insists_on() {
        let controls = Controls::choose(&everything()).unwrap();
        assert_eq!(controls.pin.into_bits(), 0x16 | 1 << 0 | 1 << 3 | 1 << 5);
        // HLT 7, MWAIT 10, RDPMC 11, CR8 19 20, MOV DR 23, unconditional I/O 24, MSR bitmaps 28, MONITOR 29, secondary 31.
        assert_eq!(controls.processor.into_bits(), 0xb198_0c80 | 0x0400_6172);
        // EPT 1, RDTSCP 3, VPID 5, WBINVD 6, unrestricted 7, INVPCID 12.
        assert_eq!(controls.secondary.into_bits(), 0x10ea);
        // Save debug 2, 64-bit host 9, load GLOBAL_CTRL 12, acknowledge 15, PAT 18 19, EFER 20 21, save GLOBAL_CTRL 30.
        assert_eq!(controls.exit.into_bits(), 0x403c_9204 | 0x0003_6dfb);
        // Load debug 2, GLOBAL_CTRL 13, PAT 14, EFER 15.
        assert_eq!(controls.entry.into_bits(), 0xe004 | 0x11fb);
        assert!(controls.saves_global_control());
    }

    #[test]
    fn a_cpu_without_save_on_exit_is_accepted_and_says_so() {
        let mut capabilities = everything();
        capabilities.exit.0 &= !(1 << 62);
        assert!(
            !Controls::choose(&capabilities)
                .unwrap()
                .saves_global_control()
        );
    }

    #[test]
    fn what_is_missing_is_named() {
        let mut capabilities = everything();
        capabilities.entry.0 &= !(1 << 45);
        let missing = EntryControls::new().with_load_perf_global_ctrl(true);
        assert_eq!(
            Controls::choose(&capabilities),
            Err(Unsupported::Entry(missing))
        );
        assert_eq!(
            Unsupported::Entry(missing).to_string(),
            "VMX lacks entry controls 0x2000"
        );
        let mut capabilities = everything();
        capabilities.ept.0 &= !(1 << 6);
        assert_eq!(Controls::choose(&capabilities), Err(Unsupported::Ept));
        let mut capabilities = everything();
        capabilities.basic = VmxBasic::new();
        assert_eq!(Controls::choose(&capabilities), Err(Unsupported::Basic));
    }
}
