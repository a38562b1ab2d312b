//! Virtual CPUs and the memory of guests.
//!
//! On the host a guest is a list of steps, which a test hands over with [`machine::guest_does`](crate::machine::guest_does).

use std::collections::BTreeMap;
use std::fmt;

use pmu_drv::{CounterSet, Ring};
use x86_regs::pmu::PerfGlobalCtrl;
use x86_regs::vmx::ExitReason;

use crate::CpuId;
use crate::context::Context;
use crate::mm::{Frame, MapError, PAGE, PageRef};
use crate::trap::Interrupt;

mod script;

/// Why this CPU cannot run guests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unsupported {
    /// CPUID has no VMX.
    NoVmx,
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the CPU has no VMX")
    }
}

/// Whether this machine can run guests.
///
/// # Errors
/// [`Unsupported`] says why it cannot.
pub fn support() -> Result<(), Unsupported> {
    Ok(())
}

/// End of the guest-physical addresses that can be mapped: 1 TiB.
pub const GUEST_END: u64 = 1 << 40;

/// How a page is mapped into a guest; reading is always possible.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GuestRights {
    /// The guest may write.
    pub write: bool,
    /// The guest may execute.
    pub execute: bool,
}

/// A page of a guest. Only on the host.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GuestPage {
    /// Page of the frame.
    pub page: u32,
    /// How.
    pub rights: GuestRights,
}

/// The memory of a guest: extended page tables and a reserve of tables not used yet.
#[derive(Debug)]
pub struct GuestSpace {
    mapped: BTreeMap<u64, GuestPage>,
    reserve: u32,
    tables: u32,
}

impl GuestSpace {
    pub(crate) fn new() -> Self {
        Self {
            mapped: BTreeMap::new(),
            reserve: 0,
            tables: 0,
        }
    }

    pub(crate) fn add_tables(&mut self, count: u32) {
        self.reserve += count;
    }

    /// Maps page `page` of `frame` at guest-physical `address`, which is page-aligned and below [`GUEST_END`]. Tables come from the reserve.
    ///
    /// # Errors
    /// [`MapError`]; tables that were taken for nothing stay in place.
    ///
    /// # Panics
    /// When `address` is not as said or the frame has no such page.
    pub fn map(
        &mut self,
        address: u64,
        frame: &Frame,
        page: u32,
        rights: GuestRights,
    ) -> Result<(), MapError> {
        assert!(
            address < GUEST_END && address.is_multiple_of(PAGE),
            "mapping outside of a guest"
        );
        assert!(
            page < frame.pages(),
            "mapping a page the frame does not have"
        );
        if self.mapped.contains_key(&address) {
            return Err(MapError::Occupied);
        }
        // A table of the last level for each 2 MiB, and one of each level above for the first.
        let region = address >> 21;
        let is_new = !self.mapped.keys().any(|&a| a >> 21 == region);
        let needed = match (is_new, self.tables) {
            (false, _) => 0,
            (true, 0) => 3,
            (true, _) => 1,
        };
        self.reserve = self.reserve.checked_sub(needed).ok_or(MapError::NoTable)?;
        self.tables += needed;
        self.mapped.insert(address, GuestPage { page, rights });
        Ok(())
    }

    /// Unmaps the page at `address`, if there is one. No vCPU finds it from its next entry on. Its tables stay in place.
    pub fn unmap(&mut self, address: u64) {
        self.mapped.remove(&address);
    }

    /// Unmaps everything; all tables go back to the reserve.
    pub fn clear(&mut self) {
        self.mapped.clear();
        self.reserve += self.tables;
        self.tables = 0;
    }

    /// All that is mapped. Only on the host.
    #[must_use]
    pub fn mappings(&self) -> &BTreeMap<u64, GuestPage> {
        &self.mapped
    }
}

/// Which counter registers a guest reaches without an exit while its context is resident.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Access {
    /// Counters: RDMSR and WRMSR of the counter.
    pub counters: CounterSet,
    /// Their full-width aliases too.
    pub full_width: bool,
    /// GLOBAL_CTRL, GLOBAL_STATUS and GLOBAL_OVF_CTRL.
    pub global: bool,
    /// RDPMC of every counter that the CPU has: only when all of them hold the guest's values.
    pub rdpmc: bool,
}

