//! A virtual CPU: writing its VMCS, entering it, and what an exit means.

use core::sync::atomic::Ordering::Relaxed;

use pmu_drv::Ring;
use x86_regs::pmu::PerfGlobalCtrl;
use x86_regs::vmx::state as field;
use x86_regs::vmx::{
    AccessRights, ENTRY_CONTROLS, EXIT_CONTROLS, EXIT_INTERRUPTION_INFO, EXIT_REASON, EventKind,
    ExitReason, GUEST_PERF_GLOBAL_CTRL, MSR_BITMAP, PIN_CONTROLS, PROCESSOR_CONTROLS,
    ProcessorControls, SecondaryControls,
};

use super::debug::DebugRegisters;
use super::host::Host;
use super::instructions::{self, Current};
use super::msrs::Lists;
use super::space::GuestSpace;
use super::world::{self, Switched};
use super::{permissions, root, state};
use crate::context::Context;
use crate::cpu::{CpuId, per_cpu};
use crate::mm::PageRef;
use crate::mm::direct::{self, Page};
use crate::trap::handler;
use crate::trap::vector::Vector;
use crate::vcpu::{Access, Counters, RawExit};

/// The exceptions of a guest that exit: machine checks, which are the host's.
const EXCEPTIONS: u32 = 1 << Vector::MACHINE_CHECK.0;

/// A virtual CPU. Made only by [`Boot::carve_vcpus`](crate::boot::Boot::carve_vcpus), so that its address never changes.
#[derive(Debug)]
pub struct Vcpu {
    /// Tag of its translations, from 1 on.
    tag: u16,
    region: &'static Page,
    closed: &'static Page,
    open: &'static Page,
    lists: Lists,
    host: Host,
    debug: DebugRegisters,
    access: Access,
    /// The CPU that holds the VMCS, from the first entry on.
    holder: Option<CpuId>,
    has_launched: bool,
    has_changes: bool,
    /// What the VMCS holds.
    processor: ProcessorControls,
    bitmap: u64,
    inside: PerfGlobalCtrl,
    /// Root and generation of the space at the last entry.
    translations: (u64, u64),
    exits: u64,
    last: Switched,
    global_control: PerfGlobalCtrl,
    ring: Ring,
}

impl Vcpu {
    /// Pages that a vCPU needs: VMCS, lists, and bitmaps for a guest without and with counters.
    pub(crate) const PAGES: usize = 4;

    /// The `number`-th one, in pages of its own.
    pub(crate) fn new(number: usize, pages: &'static [Page]) -> Self {
        let [region, lists, closed, open] = pages else {
            unreachable!("a vCPU is made of {} pages", Self::PAGES)
        };
        Self {
            // A machine has fewer than 65535 vCPUs: each takes memory.
            tag: u16::try_from(number + 1).unwrap_or(u16::MAX),
            region,
            closed,
            open,
            lists: Lists::new(lists),
            host: Host::new(),
            debug: DebugRegisters::new(),
            access: Access::default(),
            holder: None,
            has_launched: false,
            has_changes: true,
            processor: ProcessorControls::new(),
            bitmap: 0,
            inside: PerfGlobalCtrl::new(),
            translations: (0, 0),
            exits: 0,
            last: Switched::Refused,
            global_control: PerfGlobalCtrl::new(),
            ring: Ring::Kernel,
        }
    }

    /// Forgets the guest: no register, no counter register that it may reach, no event is left. What the next guest starts
    /// with is what the VMM writes to the page, so the first [`Self::take_changes`] takes all groups.
    pub fn reset(&mut self) {
        // The first entry writes the VMCS, the lists and the bitmaps anew.
        self.holder = None;
        self.access = Access::default();
        self.debug = DebugRegisters::new();
        self.exits = 0;
        self.global_control = PerfGlobalCtrl::new();
        self.ring = Ring::Kernel;
        self.has_changes = true;
    }

    /// Sets what the guest may reach by itself from the next entry on.
    pub fn set_access(&mut self, access: Access) {
        if self.access != access {
            self.access = access;
            self.write_open_bitmap();
        }
    }

    /// What [`Self::set_access`] set last.
    #[must_use]
    pub fn access(&self) -> Access {
        self.access
    }

