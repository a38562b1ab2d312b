//! Faults: what the handler hears, and what its answer does.

use sel4_sys::{CapRights, Error, FaultLabel, ObjectKind, Syscall, slot};

use super::invariants;
use super::ipc::{BADGE, CLIENT, EP, FREE, OTHER, SERVER, client_runs, trio};
use super::machine::{Machine, message};
use super::system::{ENTRY, System};
use crate::arch::trap::UserFault;
use crate::object::State;

/// The server handles the clients' faults.
pub(super) fn handled() -> System {
    let mut system = trio(false);
    system.threads[usize::from(CLIENT)].fault_endpoint = 0;
    system.threads[usize::from(OTHER)].fault_endpoint = 0;
    system
}

/// Badge of the client's faults.
const FAULT_BADGE: u64 = 100;
pub(super) const PAGE_FAULT: UserFault = UserFault::Page {
    address: 0xdead_0000,
    error_code: 6,
    is_fetch: false,
};

#[test]
fn a_page_fault_is_told_and_an_answer_makes_the_thread_try_again() {
    let mut m = client_runs(&handled());
    m.fault(CLIENT, PAGE_FAULT);
    let got = m.got(SERVER);
    let rip = m.registers(CLIENT).rip;
    assert_eq!((got.badge, got.label), (FAULT_BADGE, FaultLabel::VM.0));
    assert_eq!(got.words, [rip, 0xdead_0000, 0, 6]);
    let before = *m.registers(CLIENT);
    m.reply_recv(SERVER, EP, slot::REPLY, &message(0, &[1, 2, 3]));
    assert_eq!(m.running(), Some(CLIENT));
    assert_eq!(
        *m.registers(CLIENT),
        before,
        "a page fault's answer writes nothing"
    );
    invariants::check(&m.k);
}

#[test]
fn an_answer_to_an_exception_sets_three_registers_and_no_system_flags() {
    let mut m = client_runs(&handled());
    let fault = UserFault::Exception {
        vector: 6,
        error_code: 0,
    };
    m.fault(CLIENT, fault);
    let got = m.got(SERVER);
    assert_eq!(
        (got.label, got.words.len()),
        (FaultLabel::USER_EXCEPTION.0, 5)
    );
    assert_eq!(got.words[3..], [6, 0]);
    m.reply_recv(
        SERVER,
        EP,
        slot::REPLY,
        &message(0, &[0x1234, 0x5678, u64::MAX]),
    );
    let registers = m.registers(CLIENT);
    assert_eq!((registers.rip, registers.rsp), (0x1234, 0x5678));
    assert_eq!(registers.rflags & 0x3000, 0, "no I/O privilege");
    m.fault(CLIENT, fault);
    m.reply_recv(SERVER, EP, slot::REPLY, &message(0, &[0x4444]));
    let registers = m.registers(CLIENT);
    assert_eq!(
        (registers.rip, registers.rsp),
        (0x4444, 0x5678),
        "one word, one register"
    );
}

#[test]
fn any_other_label_leaves_the_thread_stopped() {
    let mut m = client_runs(&handled());
    m.fault(CLIENT, PAGE_FAULT);
    m.reply_recv(SERVER, EP, slot::REPLY, &message(1, &[]));
    assert_eq!(m.state(CLIENT), State::Stopped);
    assert_eq!(m.running(), None);
}

#[test]
fn an_unknown_system_call_is_told_with_its_number() {
    let mut m = client_runs(&handled());
    m.system_call(Syscall(-99), |r| (r.rdi, r.rsi) = (3, 4));
    let got = m.got(SERVER);
    assert_eq!(got.label, FaultLabel::UNKNOWN_SYSCALL.0);
    assert_eq!(got.words[3..], [(-99_i64).cast_unsigned(), 3, 4]);
    let after = m.registers(CLIENT).rip;
    m.reply_recv(SERVER, EP, slot::REPLY, &message(0, &[]));
    assert_eq!(
        m.registers(CLIENT).rip,
        after,
        "it goes on after the SYSCALL"
    );
}

