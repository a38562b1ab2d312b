//! The other side of every measurement; the first call to it says which.

#![cfg_attr(bare, no_std, no_main)]
#![forbid(unsafe_code)]

use bench_ipc::{Arguments, Role, timed};
use sel4::cap::{Endpoint, Reply};
use sel4::{CPtr, Cap, MessageInfo, init_slot};
use sel4_sys::Syscall;

sel4::task! {
    main = run;
    caps { to_me: endpoint, to_bench: endpoint, bell: notification }
}

fn run(_: sel4::Start) -> ! {
    let reply: Reply = Cap::from_bits(init_slot::REPLY);
    let first = caps::to_me.recv_with_mrs(reply);
    match Role(first.info.label()) {
        Role::WAITER => {
            reply.send_with_mrs(MessageInfo::default(), []);
            report_ends_of(Syscall::WAIT, caps::bell.bits())
        }
        Role::PEER => {
            reply.send_with_mrs(MessageInfo::default(), []);
            report_ends_of(Syscall::YIELD, 0)
        }
        _ => serve(),
    }
}

/// Answers for ever; each answer says how long its call took.
fn serve() -> ! {
    let mut arguments = Arguments {
        capability: caps::to_me.bits(),
        info: MessageInfo::default(),
        word: 0,
        reply: init_slot::REPLY,
    };
    loop {
        let call = timed(Syscall::REPLY_RECV, arguments);
        let [sent, _] = call.words;
        arguments.info = MessageInfo::new(0, 0, 0, call.info.length());
        arguments.word = call.after.wrapping_sub(sent);
    }
}

/// Makes a system call, and tells when it ended.
fn report_ends_of(number: Syscall, capability: CPtr) -> ! {
    let to_bench: Endpoint = caps::to_bench;
    let arguments = Arguments {
        capability,
        info: MessageInfo::default(),
        word: 0,
        reply: init_slot::NULL,
    };
    loop {
        let ended = timed(number, arguments).after;
        let _answer = to_bench.call_with_mrs(MessageInfo::new(0, 0, 0, 1), [ended]);
    }
}
