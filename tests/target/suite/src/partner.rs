//! Talking to the partner.

use assist::Command;
use sel4::{CallWithMRs, MessageInfo};

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

/// Lets the partner run until it waits for something: this task waits a moment for nothing.
///
/// Both have the same priority, so that the partner runs whenever this task gives up the CPU.
pub(crate) fn let_it_run() {
    sel4::r#yield();
}
