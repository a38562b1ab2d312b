//! Two VMMs, the server of the counters and somebody else, on one CPU.

use pmu_model::{Batch, Elapsed, Ring};
use sel4_sys::pmu::{AccountingPage, CounterWords, HostProgram, PmuControlOp};
use sel4_sys::vcpu::{VcpuOp, VcpuReturn, VcpuState};
use sel4_sys::{InterruptOp, ObjectKind, slot};
use sysdesc::Interrupt;
use x86_regs::msr::MsrReg;
use x86_regs::pmu::{FixedCtrCtrl, FixedField, GlobalStatus, PerfGlobalCtrl};
use zerocopy::FromBytes;

use super::invariants;
use super::machine::{CPU, Machine, message};
use super::system::{Number, System, vmm_slot};
use crate::object::{Id, PmuControlId, VcpuId};
pub(super) use arch_host::machine::GuestStep;
use arch_host::machine::{counter_register, guest_does, retire};

pub(super) const VMM: Number = 0;
pub(super) const SECOND: Number = 1;
pub(super) const SERVER: Number = 2;
pub(super) const OTHER: Number = 3;

/// Slots of the server: the control, and the leases of the two VMs.
pub(super) const CONTROL: u64 = 20;
pub(super) const LEASES: [u64; 2] = [21, 22];
/// An interrupt line that wakes it.
const LINE: u64 = 23;
/// The lowest bit of fixed counter 0, which counts instructions, in GLOBAL_CTRL and elsewhere.
pub(super) const FIXED_0: u64 = 1 << 32;
/// RDPMC's number of it.
pub(super) const RDPMC_FIXED_0: u64 = 1 << 30;
/// Its position in lists of all counters.
pub(super) const AT: usize = 8;

/// The system: the VMMs share a priority, the other one is above them, the server is on top.
pub(super) fn system() -> System {
    let mut system = System::new();
    for priority in [10, 10, 30, 20] {
        system.task(priority);
    }
    system.guest(VMM);
    system.guest(SECOND);
    let control = system.control();
    system.give(SERVER, CONTROL, ObjectKind::PmuControl, control);
    system.interrupts.push(Interrupt { line: 4, flags: 0 });
    system.give(SERVER, LINE, ObjectKind::Interrupt, 0);
    for (i, slot) in (0..).zip(LEASES) {
        system.give(SERVER, slot, ObjectKind::PmuLease, i);
    }
    system
}

pub(super) struct World {
    pub(super) m: Machine,
}

impl World {
    /// Server and other one wait for signals, and the first VMM runs.
    pub(super) fn new() -> Self {
        Self::of(&system())
    }

    pub(super) fn of(system: &System) -> Self {
        let mut m = Machine::boot(system);
        let set = InterruptOp::SET_NOTIFICATION.0;
        assert_eq!(m.invoke(SERVER, LINE, set, &[], &[slot::NOTIFICATION]).0, 0);
        m.wait(SERVER, slot::NOTIFICATION);
        m.wait(OTHER, slot::NOTIFICATION);
        Self { m }
    }

    /// The server wakes up, invokes its control, and sleeps again.
    pub(super) fn serve(
        &mut self,
        operation: PmuControlOp,
        words: &[u64],
        caps: &[u64],
    ) -> Vec<u64> {
        self.m.signal(SERVER);
        self.serve_awake(operation, words, caps)
    }

    /// As [`Self::serve`], by a server that is awake already.
    pub(super) fn serve_awake(
        &mut self,
        operation: PmuControlOp,
        words: &[u64],
        caps: &[u64],
    ) -> Vec<u64> {
        let (label, words) = self.m.invoke(SERVER, CONTROL, operation.0, words, caps);
        assert_eq!(label, 0, "{operation:?} is refused: {words:?}");
        // Twice: the put that the operation led to may have signalled it.
        self.m.poll(SERVER, slot::NOTIFICATION);
        self.m.wait(SERVER, slot::NOTIFICATION);
        invariants::check(&self.m.k);
        words
    }

    pub(super) fn arm(&mut self, vm: usize) {
        self.serve(PmuControlOp::ARM, &[], &[LEASES[vm]]);
    }

    pub(super) fn disarm(&mut self, vm: usize) {
        self.serve(PmuControlOp::DISARM, &[], &[LEASES[vm]]);
    }

    pub(super) fn set_mode(&mut self, mode: u64) {
        self.serve(PmuControlOp::SET_MODE, &[mode, 100], &[]);
    }

    /// The host counts instructions of both rings in fixed counter 0, from `value` on.
    pub(super) fn host_counts(&mut self, including_guests: bool, value: u64, period: u64) {
        let mut program = HostProgram {
            fixed_control: fixed_0(period != 0).into(),
            global_control: FIXED_0,
            including_guests: if including_guests { FIXED_0 } else { 0 },
            start: 1 << AT,
            ..HostProgram::default()
        };
        program.values[AT] = value;
        program.periods[AT] = period;
        let words: [u64; size_of::<HostProgram>() / 8] = zerocopy::transmute!(program);
        self.serve(PmuControlOp::PROGRAM, &words, &[]);
    }

