//! Guests: memory, registers, interrupts, failed entries, and what is left of them.

use core::arch::global_asm;

use arch_x86_64::boot::Boot;
use arch_x86_64::timer::{self, Ticks};
use arch_x86_64::trap::{Interrupt, Next, UserFault};
use arch_x86_64::vcpu::{GuestRights, RawExit, support};
use arch_x86_64::{CpuId, upcalls};
use sel4_sys::vcpu::Changed;
use x86_regs::vmx::ExitReason;

use crate::bench::{Bench, CODE, CPU, DATA, QUIET, RAX, RBX, RCX, word};
use crate::host::{self, NAMES, snapshot};
use crate::report::{Outcome, begin, check, fail, finish, same};
use crate::{costs, counters, samples};

global_asm!(include_str!("code.s"));

/// Declares guests: the bytes from a label to the end of all code, a page at most.
macro_rules! guests {
    ($($name:ident = $label:ident;)+) => {
        unsafe extern "C" {
            $(static $label: u8;)+
            static guests_end: u8;
        }
        $(pub(crate) fn $name() -> &'static [u8] {
            let (start, end) = (&raw const $label, &raw const guests_end);
            // SAFETY: 1. The labels lie in this order in one section of constants.
            unsafe { core::slice::from_raw_parts(start, end.addr() - start.addr()) }
        })+
    };
}

guests! {
    adds = guest_adds;
    changes_everything = guest_changes_everything;
    touches = guest_touches;
    waits = guest_waits;
    counts = guest_counts;
    reads_its_counter = guest_reads_its_counter;
    changes_global_control = guest_changes_global_control;
    calls = guest_calls;
    raises_its_priority = guest_raises_its_priority;
}

upcalls!(boot, syscall, fault, interrupt);

fn boot(boot: &mut Boot) -> Next {
    begin(core::str::from_utf8(boot.image()).unwrap_or(""));
    if let Err(why) = support() {
        check("the_machine_runs_guests", || fail(format_args!("{why}")));
        finish();
    }
    let Ok(mut bench) = Bench::new(boot) else {
        panic!("too little memory")
    };
    let mut run = |name: &str, body: fn(&mut Bench) -> Outcome| check(name, || body(&mut bench));
    run("a_guest_runs_in_its_own_memory", own_memory);
    run("no_register_of_the_host_changes", nothing_changes);
    run("a_failed_entry_changes_nothing", failed_entries);
    run("a_new_guest_finds_nothing_of_the_old_one", nothing_left);
    run("memory_is_the_guests_only_while_it_is_mapped", mapping);
    run("the_timer_interrupts_a_guest", timer_interrupts);
    run("the_task_priority_stays_the_hosts", task_priority);
    run("an_injected_exception_needs_a_gate", injection);
    counters::all(&mut run);
    samples::all(&mut run);
    costs::all(&mut run);
    finish()
}

fn syscall(_cpu: CpuId) -> Next {
    unreachable!("nothing runs in ring 3")
}

fn fault(_cpu: CpuId, fault: UserFault) -> Next {
    unreachable!("nothing runs in ring 3: {fault:?}")
}

fn interrupt(_cpu: CpuId, interrupt: Interrupt) -> Next {
    unreachable!("interrupts are off: {interrupt:?}")
}

pub(crate) const VMCALL: RawExit = RawExit::Exit(ExitReason::VMCALL);

fn own_memory(bench: &mut Bench) -> Outcome {
    bench.begin(adds());
    bench.data.reset(0, 1, &40_u32.to_le_bytes());
    bench.set(RBX, 2);
    same!(bench.enter(QUIET), VMCALL, "exit");
    same!(bench.get(word!(exit_reason)), 18, "reason in the page");
    same!(bench.get(RAX), 42, "RAX");
    same!(bench.datum(4), 42, "memory");
    same!(bench.get(word!(rip)), 0x100c, "RIP");
    same!(bench.get(word!(instruction_length)), 3, "length");
    same!(bench.get(word!(cr0)), 0x11, "CR0 as the guest sees it");
    same!(bench.get(word!(cr4)), 0, "CR4 as the guest sees it");
    bench.skip();
    same!(bench.enter(QUIET), VMCALL, "second exit");
    same!(bench.get(RCX), 77, "RCX");
    same!(bench.get(word!(exits)), 2, "exits");
    Ok(())
}

