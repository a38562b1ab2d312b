//! One CPU's counters: the reference model, LVTPC, and the NMI handler's part.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};

use pmu_drv::{
    Interrupted, Layout, LocalVector, NmiOrigin, Phase, PhaseSet, PmuPort, RateLimit, Sample,
    Sampling, Unsupported,
};
use pmu_model::{Access, Config, Elapsed, Pmu};
use sel4_sys::samples::{SAMPLE_HEADER_WORDS, SAMPLE_WORDS, SampleFlags, SampleHeader};
use x86_regs::MsrAddr;
use x86_regs::cpuid::PerfmonLeaf;
use x86_regs::msr::MsrReg;
use x86_regs::pmu::PerfGlobalCtrl;

use crate::CpuId;
use crate::mm::{Frame, PageRef};
use crate::pmu::guest_vector;
use crate::trap::Interrupt;

/// The limit of the host's machine: a nanosecond a tick, and time stands still in an NMI.
const LIMIT: RateLimit = RateLimit::usual(1_000_000_000);

thread_local! {
    static CONFIG: RefCell<Option<Config>> = const { RefCell::new(Some(Config::sapphire_rapids())) };
    static WAITS: Cell<Option<Elapsed>> = const { Cell::new(None) };
    static UNITS: RefCell<BTreeMap<CpuId, CountersOfCpu>> = const { RefCell::new(BTreeMap::new()) };
}

/// What every CPU's counters are, `None` for a machine without. Takes effect at once: all registers are as after a reset.
pub fn set_counters(config: Option<Config>) {
    CONFIG.set(config);
    UNITS.take();
}

/// Lets `elapsed` retire in the host: what the kernel and its tasks do between two calls of a test. A PMI that it leads to
/// is served as the NMI that it is.
pub fn retire(cpu: CpuId, elapsed: &Elapsed) {
    let raised = with_counters(cpu, |unit| unit.advance(elapsed));
    if raised == Some(Raised::Nmi) {
        let is_user = elapsed.kernel.instructions == 0;
        let rip = if is_user { USER_RIP } else { KERNEL_RIP };
        with_counters(cpu, |unit| unit.nmi(rip, is_user));
    }
}

/// As [`retire`], but not before the kernel has read a counter: time passes, and NMIs come, between two reads.
pub fn retire_at_next_read(elapsed: Elapsed) {
    WAITS.set(Some(elapsed));
}

pub(crate) fn retire_what_waits(cpu: CpuId) {
    if let Some(elapsed) = WAITS.take() {
        retire(cpu, &elapsed);
    }
}

/// Instruction pointer of samples of ring 3 on the host.
pub const USER_RIP: u64 = 0x40_0000;
/// Instruction pointer of samples of the kernel on the host.
pub const KERNEL_RIP: u64 = 0xffff_ffff_8010_0000;

/// An interrupt that the counters have raised and no CPU has taken yet, oldest first. A test hands it to the kernel.
#[must_use]
pub fn next_interrupt(cpu: CpuId) -> Option<Interrupt> {
    with_counters(cpu, |unit| unit.interrupts.pop_front())
}

/// A register of the counters as it is now, without any effect; 0 for one that does not exist.
#[must_use]
pub fn counter_register(cpu: CpuId, address: MsrAddr) -> u64 {
    with_counters(cpu, |unit| {
        unit.registers.pmu.rdmsr(address.0).done().unwrap_or(0)
    })
}

/// What LVTPC says now.
#[must_use]
pub fn local_vector(cpu: CpuId) -> LocalVector {
    with_counters(cpu, |unit| unit.registers.vector)
}

pub(super) fn power_on() {
    WAITS.set(None);
    set_counters(Some(Config::sapphire_rapids()));
}

pub(crate) fn pmu_layout() -> Result<Layout, Unsupported> {
    let config = CONFIG.with_borrow(Clone::clone);
    let answer = config.and_then(|config| Pmu::new(config).ok()?.cpuid(0xa, 0));
    let leaf = PerfmonLeaf::from(answer.unwrap_or_default());
    let capabilities = config.and_then(|config| config.capabilities);
    Layout::describe(
        leaf.eax,
        leaf.ecx,
        leaf.edx,
        capabilities.unwrap_or_default(),
    )
}

pub(crate) fn with_counters<T>(cpu: CpuId, act: impl FnOnce(&mut CountersOfCpu) -> T) -> T {
    UNITS.with_borrow_mut(|units| act(units.entry(cpu).or_insert_with(CountersOfCpu::new)))
}

/// What an overflow led to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Raised {
    Nmi,
    Vector(u8),
}

/// The counters of one CPU.
#[derive(Debug)]
pub(crate) struct CountersOfCpu {
    registers: Registers,
    layout: Layout,
    sampling: Sampling,
    ring: Vec<PageRef>,
    watermark: u64,
    interrupts: VecDeque<Interrupt>,
}

/// The registers themselves.
#[derive(Debug)]
struct Registers {
    pmu: Pmu,
    vector: LocalVector,
}