    pub(super) fn read(&mut self) -> CounterWords {
        let words = self.serve(PmuControlOp::READ, &[], &[]);
        let words: [u64; size_of::<CounterWords>() / 8] = words.try_into().unwrap();
        zerocopy::transmute!(words)
    }

    /// An operation of a VMM on its virtual CPU, which runs no guest.
    pub(super) fn vcpu(&mut self, vmm: Number, operation: VcpuOp, words: &[u64]) -> Vec<u64> {
        let (label, words) = self.m.invoke(vmm, vmm_slot::VCPU, operation.0, words, &[]);
        assert_eq!(label, 0, "{operation:?} is refused: {words:?}");
        words
    }

    /// The guest counts instructions in fixed counter 0 from `value` on.
    pub(super) fn guest_counts(&mut self, vmm: Number, value: u64, interrupt: bool) {
        self.vcpu(vmm, VcpuOp::WRITE_COUNTER, &[RDPMC_FIXED_0, value]);
        self.vcpu(vmm, VcpuOp::SET_GLOBAL_CONTROL, &[FIXED_0]);
        self.vcpu(vmm, VcpuOp::SET_FIXED_CONTROL, &[fixed_0(interrupt).into()]);
    }

    pub(super) fn guest_count(&mut self, vmm: Number) -> u64 {
        self.vcpu(vmm, VcpuOp::READ_COUNTER, &[RDPMC_FIXED_0])[0]
    }

    /// The VMM, which runs, enters its guest, which does these steps.
    pub(super) fn start(&mut self, vmm: Number, steps: &[GuestStep]) {
        guest_does(u32::from(vmm), steps);
        self.m
            .call(vmm, vmm_slot::VCPU, &message(VcpuOp::ENTER.0, &[]));
        invariants::check(&self.m.k);
    }

    /// What the last entry of a VMM answered.
    pub(super) fn answer(&mut self, vmm: Number) -> (VcpuReturn, u64) {
        let got = self.m.got(vmm);
        assert_eq!((got.label, got.words.len()), (0, 2));
        (VcpuReturn(got.words[0]), got.words[1])
    }

    /// [`Self::start`] of a guest that comes back by itself.
    pub(super) fn enter(&mut self, vmm: Number, steps: &[GuestStep]) -> VcpuReturn {
        self.start(vmm, steps);
        assert_eq!(self.m.running(), Some(vmm), "the VMM goes on");
        self.answer(vmm).0
    }

    /// The page of a VMM's virtual CPU.
    pub(super) fn state(&self, vmm: Number) -> VcpuState {
        let page = self.m.k.vcpus[VcpuId::new(vmm).unwrap()].page.0;
        let words: Vec<u64> = (0..size_of::<VcpuState>() / 8)
            .map(|i| page.word(i))
            .collect();
        VcpuState::read_from_bytes(zerocopy::IntoBytes::as_bytes(words.as_slice())).unwrap()
    }

    /// Writes a word of that page.
    pub(super) fn set_state(&self, vmm: Number, offset: usize, value: u64) {
        let page = self.m.k.vcpus[VcpuId::new(vmm).unwrap()].page.0;
        page.set_word(offset / 8, value);
    }

    pub(super) fn account(&self) -> AccountingPage {
        let page = self.m.k.pmu_controls[PmuControlId::new(0).unwrap()].page;
        let words: [u64; size_of::<AccountingPage>() / 8] = std::array::from_fn(|i| page.word(i));
        let account: AccountingPage = zerocopy::transmute!(words);
        assert_eq!(account.generation % 2, 0, "nobody writes it now");
        account
    }

    /// (R, W, P) so far, LVTPC among the writes.
    pub(super) fn operations(&self) -> [u64; 3] {
        let [reads, writes, counter_reads, vector_writes] = self.account().operations;
        [reads, writes + vector_writes, counter_reads]
    }

    /// Lets the host retire instructions.
    pub(super) fn host_retires(&self, count: u64) {
        retire(CPU, &instructions(count));
    }

    /// Panics unless no counter runs, nothing is selected and no PMI can come.
    pub(super) fn assert_quiet(&self) {
        let registers = [PerfGlobalCtrl::ADDR, FixedCtrCtrl::ADDR, GlobalStatus::ADDR];
        assert_eq!(
            registers.map(|address| counter_register(CPU, address)),
            [0; 3]
        );
        let vector = arch_host::machine::local_vector(CPU);
        assert_eq!(vector, pmu_drv::LocalVector::Masked);
    }
}

pub(super) fn instructions(count: u64) -> Elapsed {
    Elapsed::in_ring(Ring::Kernel, Batch::instructions(count))
}

/// A device wakes the server.
pub(super) const WAKE_SERVER: GuestStep =
    GuestStep::Interrupt(crate::arch::trap::Interrupt::Line(4));

/// The guest retires instructions.
pub(super) fn run(count: u64) -> GuestStep {
    GuestStep::Retire(instructions(count))
}

/// FIXED_CTR_CTRL with counter 0 in both rings.
pub(super) fn fixed_0(interrupt: bool) -> FixedCtrCtrl {
    let field = FixedField::new()
        .with_kernel(true)
        .with_user(true)
        .with_interrupt(interrupt);
    FixedCtrCtrl::new().with_field(0, field)
}
