//! What a task may do to a thread that it holds a capability to.

use assist::Command;
use sel4::cap::{CNode, Thread};
use sel4::{Cap, Error, MessageInfo, ThreadState, UserContext, init_slot};

use crate::caps;
use crate::expected::{Expected, PageFault};
use crate::harness::tests;
use crate::partner::{ask, let_it_run};

tests! {
    a_stopped_thread_runs_again_when_it_is_resumed
    resuming_a_thread_that_runs_changes_nothing
    a_stopped_receiver_receives_again_when_it_is_resumed
    registers_of_a_thread_that_is_not_stopped_stay_its_own
    registers_of_a_stopped_thread_can_be_read_and_written
    no_register_that_is_written_leads_into_the_kernel
    registers_beyond_the_last_are_refused
    a_priority_above_the_authoritys_maximum_is_refused
    a_more_urgent_thread_runs_as_soon_as_it_can
    an_equally_urgent_thread_waits_for_its_turn
    operations_that_no_thread_has_are_refused
    a_capability_of_another_kind_is_no_authority
}

fn own() -> Thread {
    Cap::from_bits(init_slot::THREAD)
}

fn state() -> ThreadState {
    caps::assist
        .read_state()
        .expect("the thread is there")
        .state
}

fn a_stopped_thread_runs_again_when_it_is_resumed() {
    ask(Command::SPIN, [0; 4]);
    assert_eq!(state(), ThreadState::RUNNABLE);
    assert_eq!(caps::assist.suspend(), Ok(()));
    assert_eq!(state(), ThreadState::STOPPED);
    assert_eq!(caps::assist.suspend(), Ok(()), "once more does no harm");
    assert_eq!(caps::assist.resume(), Ok(()));
    assert_eq!(state(), ThreadState::RUNNABLE);
}

fn resuming_a_thread_that_runs_changes_nothing() {
    let_it_run();
    assert_eq!(caps::assist.resume(), Ok(()));
    assert_eq!(state(), ThreadState::RECEIVING);
    assert_eq!(own().resume(), Ok(()));
    assert_eq!(ask(Command::ECHO, [3; 4]), [3; 4]);
}

fn a_stopped_receiver_receives_again_when_it_is_resumed() {
    let_it_run();
    assert_eq!(caps::assist.suspend(), Ok(()));
    assert_eq!(state(), ThreadState::STOPPED);
    assert_eq!(caps::assist.resume(), Ok(()));
    assert_eq!(ask(Command::ECHO, [4; 4]), [4; 4]);
}

fn registers_of_a_thread_that_is_not_stopped_stay_its_own() {
    let_it_run();
    for thread in [own(), caps::assist] {
        assert_eq!(thread.read_all_registers(), Err(Error::IllegalOperation));
        let written = thread.write_all_registers(&UserContext::default());
        assert_eq!(written, Err(Error::IllegalOperation));
    }
    assert_eq!(ask(Command::ECHO, [5; 4]), [5; 4]);
}

fn registers_of_a_stopped_thread_can_be_read_and_written() {
    assert_eq!(caps::assist.suspend(), Ok(()));
    let before = caps::assist.read_all_registers().expect("it is stopped");
    let mut changed = before;
    (changed.rbx, changed.r14, changed.rsp) = (0x1234, u64::MAX, 0x5678);
    assert_eq!(caps::assist.write_all_registers(&changed), Ok(()));
    assert_eq!(caps::assist.read_all_registers(), Ok(changed));
}

fn no_register_that_is_written_leads_into_the_kernel() {
    assert_eq!(caps::assist.suspend(), Ok(()));
    let kernel = 0xffff_ffff_8010_0000;
    let registers = UserContext {
        rip: kernel,
        rsp: kernel,
        rflags: u64::MAX,
        fs_base: kernel,
        gs_base: kernel,
        ..UserContext::default()
    };
    assert_eq!(caps::assist.write_all_registers(&registers), Ok(()));
    let got = caps::assist.read_all_registers().expect("it is stopped");
    assert_eq!((got.rip, got.fs_base, got.gs_base), (0, 0, 0));
    // SDM vol. 1, "EFLAGS Register": CF PF AF ZF SF DF OF are ring 3's to set, IF and bit 1 always are.
    assert_eq!(got.rflags, 0b1100_1101_0101 | 1 << 9 | 1 << 1);
    // It goes on at address 0, where nothing is.
    let fault = Expected::memory(0, PageFault::RUN).at(0);
    fault.of_assist().announce();
    assert_eq!(caps::assist.resume(), Ok(()));
    assert_eq!(ask(Command::ECHO, [6; 4]), [6; 4], "in its next life");
}

fn registers_beyond_the_last_are_refused() {
    assert_eq!(caps::assist.suspend(), Ok(()));
    let read = |first, count| {
        let info = MessageInfo::new(sel4_sys::ThreadOp::READ_REGISTERS.0, 0, 0, 2);
        let answer = caps::assist.cast::<sel4::cap::cap_type::Endpoint>();
        Error::from_label(answer.call_with_mrs(info, [first, count]).info.label())
    };
    assert_eq!(read(0, 20), None);
    assert_eq!(read(19, 1), None);
    for (first, count) in [(0, 21), (20, 1), (1, u64::MAX), (u64::MAX, u64::MAX)] {
        assert_eq!(
            read(first, count),
            Some(Error::RangeError),
            "{first}, {count}"
        );
    }
}

fn a_priority_above_the_authoritys_maximum_is_refused() {
    // As the system description says: the partner's maximum is 100, this task's 200.
    let by_its_own = |priority| caps::assist.set_priority(caps::assist, priority);
    assert_eq!(by_its_own(101), Err(Error::RangeError));
    assert_eq!(by_its_own(100), Ok(()));
    assert_eq!(
        caps::assist.set_priority(own(), 201),
        Err(Error::RangeError)
    );
    assert_eq!(caps::assist.set_priority(own(), 200), Ok(()));
}

/// The partner waits, and then has a signal.
fn wake_it_at(priority: u8) -> ThreadState {
    ask(Command::WAIT, [0; 4]);
    let_it_run();
    assert_eq!(state(), ThreadState::WAITING);
    assert_eq!(caps::assist.set_priority(own(), priority), Ok(()));
    caps::ring_assist.signal();
    state()
}

fn a_more_urgent_thread_runs_as_soon_as_it_can() {
    assert_eq!(
        wake_it_at(101),
        ThreadState::RECEIVING,
        "it is back at its endpoint"
    );
}

fn an_equally_urgent_thread_waits_for_its_turn() {
    assert_eq!(wake_it_at(100), ThreadState::RUNNABLE);
}

fn operations_that_no_thread_has_are_refused() {
    let thread: sel4::cap::Endpoint = caps::assist.cast();
    for label in [0, 31, 47, 16, 1 << 50] {
        let answer = thread.call_with_mrs(MessageInfo::new(label, 0, 0, 4), [0; 4]);
        let error = Error::from_label(answer.info.label());
        assert_eq!(error, Some(Error::IllegalOperation), "{label}");
    }
}

fn a_capability_of_another_kind_is_no_authority() {
    let cnode: CNode = Cap::from_bits(init_slot::CNODE);
    let set = caps::assist.set_priority(cnode.cast(), 1);
    assert_eq!(set, Err(Error::InvalidCapability));
    let bound = caps::assist.bind_notification(cnode.cast());
    assert_eq!(bound, Err(Error::InvalidCapability));
}