    /// Takes over what the VMM changed in the page: at the next entry, which clears `changed` and `inject`.
    pub fn take_changes(&mut self, _page: PageRef) {
        self.has_changes = true;
    }

    /// Runs the guest on `cpu` until it exits. General registers live in `page`. `thread` is the context of the thread that
    /// enters; it has an FPU ([`Context::set_fpu`]), which is the guest's: one thread for each vCPU.
    ///
    /// Every register of the host is as before afterwards, whatever happened.
    ///
    /// # Panics
    /// When the machine has no VMX, the thread has no FPU or is not the current one, or the vCPU was entered on another CPU since
    /// its last reset.
    pub fn enter(
        &mut self,
        cpu: CpuId,
        thread: &Context,
        space: &GuestSpace,
        page: PageRef,
        counters: Counters,
    ) -> RawExit {
        let words = per_cpu::of(cpu);
        let is_current = words.current.load(Relaxed) == core::ptr::from_ref(thread).addr() as u64;
        assert!(
            is_current && thread.has_fpu(),
            "a guest is entered by the current thread, with an FPU"
        );
        let vmcs = self.make_current(cpu);
        let is_first = self.bitmap == 0;
        let outside = self.set_counters(vmcs, counters);
        self.host
            .set(vmcs, words.root.load(Relaxed), thread.fs_base, outside);
        self.lists.set_thread_gs_base(thread.gs_base);
        let mut forgets = false;
        if core::mem::take(&mut self.has_changes) {
            let loaded = state::load(vmcs, page, is_first);
            forgets = loaded.forgets_translations;
            let processor = self
                .processor
                .with_interrupt_window_exiting(loaded.waits_for_window);
            self.set_processor_controls(vmcs, processor);
        }
        self.set_space(vmcs, space, forgets);
        loop {
            if let Some(exit) = self.run(vmcs, cpu, page, counters) {
                return exit;
            }
        }
    }

