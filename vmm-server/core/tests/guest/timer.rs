//! Sleeping, and being woken.

use sel4_sys::vcpu::{Changed, VcpuReturn};
use vmm_server_core::{Next, Verdict};
use x86_regs::apic::{
    ApicReg as _, DivideConfiguration, EndOfInterrupt, InitialCount, LvtEntry, LvtPmc, LvtTimer,
    SpuriousVector, TscDeadline,
};
use x86_regs::pmu::{EventSelect, PerfEvtSel};
use x86_regs::vmx::ExitReason;
use x86_regs::{MsrAddr, MsrBank as _};

use crate::machine::{Did, Machine};

const VECTOR: u64 = 0x40;

fn with_timer(mode: u8) -> Machine {
    let mut machine = Machine::new();
    let on = SpuriousVector::new().with_vector(0xff).with_enable(true);
    let entry = LvtEntry::new().with_vector(0x40).with_timer_mode(mode);
    let by_1 = DivideConfiguration::BY_1;
    for (register, value) in [
        (SpuriousVector::REGISTER, u32::from(on)),
        (LvtTimer::REGISTER, entry.into()),
        (DivideConfiguration::REGISTER, by_1.into()),
    ] {
        assert_eq!(machine.write(register.msr(), value.into()), Did::Done);
    }
    machine
}

fn interrupts_on(machine: &mut Machine) {
    machine.state.rflags |= 1 << 9;
}

#[test]
fn a_guest_that_halts_sleeps_until_its_timer_and_is_then_interrupted() {
    let mut machine = with_timer(LvtEntry::ONE_SHOT);
    machine.env.now = 1_000;
    machine.write(InitialCount::REGISTER.msr(), 20_000);
    interrupts_on(&mut machine);
    assert_eq!(machine.exits(ExitReason::HLT, 1), Did::Done);
    assert_eq!(machine.state.activity, 1);
    assert_ne!(machine.state.changed & Changed::INTERRUPTIBILITY, 0);
    let deadline = machine.state.deadline;
    assert!((21_000..=21_001).contains(&deadline), "{deadline}");

    machine.env.now = deadline;
    assert_eq!(machine.returns(VcpuReturn::DEADLINE), Next::Enter);
    assert_eq!(machine.state.activity, 0);
    assert_eq!(machine.state.inject & 0x8000_00ff, 0x8000_0000 | VECTOR);
    assert_eq!(machine.state.deadline, 0);
}

#[test]
fn a_signal_in_between_leaves_it_asleep() {
    let mut machine = with_timer(LvtEntry::TSC_DEADLINE);
    machine.set(TscDeadline::from(5_000));
    interrupts_on(&mut machine);
    machine.exits(ExitReason::HLT, 1);
    machine.env.now = 3_000;
    assert_eq!(machine.returns(VcpuReturn::SIGNALLED), Next::Enter);
    assert_eq!((machine.state.activity, machine.state.deadline), (1, 5_000));
    assert_eq!(machine.state.inject, 0);
}

#[test]
fn halting_with_interrupts_off_is_the_end() {
    let mut machine = Machine::new();
    assert_eq!(machine.exits(ExitReason::HLT, 1), Did::Stopped);
    let rip = machine.state.rip;
    assert_eq!(machine.next, Next::Stop(Verdict::HaltedForEver { rip }));
}

#[test]
fn an_interrupt_waits_for_the_guest_to_allow_it_and_for_the_one_before_to_end() {
    let mut machine = with_timer(LvtEntry::TSC_DEADLINE);
    machine.set(TscDeadline::from(1));
    machine.env.now = 10;
    assert_eq!(machine.exits(ExitReason::CPUID, 2), Did::Done);
    assert_eq!(
        (machine.state.inject, machine.state.interrupt_window),
        (0, 1)
    );

    interrupts_on(&mut machine);
    machine.state.exit_reason = ExitReason::INTERRUPT_WINDOW.0.into();
    assert_eq!(machine.returns(VcpuReturn::EXIT), Next::Enter);
    assert_eq!(machine.state.inject & 0x8000_00ff, 0x8000_0000 | VECTOR);
    assert_eq!(machine.state.interrupt_window, 0);

    machine.set(TscDeadline::from(11));
    machine.env.now = 12;
    assert_eq!(machine.exits(ExitReason::CPUID, 2), Did::Done);
    assert_eq!(machine.state.inject, 0, "the first one is still served");
    assert_eq!(machine.write(EndOfInterrupt::REGISTER.msr(), 0), Did::Done);
    assert_eq!(machine.state.inject & 0x8000_00ff, 0x8000_0000 | VECTOR);
}

#[test]
fn sti_and_hlt_together_do_not_lose_the_interrupt_between_them() {
    let mut machine = with_timer(LvtEntry::TSC_DEADLINE);
    machine.set(TscDeadline::from(1));
    machine.env.now = 10;
    interrupts_on(&mut machine);
    machine.state.interruptibility = 1; // blocking by STI
    assert_eq!(machine.exits(ExitReason::HLT, 1), Did::Done);
    assert_eq!(machine.state.interruptibility, 0);
    assert_eq!(machine.state.activity, 0);
    assert_eq!(machine.state.inject & 0x8000_00ff, 0x8000_0000 | VECTOR);
}

#[test]
fn hlt_does_not_sleep_when_it_overflows_a_counter_that_interrupts() {
    let mut machine = with_timer(LvtEntry::ONE_SHOT);
    let selector = PerfEvtSel::new()
        .with_event(EventSelect::INSTRUCTIONS)
        .with_kernel(true)
        .with_interrupt(true)
        .with_enable(true);
    machine.write(PerfEvtSel::FIRST, selector.into());
    machine.write(LvtPmc::REGISTER.msr(), 0x50);
    machine.env.counters.insert(0, (1 << 48) - 1);
    machine.state.global_control = 1;
    interrupts_on(&mut machine);
    assert_eq!(machine.exits(ExitReason::HLT, 1), Did::Done);
    assert_eq!(
        machine.state.activity, 0,
        "the kernel adds the HLT at the next entry"
    );
}

#[test]
fn an_event_whose_delivery_was_cut_short_is_delivered_again() {
    let mut machine = Machine::new();
    let page_fault = 0x8000_0b0e_u64 | 0x4 << 32;
    machine.state.idt_vectoring = page_fault;
    machine.state.exit_reason = ExitReason::EXTERNAL_INTERRUPT.0.into();
    assert_eq!(machine.returns(VcpuReturn::EXIT), Next::Enter);
    assert_eq!(machine.state.inject, page_fault);
}

#[test]
fn an_apic_register_that_does_not_exist_and_a_reserved_bit_fault() {
    let mut machine = Machine::new();
    for (address, value) in [
        (0x80c, 0),        // between EOI and LDR
        (0x802, 0),        // identity: read only
        (0x80b, 1),        // EOI takes zero only
        (0x834, 1 << 18),  // reserved in LVTPC
        (0x83f, 0x1_0000), // self-IPI takes a vector
    ] {
        let did = machine.write(MsrAddr(address), value);
        assert_eq!(did, Did::Raised(13), "{address:#x} <- {value:#x}");
    }
}