#[test]
fn a_capability_that_cannot_be_used_so_is_a_fault_on_the_system_call() {
    let mut system = handled();
    let read_only = CapRights::READ;
    system.give_with(CLIENT, 20, ObjectKind::Endpoint, 0, read_only, BADGE);
    system.give_with(CLIENT, 21, ObjectKind::Endpoint, 0, CapRights::WRITE, BADGE);
    system.give_with(CLIENT, 22, ObjectKind::Notification, 0, read_only, 0);
    let (call, send, recv, wait) = (Syscall::CALL, Syscall::SEND, Syscall::RECV, Syscall::WAIT);
    let reply_recv = Syscall::REPLY_RECV;
    let (none, bad) = (Error::FailedLookup, Error::InvalidCapability);
    let reply = slot::REPLY;
    // (system call, rdi, r12, capability at fault, receiving, error)
    let wrong = [
        (call, FREE, 0, FREE, 0, none),
        (call, 0, 0, 0, 0, none),
        (call, 64, 0, 64, 0, none),
        (call, u64::MAX, 0, u64::MAX, 0, none),
        (call, 20, 0, 20, 0, bad),
        (call, 21, 0, 21, 0, bad),
        (send, 20, 0, 20, 0, bad),
        (Syscall::NB_SEND, FREE, 0, FREE, 0, none),
        (send, 22, 0, 22, 0, bad),
        (recv, 21, reply, 21, 1, bad),
        (recv, slot::THREAD, reply, slot::THREAD, 1, bad),
        (recv, 20, 0, 0, 1, none),
        (recv, 20, EP, EP, 1, bad),
        (wait, FREE, 0, FREE, 1, none),
        (reply_recv, 20, FREE, FREE, 1, none),
        (reply_recv, 20, slot::THREAD, slot::THREAD, 1, bad),
        (reply_recv, FREE, reply, FREE, 1, none),
    ];
    for case in wrong {
        let (number, rdi, r12, at_fault, receiving, error) = case;
        let mut m = client_runs(&system);
        let rip = m.registers(CLIENT).rip;
        m.system_call(number, |r| (r.rdi, r.rsi, r.r12) = (rdi, 0, r12));
        let got = m.got(SERVER);
        assert_eq!(got.label, FaultLabel::CAP.0, "{case:?}");
        assert_eq!(
            got.words,
            [rip, at_fault, receiving, error.label()],
            "{case:?}"
        );
        invariants::check(&m.k);
    }
}

#[test]
fn a_fault_nobody_handles_stops_the_thread_and_is_told_to_people() {
    for own in [false, true] {
        let mut system = trio(false);
        if own {
            system.give(CLIENT, slot::SERVICE, ObjectKind::Endpoint, 0);
            system.threads[usize::from(CLIENT)].fault_endpoint = 0;
        }
        let mut m = client_runs(&system);
        m.fault(CLIENT, PAGE_FAULT);
        assert_eq!(m.state(CLIENT), State::Stopped);
        let text = arch_host::machine::take_console();
        assert!(
            text.contains("task-0") && text.contains("dead0000"),
            "{text}"
        );
        assert_eq!(text.lines().count(), 1);
        // It can be looked at, and let go on.
        m.signal(OTHER);
        invariants::check(&m.k);
    }
}

#[test]
fn a_handler_that_dies_hears_of_the_fault_again() {
    let mut m = client_runs(&handled());
    m.fault(CLIENT, PAGE_FAULT);
    m.reset(SERVER);
    assert_eq!(m.state(CLIENT), State::Sending);
    m.resume(SERVER);
    m.recv(SERVER, EP, slot::REPLY);
    assert_eq!(m.got(SERVER).label, FaultLabel::VM.0);
    assert_eq!(m.registers(CLIENT).rip, ENTRY);
    invariants::check(&m.k);
}

#[test]
fn registers_of_a_faulted_thread_can_be_read_and_written_but_not_those_of_a_running_one() {
    let mut system = handled();
    system.give(SERVER, 40, ObjectKind::Thread, CLIENT);
    system.give(SERVER, 41, ObjectKind::Thread, OTHER);
    let mut m = client_runs(&system);
    m.registers(CLIENT).r14 = 0x1414;
    m.fault(CLIENT, PAGE_FAULT);
    let (label, words) = m.invoke(SERVER, 40, 34, &[0, 20], &[]);
    assert_eq!(
        (label, words.len(), words[0], words[16]),
        (0, 20, ENTRY, 0x1414)
    );
    assert_eq!(m.invoke(SERVER, 40, 35, &[16, 2, 1, 2], &[]).0, 0);
    assert_eq!((m.registers(CLIENT).r14, m.registers(CLIENT).r15), (1, 2));
    assert_eq!(m.invoke(SERVER, 40, 35, &[0, 1, u64::MAX], &[]).0, 0);
    assert_eq!(m.registers(CLIENT).rip, 0, "not an address of ring 3");
    let refused = Error::IllegalOperation.label();
    assert_eq!(
        m.invoke(SERVER, 41, 34, &[0, 20], &[]).0,
        refused,
        "it waits, but is not stopped"
    );
    assert_eq!(
        m.invoke(SERVER, 40, 34, &[1, 20], &[]),
        (Error::RangeError.label(), vec![0, 20])
    );
    assert_eq!(
        m.invoke(SERVER, 40, 34, &[u64::MAX, 2], &[]).0,
        Error::RangeError.label()
    );
    assert_eq!(
        m.invoke(SERVER, 40, 35, &[0, 3, 1], &[]).0,
        Error::TruncatedMessage.label()
    );
}

/// The machine with nobody but the supervisor's hand on it.
impl Machine {
    pub(super) fn reset(&mut self, task: u16) {
        self.k.reset_thread(super::machine::thread_id(task));
        self.interrupt(crate::arch::trap::Interrupt::Spurious);
    }

    pub(super) fn stop(&mut self, task: u16) {
        self.k.stop(super::machine::thread_id(task));
        self.interrupt(crate::arch::trap::Interrupt::Spurious);
    }

    pub(super) fn resume(&mut self, task: u16) {
        self.k.resume(super::machine::thread_id(task));
        self.interrupt(crate::arch::trap::Interrupt::Spurious);
    }
}
