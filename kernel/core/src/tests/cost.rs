//! What a leg of IPC costs in instructions, without the architecture's part.
//!
//! The numbers come from Valgrind, which counts only inside `one_leg`:
//! ```text
//! cargo test --release -p kern --no-run
//! valgrind --tool=callgrind --collect-atstart=no --toggle-collect='*one_leg*' TEST_BINARY cost::calls
//! ```
//! divided by [`ROUNDS`]; likewise `cost::replies` and `cost::calls_to_an_active_server`. The image's `xtask bench ipc`
//! measures the whole, from SYSCALL to SYSRET.

use sel4_sys::{MessageInfo, ObjectKind, Syscall, slot};

use sel4_sys::vcpu::VcpuReturn;

use super::FastPath;
use super::guests::{GuestStep, VMM, World, run};
use super::machine::{CPU, Machine};
use super::system::System;
use crate::arch::trap::Interrupt;
use crate::{Kernel, Next};

const ROUNDS: u64 = 1000;
const EP: u64 = 16;

#[inline(never)]
fn one_leg(k: &mut Kernel) -> Next {
    k.syscall(CPU)
}

fn not_measured(k: &mut Kernel) -> Next {
    k.syscall(CPU)
}

/// Calls and replies, each leg done by one of the two functions.
fn round_trips(passive: bool, call: fn(&mut Kernel) -> Next, reply: fn(&mut Kernel) -> Next) {
    let mut system = System::new();
    let client = system.task(10);
    let server = if passive {
        system.passive_task(20)
    } else {
        system.task(20)
    };
    let endpoint = system.endpoint();
    system.give(client, EP, ObjectKind::Endpoint, endpoint);
    system.give(server, EP, ObjectKind::Endpoint, endpoint);
    let mut m = Machine::boot(&system);
    if passive {
        m.lend_first_run(server, client);
    }
    m.recv(server, EP, slot::REPLY);
    for _ in 0..ROUNDS {
        set(&mut m, client, Syscall::CALL);
        assert_eq!(call(&mut m.k), Next::Thread);
        set(&mut m, server, Syscall::REPLY_RECV);
        assert_eq!(reply(&mut m.k), Next::Thread);
    }
    assert_eq!(m.k.fast_path, FastPath::On { taken: 2 * ROUNDS });
}

fn set(m: &mut Machine, task: u16, number: Syscall) {
    assert_eq!(m.running(), Some(task));
    let registers = m.registers(task);
    registers.rdx = number.0.cast_unsigned();
    registers.rdi = EP;
    registers.rsi = MessageInfo::new(1, 0, 0, 4).0;
    registers.r12 = slot::REPLY;
}

#[test]
fn calls_of_a_passive_server_are_fast() {
    round_trips(true, one_leg, not_measured);
}

#[test]
fn replies_of_a_passive_server_are_fast() {
    round_trips(true, not_measured, one_leg);
}

#[test]
fn calls_to_an_active_server_are_fast() {
    round_trips(false, one_leg, not_measured);
}

#[test]
fn replies_of_an_active_server_are_fast() {
    round_trips(false, not_measured, one_leg);
}

/// The kernel's part of an exit that it serves by itself, from the exit to the next entry: `cost::exits`, divided by [`ROUNDS`], with
/// `--toggle-collect='*proceed*'`, less what is counted in `arch-host` and `pmu-model`.
#[test]
fn exits_that_the_kernel_serves_touch_no_counter_and_reach_no_vmm() {
    let mut w = World::new();
    w.arm(0);
    w.guest_counts(VMM, 0, false);
    let _ = w.enter(VMM, &[run(1)]);
    let before = w.operations();
    let tick = GuestStep::Interrupt(Interrupt::Spurious);
    let steps: Vec<_> = (0..ROUNDS).map(|_| tick).collect();
    assert_eq!(w.enter(VMM, &steps), VcpuReturn::EXIT);
    assert_eq!(w.account().exits_kept, ROUNDS + 2);
    assert_eq!(w.operations(), before);
}