/// Fails with the first register that differs from `before`.
fn unchanged(before: &[u64; NAMES.len()], when: &str) -> Outcome {
    for ((name, before), after) in NAMES.iter().zip(before).zip(snapshot()) {
        same!(after, *before, "{name} after {when}");
    }
    Ok(())
}

fn nothing_changes(bench: &mut Bench) -> Outcome {
    bench.begin(changes_everything());
    host::mark();
    let before = snapshot();
    same!(bench.enter(QUIET), VMCALL, "exit");
    unchanged(&before, "an exit")?;
    bench.skip();
    same!(bench.enter(QUIET), VMCALL, "second exit");
    unchanged(&before, "another exit")?;
    let kept = [
        0x1111_1111,
        0x2222_2222,
        0x3333_3333,
        0x0004_4444,
        0x5555_5555,
        0x6666_6666,
        0x7777_7777,
        0x8888,
        0x9999_9999,
        0xaaaa_aaaa,
        0x0007_0401,
        0x801,
        0xbbbb_b000,
        0xcccc_0000,
        0xcccc_0003,
        0xffff_0ff1,
        0x700,
    ];
    for (i, kept) in kept.into_iter().enumerate() {
        same!(
            bench.datum(i * 4),
            kept,
            "what the guest has kept, number {i}"
        );
    }
    same!(bench.datum(0x48) & 0xffff, 0x17, "the guest's GDTR limit");
    Ok(())
}

fn failed_entries(bench: &mut Bench) -> Outcome {
    // RFLAGS without its fixed bit: the guest's state is refused after it began to be loaded.
    bench.begin(adds());
    bench.set(word!(rflags), 0);
    host::mark();
    let before = snapshot();
    same!(bench.enter(QUIET), RawExit::EntryFailed, "bad RFLAGS");
    unchanged(&before, "bad RFLAGS")?;
    same!(bench.get(word!(exit_reason)), 1 << 31 | 33, "reason");
    // An interruption of a reserved kind: VMLAUNCH refuses.
    bench.begin(adds());
    bench.set(word!(inject), 1 << 31 | 1 << 8 | 32);
    host::mark();
    let before = snapshot();
    same!(bench.enter(QUIET), RawExit::EntryFailed, "bad injection");
    unchanged(&before, "bad injection")?;
    same!(bench.get(word!(instruction_error)), 7, "instruction error");
    // Both can be mended.
    bench.vcpu.take_changes(bench.page);
    same!(bench.enter(QUIET), VMCALL, "mended");
    same!(bench.get(word!(exits)), 1, "failed entries are no exits");
    Ok(())
}

fn nothing_left(bench: &mut Bench) -> Outcome {
    // The second half of the guest reads back what the first half wrote: of another guest.
    bench.begin(changes_everything());
    same!(bench.enter(QUIET), VMCALL, "exit");
    let second_half = bench.get(word!(rip)) + 3;
    bench.begin(changes_everything());
    bench.set(word!(rip), second_half);
    same!(bench.enter(QUIET), VMCALL, "exit of the second guest");
    for i in 0..17 {
        let wanted = match i {
            10 => 0x0007_0406,
            15 => 0xffff_0ff0,
            16 => 0x400,
            _ => 0,
        };
        same!(bench.datum(i * 4), wanted, "register {i} of a new guest");
    }
    Ok(())
}

