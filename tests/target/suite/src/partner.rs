//! Talking to the partner.

use assist::Command;
use sel4::{CallWithMRs, MessageInfo, with_ipc_buffer_mut};

use crate::caps;

/// Tells the partner something and gives its answer.
pub(crate) fn tell(command: Command, words: [u64; 4]) -> CallWithMRs {
    caps::to_assist.call_with_mrs(MessageInfo::new(command.0, 0, 0, 4), words)
}

/// Tells the partner something that it answers with label 0; gives the words.
pub(crate) fn ask(command: Command, words: [u64; 4]) -> [u64; 4] {
    let answer = tell(command, words);
    assert_eq!(
        answer.info.label(),
        0,
        "the partner answered {command:?} with another label"
    );
    answer.msg
}

/// Tells the partner something, with capabilities.
pub(crate) fn pass(command: Command, slots: &[u64]) -> [u64; 4] {
    with_ipc_buffer_mut(|buffer| {
        let places = buffer.caps_or_badges_mut().iter_mut().zip(slots);
        places.for_each(|(place, slot)| *place = *slot);
    });
    let info = MessageInfo::new(command.0, 0, slots.len() as u64, 4);
    caps::to_assist.call_with_mrs(info, [0; 4]).msg
}

/// Lets the partner run until it waits for something: this task waits a moment for nothing.
///
/// Both have the same priority, so that the partner runs whenever this task gives up the CPU.
pub(crate) fn let_it_run() {
    sel4::r#yield();
}
