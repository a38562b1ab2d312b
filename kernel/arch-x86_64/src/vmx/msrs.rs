//! Registers that entries load and exits store, besides those of the VMCS.
//!
//! What SYSCALL and SWAPGS use is the guest's while it runs. The hardware's own lists do the switch: they are
//! carried out on every exit, and on entries that fail after loading a guest's values too. Where an exit cannot save GLOBAL_CTRL into the VMCS
//! the store list does it (N44). SDM vol. 3C, "VM-Exit Controls for MSRs" and "VM-Entry Controls for MSRs".

use core::sync::atomic::Ordering::Relaxed;

use x86_regs::msr::{MsrAddr, MsrReg};
use x86_regs::pmu::PerfGlobalCtrl;
use x86_regs::system::{Cstar, KernelGsBase, Lstar, Sfmask, Star, TscAux};
use x86_regs::vmx::{
    ENTRY_MSR_LOAD_ADDR, ENTRY_MSR_LOAD_COUNT, EXIT_MSR_LOAD_ADDR, EXIT_MSR_LOAD_COUNT,
    EXIT_MSR_STORE_ADDR, EXIT_MSR_STORE_COUNT,
};

use super::controls::Controls;
use super::instructions::Current;
use crate::cpu::instructions;
use crate::mm::direct::{self, Page};

/// Always switched. KERNEL_GS_BASE is first: the host's value belongs to the thread.
const SWITCHED: [MsrAddr; 5] = [
    KernelGsBase::ADDR,
    Star::ADDR,
    Lstar::ADDR,
    Cstar::ADDR,
    Sfmask::ADDR,
];

/// Words of a list's entry: number, value.
const ENTRY: usize = 2;
/// First word of the host's list.
const HOST: usize = 256;

/// The lists of one vCPU: the guest's at the start of the page, the host's in its second half.
#[derive(Debug)]
pub(super) struct Lists {
    page: &'static Page,
    /// Word where an exit stores GLOBAL_CTRL, if it does.
    stored: Option<usize>,
}

impl Lists {
    pub(super) fn new(page: &'static Page) -> Self {
        Self { page, stored: None }
    }

    /// Fills the lists: zeros for the guest, what the registers hold now for the host.
    pub(super) fn start(&mut self, vmcs: Current, controls: &Controls) {
        let tsc_aux = controls.secondary.rdtscp().then_some(TscAux::ADDR);
        let switched = || SWITCHED.into_iter().chain(tsc_aux);
        let store = (!controls.saves_global_control()).then_some(PerfGlobalCtrl::ADDR);
        direct::clear(core::slice::from_ref(self.page));
        for (i, address) in switched().chain(store).enumerate() {
            self.set(i * ENTRY, u64::from(address.0));
        }
        let host = [
            instructions::read_msr::<KernelGsBase>().0,
            instructions::read_msr::<Star>().into_bits(),
            instructions::read_msr::<Lstar>().0,
            instructions::read_msr::<Cstar>().0,
            instructions::read_msr::<Sfmask>().0,
        ];
        let host = host
            .into_iter()
            .chain(tsc_aux.map(|_| instructions::read_msr::<TscAux>().0));
        for (i, (address, value)) in switched().zip(host).enumerate() {
            self.set(HOST + i * ENTRY, u64::from(address.0));
            self.set(HOST + i * ENTRY + 1, value);
        }
        let count = 5 + u32::from(tsc_aux.is_some());
        self.stored = store.map(|_| switched().count() * ENTRY + 1);
        let physical = direct::physical_of(self.page);
        vmcs.write(&ENTRY_MSR_LOAD_ADDR, physical);
        vmcs.write(&ENTRY_MSR_LOAD_COUNT, count);
        vmcs.write(&EXIT_MSR_STORE_ADDR, physical);
        vmcs.write(&EXIT_MSR_STORE_COUNT, count + u32::from(store.is_some()));
        vmcs.write(&EXIT_MSR_LOAD_ADDR, physical + HOST as u64 * 8);
        vmcs.write(&EXIT_MSR_LOAD_COUNT, count);
    }

    /// Ring 3's GS base of the thread that enters, put back by the exit.
    pub(super) fn set_thread_gs_base(&self, base: u64) {
        self.set(HOST + 1, base);
    }

    /// GLOBAL_CTRL as the last exit stored it; `None` where the VMCS has it.
    #[inline]
    pub(super) fn stored_global_control(&self) -> Option<PerfGlobalCtrl> {
        let word = self.page.get(self.stored?)?;
        Some(PerfGlobalCtrl::from(word.load(Relaxed)))
    }

    fn set(&self, index: usize, value: u64) {
        if let Some(word) = self.page.get(index) {
            word.store(value, Relaxed);
        }
    }
}