    /// Writes what the VMM needs to know of the last exit to the page: [`RawExit::Exit`] and [`RawExit::EntryFailed`].
    pub fn describe_exit(&mut self, page: PageRef) {
        let vmcs = self.holder.and_then(|cpu| root::current(cpu, self.region));
        let Some(vmcs) = vmcs else {
            return;
        };
        match self.last {
            Switched::Exited => state::describe(vmcs, page),
            Switched::Refused => state::describe_refusal(vmcs, page),
        }
        state::describe_counts(page, self.exits, self.global_control.into());
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

    /// Enters once. `None`: the exit needed nobody, and the guest can go on.
    fn run(
        &mut self,
        vmcs: Current,
        cpu: CpuId,
        page: PageRef,
        counters: Counters,
    ) -> Option<RawExit> {
        self.debug.load();
        self.last = world::switch(vmcs, page, self.has_launched, root::tables(cpu));
        self.debug.save();
        if self.last == Switched::Refused {
            return Some(RawExit::EntryFailed);
        }
        let word = vmcs.read(&EXIT_REASON);
        if word.entry_failed() {
            return Some(RawExit::EntryFailed);
        }
        self.has_launched = true;
        self.exits += 1;
        self.note_exit(vmcs, counters);
        match word.reason() {
            ExitReason::EXTERNAL_INTERRUPT => {
                let event = vmcs.read(&EXIT_INTERRUPTION_INFO);
                Some(RawExit::Interrupt(handler::serve(Vector(event.vector()))))
            }
            ExitReason::EXCEPTION_OR_NMI => {
                let event = vmcs.read(&EXIT_INTERRUPTION_INFO);
                assert!(
                    event.kind() == EventKind::NMI,
                    "{} while a guest ran",
                    Vector(event.vector()).name()
                );
                world::serve_non_maskable();
                Some(RawExit::Nmi)
            }
            ExitReason::DEBUG_REGISTER => {
                self.debug.open();
                let processor = self.processor.with_mov_dr_exiting(false);
                self.set_processor_controls(vmcs, processor);
                None
            }
            reason => Some(RawExit::Exit(reason)),
        }
    }

    /// Remembers what belongs to the guest and is read after every exit.
    fn note_exit(&mut self, vmcs: Current, counters: Counters) {
        let stack: AccessRights = {
            let [_, _, stack, ..] = &field::GUEST_SEGMENTS;
            vmcs.read(&stack.access)
        };
        self.ring = if stack.privilege() == 0 {
            Ring::Kernel
        } else {
            Ring::User
        };
        if let Counters::Guest(_) = counters {
            self.global_control = match self.lists.stored_global_control() {
                Some(stored) => stored,
                None => {
                    self.inside = vmcs.read(&GUEST_PERF_GLOBAL_CTRL);
                    self.inside
                }
            };
        }
    }

    fn make_current(&mut self, cpu: CpuId) -> Current {
        let Some(holder) = self.holder else {
            return self.start(cpu);
        };
        assert!(holder == cpu, "a vCPU stays on the CPU of its first entry");
        root::resume(cpu, self.region)
    }

    /// Writes every field of the VMCS but those of the page, which follow because of `bitmap == 0`.
    #[cold]
    #[inline(never)]
    fn start(&mut self, cpu: CpuId) -> Current {
        let controls =
            root::controls().unwrap_or_else(|why| panic!("a guest is entered, but {why}"));
        let vmcs = root::start(cpu, self.region);
        self.holder = Some(cpu);
        self.has_launched = false;
        self.has_changes = true;
        self.bitmap = 0;
        self.translations = (0, 0);
        vmcs.write(&PIN_CONTROLS, controls.pin);
        vmcs.write::<SecondaryControls>(&field::SECONDARY_CONTROLS, controls.secondary);
        vmcs.write(&EXIT_CONTROLS, controls.exit);
        vmcs.write(&ENTRY_CONTROLS, controls.entry);
        vmcs.write(&field::EXCEPTION_BITMAP, EXCEPTIONS);
        vmcs.write(&field::VIRTUAL_PROCESSOR_ID, self.tag);
        self.processor = controls.processor;
        vmcs.write(&PROCESSOR_CONTROLS, self.processor);
        self.inside = PerfGlobalCtrl::new();
        vmcs.write(&GUEST_PERF_GLOBAL_CTRL, self.inside);
        self.host.start(vmcs, cpu);
        self.lists.start(vmcs, &controls);
        state::start(vmcs);
        let closed = permissions::bitmap(None, controls.secondary.rdtscp());
        write_words(self.closed, &closed);
        self.write_open_bitmap();
        vmcs
    }

    /// Says whose counters the guest runs on, and gives GLOBAL_CTRL from the exit on.
    fn set_counters(&mut self, vmcs: Current, counters: Counters) -> PerfGlobalCtrl {
        let (inside, outside, bitmap, reads_counters) = match counters {
            Counters::Guest(control) => {
                (control, PerfGlobalCtrl::new(), self.open, self.access.rdpmc)
            }
            Counters::Host { inside, outside } => (inside, outside, self.closed, false),
        };
        if self.inside != inside {
            self.inside = inside;
            vmcs.write(&GUEST_PERF_GLOBAL_CTRL, inside);
        }
        let bitmap = direct::physical_of(bitmap);
        if self.bitmap != bitmap {
            self.bitmap = bitmap;
            vmcs.write(&MSR_BITMAP, bitmap);
        }
        let processor = self.processor.with_rdpmc_exiting(!reads_counters);
        self.set_processor_controls(vmcs, processor);
        outside
    }

    fn set_processor_controls(&mut self, vmcs: Current, controls: ProcessorControls) {
        if self.processor != controls {
            self.processor = controls;
            vmcs.write(&PROCESSOR_CONTROLS, controls);
        }
    }

    fn set_space(&mut self, vmcs: Current, space: &GuestSpace, forgets: bool) {
        let pointer = space.pointer();
        let translations = (pointer.into_bits(), space.generation());
        if self.translations != translations {
            self.translations = translations;
            vmcs.write(&field::EPT_POINTER, pointer.into_bits());
            instructions::forget_translations(pointer);
        } else if forgets {
            instructions::forget_translations(pointer);
        }
    }

    #[inline(never)]
    fn write_open_bitmap(&self) {
        let has_tsc_aux = root::controls().is_ok_and(|controls| controls.secondary.rdtscp());
        let words = permissions::bitmap(Some(self.access), has_tsc_aux);
        write_words(self.open, &words);
    }
}

fn write_words(page: &Page, words: &[u64]) {
    for (to, &word) in page.iter().zip(words) {
        to.store(word, Relaxed);
    }
}
