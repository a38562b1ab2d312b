//! What the host's machine promises to tests of the kernel that run guests.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use arch_host::boot::Boot;
use arch_host::context::Context;
use arch_host::machine::{self, GuestRead, GuestStep};
use arch_host::mm::{MapError, PageRef};
use arch_host::pmu::{self, Port};
use arch_host::trap::Interrupt;
use arch_host::vcpu::{Access, Counters, GuestRights, GuestSpace, RawExit, Vcpu};
use arch_host::{CpuId, machine::retire};
use pmu_drv::{Counter, CounterSet, CpuPmu, LocalVector, PmuContext};
use pmu_model::{Batch, Elapsed, Ring};
use sel4_sys::samples::{SAMPLE_HEADER_WORDS, SampleHeader};
use x86_regs::msr::{MsrBank, MsrReg};
use x86_regs::pmu::{FixedCounter, FixedCtrCtrl, FixedField, PerfGlobalCtrl};
use x86_regs::vmx::ExitReason;

const CPU: CpuId = CpuId::BOOT;
const FIXED_0: u64 = 1 << 32;

struct Bench {
    vcpu: &'static mut Vcpu,
    thread: &'static mut Context,
    space: GuestSpace,
    page: PageRef,
}

fn bench() -> Bench {
    machine::power_on();
    let mut boot = Boot::new(&[], 1);
    let [vcpu] = boot.carve_vcpus(1).unwrap() else {
        panic!("one vCPU")
    };
    let [thread] = boot.carve_contexts(1).unwrap() else {
        panic!("one context")
    };
    thread.set_fpu(true);
    let page = boot.frame(1, &[]).unwrap().page(0).unwrap();
    let space = boot.guest_space().unwrap();
    Bench {
        vcpu,
        thread,
        space,
        page,
    }
}

impl Bench {
    fn enter(&mut self, steps: &[GuestStep], counters: Counters) -> RawExit {
        machine::guest_does(0, steps);
        self.vcpu
            .enter(CPU, self.thread, &self.space, self.page, counters)
    }
}

fn instructions(count: u64) -> Elapsed {
    Elapsed::in_ring(Ring::Kernel, Batch::instructions(count))
}

fn fixed_0(interrupt: bool) -> FixedCtrCtrl {
    let field = FixedField::new()
        .with_kernel(true)
        .with_interrupt(interrupt);
    FixedCtrCtrl::new().with_field(0, field)
}

/// A context in which fixed counter 0 counts the kernel's instructions from `value` on.
fn context(value: u64, interrupt: bool) -> PmuContext {
    let mut context = PmuContext::new();
    context.set_fixed_control(fixed_0(interrupt));
    context.set_global_control(PerfGlobalCtrl::from(FIXED_0));
    context.set_value(Counter::fixed(0).unwrap(), value);
    context
}

fn guests_counters(pmu: &mut CpuPmu<Port>, context: &PmuContext) -> Counters {
    let mut stopped = pmu.stop();
    let vector = LocalVector::Fixed {
        vector: pmu::guest_vector(true),
        masked: false,
    };
    stopped.take(context, vector);
    Counters::Guest(stopped.start_guest(context))
}

#[test]
fn a_guest_counts_its_own_instructions_and_reads_them_without_an_exit_where_it_may() {
    let mut bench = bench();
    let mut pmu = CpuPmu::new(pmu::port(CPU), pmu::layout().unwrap());
    let context = context(7, false);
    let counters = guests_counters(&mut pmu, &context);
    let read = GuestStep::ReadMsr(FixedCounter::addr(0).unwrap());
    let steps = [GuestStep::Retire(instructions(100)), read];
    assert_eq!(
        bench.enter(&steps, counters),
        RawExit::Exit(ExitReason::RDMSR)
    );
    assert_eq!(bench.page.word(1), 0x309, "RCX names the register");
    // The VMM answers in RDX:RAX, and opens the counter.
    bench.page.set_word(0, 5);
    bench.page.set_word(2, 1);
    bench.vcpu.set_access(Access {
        counters: CounterSet::from_bits(FIXED_0),
        ..Access::default()
    });
    assert_eq!(
        bench.enter(&[read], counters),
        RawExit::Exit(ExitReason::HLT)
    );
    let trapped = GuestRead {
        value: 1 << 32 | 5,
        is_direct: false,
    };
    let direct = GuestRead {
        value: 107,
        is_direct: true,
    };
    assert_eq!(machine::take_guest_reads(0), [trapped, direct]);
    assert_eq!(machine::counter_register(CPU, PerfGlobalCtrl::ADDR), 0);
    assert_eq!(
        bench.vcpu.global_control(),
        PerfGlobalCtrl::from(FIXED_0),
        "saved by the exit"
    );
}