/// Whose counters are in the registers while a guest runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Counters {
    /// The guest's own, as [`Access`] says. GLOBAL_CTRL is this while it runs and 0 from the exit on.
    Guest(PerfGlobalCtrl),
    /// The host's, or none: every access to a counter register exits.
    Host {
        /// GLOBAL_CTRL while the guest runs: the host's bits for events that include guests.
        inside: PerfGlobalCtrl,
        /// GLOBAL_CTRL from the exit on.
        outside: PerfGlobalCtrl,
    },
}

/// Why [`Vcpu::enter`] came back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum RawExit {
    /// The CPU was interrupted. Serve it as in the interrupt upcall: the controller has been told.
    Interrupt(Interrupt),
    /// An NMI, which has been served.
    Nmi,
    /// The guest did something that needs policy. [`Vcpu::describe_exit`] tells the VMM.
    Exit(ExitReason),
    /// The entry failed and the guest did not run. [`Vcpu::describe_exit`] tells the VMM why.
    EntryFailed,
}

/// A virtual CPU. Made only by [`Boot::carve_vcpus`](crate::boot::Boot::carve_vcpus), so that its address never changes.
#[derive(Debug)]
pub struct Vcpu {
    script: script::Script,
    access: Access,
    global_control: PerfGlobalCtrl,
    ring: Ring,
    changed: bool,
}

impl Vcpu {
    pub(crate) fn new(id: u32) -> Self {
        Self {
            script: script::Script::new(id),
            access: Access::default(),
            global_control: PerfGlobalCtrl::new(),
            ring: Ring::Kernel,
            changed: false,
        }
    }

    /// Number of the vCPU, in the order of carving. Only on the host.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.script.id()
    }

    /// Forgets the guest: no register, no counter register that it may reach, no event is left. What the next guest starts
    /// with is what the VMM writes to the page, so the first [`Self::take_changes`] takes all groups.
    pub fn reset(&mut self) {
        *self = Self::new(self.script.id());
        self.changed = true;
    }

    /// Sets what the guest may reach by itself from the next entry on.
    pub fn set_access(&mut self, access: Access) {
        self.access = access;
    }

    /// What [`Self::set_access`] set last.
    #[must_use]
    pub fn access(&self) -> Access {
        self.access
    }

    /// Takes over what the VMM changed in the page: before the first entry after the VMM ran. Clears `changed` and `inject`.
    pub fn take_changes(&mut self, page: PageRef) {
        self.script.take_changes(page);
        self.changed = false;
    }

    /// Runs the guest on `cpu` until it exits. General registers live in `page`. `thread` is the context of the thread that
    /// enters; it has an FPU ([`Context::set_fpu`]), which is the guest's: one thread for each vCPU.
    ///
    /// Every register of the host is as before afterwards, whatever happened.
    ///
    /// # Panics
    /// When the thread has no FPU.
    pub fn enter(
        &mut self,
        cpu: CpuId,
        thread: &Context,
        _space: &GuestSpace,
        page: PageRef,
        counters: Counters,
    ) -> RawExit {
        assert!(thread.has_fpu(), "a thread without FPU enters a guest");
        let outcome = self.script.run(cpu, page, self.access, counters);
        if let Some(control) = outcome.global_control {
            self.global_control = control;
        }
        self.ring = outcome.ring;
        outcome.exit
    }

    /// Writes what the VMM needs to know of the last exit to the page: [`RawExit::Exit`] and [`RawExit::EntryFailed`].
    pub fn describe_exit(&mut self, page: PageRef) {
        self.script.describe_exit(page);
    }

    /// The guest's GLOBAL_CTRL at the last exit from an entry with [`Counters::Guest`]; 0 before the first.
    #[must_use]
    pub fn global_control(&self) -> PerfGlobalCtrl {
        self.global_control
    }

    /// The privilege level at which the guest exited.
    #[must_use]
    pub fn ring(&self) -> Ring {
        self.ring
    }
}