impl PmuPort for Registers {
    fn read_msr(&mut self, address: MsrAddr) -> u64 {
        self.pmu
            .rdmsr(address.0)
            .done()
            .unwrap_or_else(|| panic!("RDMSR {:#x} faults in the kernel", address.0))
    }
    fn write_msr(&mut self, address: MsrAddr, value: u64) {
        assert!(
            address == PerfGlobalCtrl::ADDR || self.pmu.global_ctrl() == 0,
            "MSR {:#x} written while counters may run",
            address.0
        );
        assert_eq!(
            self.pmu.wrmsr(address.0, value),
            Access::Done(()),
            "WRMSR {:#x} of {value:#x} in the kernel",
            address.0
        );
    }
    fn read_counter(&mut self, ecx: u32) -> u64 {
        self.pmu
            .rdpmc(ecx)
            .done()
            .unwrap_or_else(|| panic!("RDPMC {ecx:#x} faults in the kernel"))
    }
    fn set_local_vector(&mut self, vector: LocalVector) {
        assert_eq!(
            self.pmu.global_ctrl(),
            0,
            "LVTPC written while counters may run"
        );
        self.vector = vector;
    }
    fn set_phase(&mut self, _phase: Phase) {}
}

impl CountersOfCpu {
    fn new() -> Self {
        let config = CONFIG.with_borrow(Clone::clone);
        let config = config.expect("counters used on a machine that has none");
        Self {
            registers: Registers {
                pmu: Pmu::new(config).expect("a test's counters could exist"),
                vector: LocalVector::Masked,
            },
            layout: pmu_layout().expect("counters used that cannot be handed over"),
            sampling: Sampling::new(),
            ring: Vec::new(),
            watermark: 0,
            interrupts: VecDeque::new(),
        }
    }

    pub(crate) fn port(&mut self) -> &mut impl PmuPort {
        &mut self.registers
    }

    pub(crate) fn sampling(&self) -> &Sampling {
        &self.sampling
    }

    /// What a guest's access does, or the host's.
    pub(crate) fn pmu(&mut self) -> &mut Pmu {
        &mut self.registers.pmu
    }

    /// Lets `elapsed` retire under the present GLOBAL_CTRL.
    pub(crate) fn advance(&mut self, elapsed: &Elapsed) -> Option<Raised> {
        let registers = &mut self.registers;
        registers.pmu.advance(elapsed);
        if !registers.pmu.take_pmi() {
            return None;
        }
        match registers.vector {
            LocalVector::Nmi => {
                // The NMI's delivery sets LVTPC's mask bit. SDM vol. 3B, "Generating an Interrupt on Overflow".
                registers.vector = LocalVector::Masked;
                Some(Raised::Nmi)
            }
            LocalVector::Fixed {
                vector,
                masked: false,
            } => {
                registers.vector = LocalVector::Fixed {
                    vector,
                    masked: true,
                };
                Some(Raised::Vector(vector))
            }
            LocalVector::Fixed { masked: true, .. } | LocalVector::Masked => None,
        }
    }

    pub(crate) fn set_phase(&mut self, phase: Phase) {
        while self.sampling.set_phase(&mut self.registers, phase) == PhaseSet::NmiWaits {
            let at = now(0, false);
            let origin = self
                .sampling
                .serve_held(&mut self.registers, &self.layout, &LIMIT, at);
            self.record(origin);
        }
    }

    /// An NMI at `rip`.
    pub(crate) fn nmi(&mut self, rip: u64, is_user: bool) {
        let at = now(rip, is_user);
        let origin = self
            .sampling
            .nmi(&mut self.registers, &self.layout, &LIMIT, at);
        self.record(origin);
    }

    /// Lets counters that the rate limit has slowed down count again.
    pub(crate) fn resume(&mut self) {
        if self.sampling.is_silenced() {
            self.set_phase(Phase::Switching);
            self.set_phase(Phase::Host);
        }
    }

    pub(crate) fn set_ring(&mut self, ring: Option<&Frame>, watermark: u64) {
        let pages = ring.map(|frame| (0..frame.pages()).filter_map(|n| frame.page(n)).collect());
        self.ring = pages.unwrap_or_default();
        self.watermark = watermark;
    }

    fn record(&mut self, origin: NmiOrigin) {
        if let NmiOrigin::Pmi(Some(sample)) = origin {
            self.write_sample(sample);
        }
    }

    pub(crate) fn write_sample(&mut self, sample: Sample) {
        let Some(&header) = self.ring.first() else {
            return;
        };
        let room = (self.ring.len() * 512 - SAMPLE_HEADER_WORDS) / SAMPLE_WORDS;
        let written = header.word(SampleHeader::WRITTEN);
        let unread = written.wrapping_sub(header.word(SampleHeader::READ));
        if unread >= room as u64 {
            header.set_word(SampleHeader::LOST, header.word(SampleHeader::LOST) + 1);
            return;
        }
        let slot = usize::try_from(written).expect("64 bits") % room;
        let first = SAMPLE_HEADER_WORDS + slot * SAMPLE_WORDS;
        let mut flags = SampleFlags::empty();
        flags.set(SampleFlags::USER, sample.at.is_user);
        flags.set(SampleFlags::LATE, sample.is_late);
        let words = [
            sample.at.now,
            sample.at.rip,
            sample.counters.bits(),
            flags.bits(),
        ];
        for (index, word) in (first..).zip(words) {
            if let Some(page) = self.ring.get(index / 512) {
                page.set_word(index % 512, word);
            }
        }
        header.set_word(SampleHeader::WRITTEN, written + 1);
        if unread + 1 == self.watermark {
            self.interrupts.push_back(Interrupt::Samples);
        }
    }
}

/// The interrupt that a guest's PMI vector leads to.
pub(crate) fn guest_pmi(vector: u8) -> Interrupt {
    [false, true]
        .into_iter()
        .find(|&odd| guest_vector(odd) == vector)
        .map_or(Interrupt::Spurious, |odd_epoch| Interrupt::GuestPmi {
            odd_epoch,
        })
}

fn now(rip: u64, is_user: bool) -> Interrupted {
    let now = super::now().0;
    Interrupted { rip, is_user, now }
}