fn mapping(bench: &mut Bench) -> Outcome {
    let violation = RawExit::Exit(ExitReason::EPT_VIOLATION);
    let read_only = GuestRights {
        write: false,
        execute: false,
    };
    let all = GuestRights {
        write: true,
        execute: true,
    };
    bench.begin(touches());
    bench.set(RBX, 9);
    same!(bench.enter(QUIET), violation, "read of nothing");
    same!(bench.get(word!(guest_physical)), 0x5000, "address");
    same!(bench.get(word!(exit_qualification)) & 0b11_1111, 1, "kind");
    let mapped = bench.space.map(0x5000, &bench.data, 0, read_only);
    same!(mapped.is_ok(), true, "mapping");
    same!(bench.enter(QUIET), violation, "write to a read-only page");
    same!(bench.get(word!(guest_physical)), 0x5004, "address");
    same!(
        bench.get(word!(exit_qualification)) & 0b11_1111,
        0b1010,
        "kind"
    );
    bench.space.unmap(0x5000);
    let mapped = bench.space.map(0x5000, &bench.data, 0, all);
    same!(mapped.is_ok(), true, "mapping again");
    same!(bench.enter(QUIET), VMCALL, "with all rights");
    same!(bench.datum(4), 9, "what the guest wrote");
    // The translation is cached by now, and must be forgotten.
    bench.space.unmap(0x5000);
    bench.skip();
    same!(bench.enter(QUIET), violation, "after unmapping");
    Ok(())
}

fn timer_interrupts(bench: &mut Bench) -> Outcome {
    bench.begin(waits());
    host::mark();
    let before = snapshot();
    for round in 1..=3_u64 {
        let start = timer::now().0;
        timer::arm(CPU, Ticks(start + 20_000));
        let timer = RawExit::Interrupt(Interrupt::Timer);
        same!(bench.enter(QUIET), timer, "exit {round}");
        let passed = timer::now().0 - start;
        if !(20_000..40_000).contains(&passed) {
            return fail(format_args!("{passed} ticks passed instead of 20000"));
        }
        unchanged(&before, "an interrupt")?;
        same!(bench.get(word!(exits)), round, "exits");
    }
    // Two instructions a turn, one a tick: most of the time was the guest's.
    if bench.get(RBX) < 20_000 {
        return fail(format_args!("the guest made {} turns only", bench.get(RBX)));
    }
    Ok(())
}

fn task_priority(bench: &mut Bench) -> Outcome {
    bench.begin(raises_its_priority());
    // 64-bit mode with one table at every level: its entry 0 names itself, entry 1 the code.
    let entries = [DATA | 7, CODE | 7].map(u64::to_le_bytes);
    bench.data.reset(0, 1, entries.as_flattened());
    bench.set(word!(cr3), DATA);
    bench.set(word!(cr4), 1 << 5);
    bench.set(word!(cr0), 0x8000_0011);
    bench.set(word!(efer), 0x500);
    bench.set(word!(segments) + 4, 0xa09b_ffff_ffff);
    let exit = RawExit::Exit(ExitReason::CONTROL_REGISTER);
    same!(bench.enter(QUIET), exit, "write of CR8");
    same!(bench.get(word!(exit_qualification)) & 0x3f, 8, "kind");
    same!(host::task_priority(), 0, "the host's priority");
    bench.skip();
    same!(bench.enter(QUIET), exit, "read of CR8");
    same!(bench.get(word!(exit_qualification)) & 0x3f, 0x18, "kind");
    bench.skip();
    same!(bench.enter(QUIET), VMCALL, "end");
    same!(bench.get(word!(efer)), 0x500, "EFER as the guest sees it");
    Ok(())
}

fn injection(bench: &mut Bench) -> Outcome {
    // Without an interrupt table #UD becomes #DF and then a triple fault; the event is not lost on the way.
    bench.begin(waits());
    bench.set(word!(inject), 1 << 31 | 3 << 8 | 6);
    same!(
        bench.enter(QUIET),
        RawExit::Exit(ExitReason::TRIPLE_FAULT),
        "exit"
    );
    same!(bench.get(word!(inject)), 0, "taken");
    same!(
        bench.get(word!(shown)) & Changed::CONTROL,
        Changed::CONTROL,
        "shown"
    );
    Ok(())
}