#[test]
fn an_overflow_of_the_guest_exits_with_its_own_vector() {
    let mut bench = bench();
    let mut pmu = CpuPmu::new(pmu::port(CPU), pmu::layout().unwrap());
    let context = context((1 << 48) - 10, true);
    let counters = guests_counters(&mut pmu, &context);
    let steps = [GuestStep::Retire(instructions(10))];
    let pmi = Interrupt::GuestPmi { odd_epoch: true };
    assert_eq!(bench.enter(&steps, counters), RawExit::Interrupt(pmi));
    assert!(matches!(
        machine::local_vector(CPU),
        LocalVector::Fixed { masked: true, .. }
    ));
}

#[test]
fn an_overflow_of_the_host_becomes_a_sample_and_the_watermark_an_interrupt() {
    let mut bench = bench();
    let mut boot = Boot::new(&[], 1);
    let ring = boot.frame(1, &[]).unwrap();
    let mut pmu = CpuPmu::new(pmu::port(CPU), pmu::layout().unwrap());
    let mut periods = [0; 12];
    periods[8] = 1000;
    pmu::set_periods(CPU, &periods);
    pmu::set_ring(CPU, Some(&ring), 2);
    let host = context((1 << 48) - 1000, true);
    let mut stopped = pmu.stop();
    stopped.take(&host, LocalVector::Nmi);
    stopped.start_host(&host);
    retire(CPU, &instructions(999));
    let header = ring.page(0).unwrap();
    assert_eq!(header.word(SampleHeader::WRITTEN), 0);
    retire(CPU, &instructions(1));
    assert_eq!(header.word(SampleHeader::WRITTEN), 1);
    let record: Vec<u64> = (0..4)
        .map(|i| header.word(SAMPLE_HEADER_WORDS + i))
        .collect();
    assert_eq!(record, [0, machine::KERNEL_RIP, FIXED_0, 0]);
    assert_eq!(machine::next_interrupt(CPU), None);
    // The period was reloaded, LVTPC unmasked and the status acknowledged: the next one comes as well.
    retire(CPU, &instructions(1000));
    assert_eq!(header.word(SampleHeader::WRITTEN), 2);
    assert_eq!(machine::next_interrupt(CPU), Some(Interrupt::Samples));
    assert_eq!(pmu::nmi_counts(CPU).host_pmis, 2);
    // A guest without counters of its own neither stops the host's nor counts in them.
    let counters = Counters::Host {
        inside: PerfGlobalCtrl::new(),
        outside: PerfGlobalCtrl::from(FIXED_0),
    };
    let steps = [GuestStep::Retire(instructions(1000)), GuestStep::Nmi];
    assert_eq!(bench.enter(&steps, counters), RawExit::Nmi);
    assert_eq!(header.word(SampleHeader::WRITTEN), 2);
    assert_eq!(pmu::nmi_counts(CPU).others, 1);
    retire(CPU, &instructions(1000));
    assert_eq!(header.word(SampleHeader::WRITTEN), 3);
}

#[test]
fn tables_of_a_guest_are_used_up_and_come_back() {
    machine::power_on();
    let mut boot = Boot::new(&[], 1);
    let frame = boot.frame(2, &[]).unwrap();
    let mut space = boot.guest_space().unwrap();
    let rights = GuestRights {
        write: true,
        execute: true,
    };
    assert_eq!(space.map(0, &frame, 0, rights), Err(MapError::NoTable));
    boot.add_guest_tables(&mut space, 4).unwrap();
    assert_eq!(space.map(0, &frame, 0, rights), Ok(()));
    assert_eq!(space.map(0, &frame, 1, rights), Err(MapError::Occupied));
    assert_eq!(space.map(2 << 20, &frame, 1, rights), Ok(()));
    assert_eq!(
        space.map(4 << 20, &frame, 1, rights),
        Err(MapError::NoTable)
    );
    space.clear();
    assert_eq!(space.map(4 << 20, &frame, 1, rights), Ok(()));
}
