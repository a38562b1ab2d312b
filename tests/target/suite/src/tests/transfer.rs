//! Capabilities in messages.

use assist::Command;
use sel4::cap::{CNode, Reply};
use sel4::{Cap, CapRights, MessageInfo, init_slot, with_ipc_buffer, with_ipc_buffer_mut};

use crate::caps;
use crate::expected::{Expected, Half};
use crate::harness::tests;
use crate::partner::{ask, let_it_run, pass};

tests! {
    a_capability_arrives_and_works
    three_capabilities_arrive_in_a_row
    without_the_right_to_grant_no_capability_travels
    capabilities_behind_an_empty_slot_stay_behind
    occupied_receive_slots_take_nothing
    a_capability_to_the_very_endpoint_is_unwrapped
    a_receive_cnode_that_is_none_takes_nothing
    revoking_takes_back_what_was_sent
    revoking_the_capability_of_a_waiting_call_makes_it_a_fault
}

const NOTIFICATION: u64 = init_slot::NOTIFICATION;

fn cnode() -> CNode {
    crate::tests::cnodes::own()
}

fn a_capability_arrives_and_works() {
    pass(Command::ECHO, &[caps::to_suite.bits()]);
    // The partner calls this task through what it was given.
    ask(Command::CALL_GIVEN, [78, 1, 5, 0]);
    let reply: Reply = Cap::from_bits(init_slot::REPLY);
    let message = caps::to_suite.recv_with_mrs(reply);
    assert_eq!((message.info.label(), message.msg[0]), (78, 5));
}

fn three_capabilities_arrive_in_a_row() {
    let passed = [caps::to_suite.bits(), NOTIFICATION, caps::page.bits()];
    assert_eq!(pass(Command::USE_CAPS, &passed)[..2], [3, 3]);
}

fn without_the_right_to_grant_no_capability_travels() {
    let rights = CapRights::WRITE | CapRights::GRANT_REPLY;
    let copied = cnode().copy(caps::made.bits(), cnode(), caps::to_assist.bits(), rights);
    assert_eq!(copied, Ok(()));
    with_ipc_buffer_mut(|buffer| buffer.caps_or_badges_mut()[0] = NOTIFICATION);
    let info = MessageInfo::new(Command::USE_CAPS.0, 0, 1, 4);
    let endpoint: sel4::cap::Endpoint = caps::made.cast();
    assert_eq!(endpoint.call_with_mrs(info, [0; 4]).msg[..2], [0, 0]);
}

fn capabilities_behind_an_empty_slot_stay_behind() {
    let passed = [NOTIFICATION, caps::made.bits(), NOTIFICATION];
    assert_eq!(pass(Command::USE_CAPS, &passed)[..2], [1, 1]);
}

fn occupied_receive_slots_take_nothing() {
    assert_eq!(pass(Command::USE_CAPS, &[NOTIFICATION])[..2], [1, 1]);
    assert_eq!(pass(Command::USE_CAPS, &[NOTIFICATION])[..2], [1, 0]);
}

fn a_capability_to_the_very_endpoint_is_unwrapped() {
    let minted = cnode().mint(
        caps::made.bits(),
        cnode(),
        caps::to_assist.bits(),
        CapRights::all(),
        55,
    );
    assert_eq!(minted, Ok(()));
    let [.., described] = pass(Command::DESCRIBE, &[caps::made.bits()]);
    assert_eq!(described, 1 | 0b1 << 8, "one capability, unwrapped");
}

fn a_receive_cnode_that_is_none_takes_nothing() {
    // This task receives; its partner's calls carry none, so it sends to itself by the partner's answer: here
    // only the receive slot's own checks are of interest, and no value of it may hurt.
    for (receive_cnode, index) in [
        (u64::MAX, 1),
        (NOTIFICATION, 1),
        (init_slot::CNODE, u64::MAX),
    ] {
        with_ipc_buffer_mut(|buffer| buffer.set_recv_slot(Cap::from_bits(receive_cnode), index));
        assert_eq!(ask(Command::ECHO, [4; 4]), [4; 4]);
    }
    with_ipc_buffer(|buffer| assert_eq!(buffer.caps_or_badges().len(), 3));
}

fn revoking_takes_back_what_was_sent() {
    assert_eq!(
        pass(Command::USE_CAPS, &[caps::to_suite.bits()])[..2],
        [1, 1]
    );
    assert_eq!(cnode().revoke(caps::to_suite.bits()), Ok(()));
    assert_eq!(ask(Command::USE_CAPS, [0; 4])[0], 0);
}

fn revoking_the_capability_of_a_waiting_call_makes_it_a_fault() {
    pass(Command::ECHO, &[caps::to_suite.bits()]);
    ask(Command::CALL_GIVEN, [78, 1, 5, 0]);
    let_it_run();
    let state = caps::assist
        .read_state()
        .expect("the thread is there")
        .state;
    assert_eq!(state, sel4::ThreadState::SENDING);
    // The slot in the partner's CNode: the fourth that it declares.
    let given = init_slot::FIRST_DECLARED + 3;
    let fault = Expected::capability(given, Half::Send, sel4::Error::FailedLookup);
    fault.of_assist().announce();
    assert_eq!(cnode().revoke(caps::to_suite.bits()), Ok(()));
    // The runner has started the partner anew by the time it answers.
    let [generation, ..] = ask(Command::COUNT, [0; 4]);
    assert!(generation > 0);
}
