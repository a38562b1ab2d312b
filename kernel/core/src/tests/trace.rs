//! What the test runner hears of a system that has got stuck.

use arch_host::machine;
use sel4_sys::slot;

use super::faults::{PAGE_FAULT, handled};
use super::ipc::{CLIENT, EP, OTHER, SERVER, client_runs};

#[test]
fn a_fault_and_a_cpu_without_work_are_told_as_they_happen() {
    let mut m = client_runs(&handled());
    let _before = machine::take_trace();
    let rip = m.registers(CLIENT).rip;
    m.fault(CLIENT, PAGE_FAULT);
    let faulted = (0, "ThreadFaulted".to_owned(), [u64::from(CLIENT), rip, 0]);
    assert_eq!(machine::take_trace(), [faulted]);
    // The handler does not answer and waits for more; the last thread waits for a message that nobody sends.
    m.recv(SERVER, EP, slot::REPLY);
    if m.running() == Some(OTHER) {
        m.wait(OTHER, slot::NOTIFICATION);
    }
    assert_eq!(m.running(), None);
    let last = machine::take_trace()
        .pop()
        .map(|(cpu, name, _)| (cpu, name));
    assert_eq!(last, Some((0, "NothingToRun".to_owned())));
}
