//! The test suite's partner: does what it is told, and dies when it is told.

#![cfg_attr(bare, no_std, no_main)]
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU64, Ordering};

use assist::{COUNT_STARTS_AT, Command};
use sel4::cap::{CNode, Endpoint, Notification, Reply};
use sel4::{
    CallWithMRs, Cap, CapRights, MSG_MAX_LENGTH, MessageInfo, RecvWithMRs, Start, init_slot,
    with_ipc_buffer_mut,
};

sel4::task! {
    main = run;
    // Three in a row: where capabilities arrive.
    caps { to_assist: endpoint, to_suite: endpoint, ring_suite: signal, given: empty, given2: empty, given3: empty, spare: empty }
}

/// In initialised data, so that a restart has to bring the program's own value back.
static COUNT: AtomicU64 = AtomicU64::new(COUNT_STARTS_AT);

/// What the partner remembers between commands.
#[derive(Default)]
struct Memory {
    answers: u64,
    last_answer: Option<CallWithMRs>,
    last_bits: u64,
}

fn run(start: Start) -> ! {
    let reply: Reply = Cap::from_bits(init_slot::REPLY);
    let cnode: CNode = Cap::from_bits(init_slot::CNODE);
    with_ipc_buffer_mut(|buffer| buffer.set_recv_slot(cnode, caps::given.bits()));
    let mut memory = Memory::default();
    let mut message = caps::to_assist.recv_with_mrs(reply);
    loop {
        let (length, words) = answer(&message, &memory, start);
        let info = MessageInfo::new(0, 0, 0, length);
        message = if acts_after_answering(Command(message.info.label())) {
            reply.send_with_mrs(info, words);
            act(&message, &mut memory);
            caps::to_assist.recv_with_mrs(reply)
        } else {
            caps::to_assist.reply_recv_with_mrs(info, words, reply)
        };
    }
}

/// Length and first words of the answer.
fn answer(message: &RecvWithMRs, memory: &Memory, start: Start) -> (u64, [u64; 4]) {
    let info = message.info;
    let [first, ..] = message.msg;
    match Command(info.label()) {
        Command::ECHO => (info.length(), message.msg),
        Command::DESCRIBE => {
            let caps = info.extra_caps() | info.caps_unwrapped() << 8;
            (4, [message.badge, info.label(), info.length(), caps])
        }
        Command::COUNT => {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            (2, [start.generation(), count, 0, 0])
        }
        Command::LAST_ANSWER => {
            let label = memory.last_answer.map_or(0, |answer| answer.info.label());
            let length = memory.last_answer.map_or(0, |answer| answer.info.length());
            let first = memory.last_answer.map_or(
                0,
                |CallWithMRs {
                     msg: [word, ..], ..
                 }| word,
            );
            (4, [label, length, first, memory.answers])
        }
        Command::LAST_BITS => (1, [memory.last_bits, 0, 0, 0]),
        Command::USE_CAPS => (2, [usable_caps(), info.extra_caps(), 0, 0]),
        Command::ANSWER_LONG => {
            with_ipc_buffer_mut(|buffer| {
                let words = buffer.msg_regs_mut().iter_mut().zip(0..);
                words.for_each(|(word, i)| *word = first.wrapping_mul(i));
            });
            let start = [0, 1, 2, 3].map(|i| first.wrapping_mul(i));
            (MSG_MAX_LENGTH as u64, start)
        }
        Command::DIE => sel4::panicking::stop(),
        _ => (0, [0; 4]),
    }
}

fn acts_after_answering(command: Command) -> bool {
    matches!(
        command,
        Command::CALL_BACK
            | Command::SEND_BACK
            | Command::NB_SEND_BACK
            | Command::SIGNAL_BACK
            | Command::WAIT
            | Command::SPIN
            | Command::CALL_GIVEN
            | Command::GO_DEAF
    )
}

fn act(message: &RecvWithMRs, memory: &mut Memory) {
    let [label, length, first, _] = message.msg;
    let info = MessageInfo::new(label, 0, 0, length);
    let mut call = |endpoint: Endpoint| {
        memory.last_answer = Some(endpoint.call_with_mrs(info, [first]));
        memory.answers += 1;
    };
    match Command(message.info.label()) {
        Command::CALL_BACK => call(caps::to_suite),
        Command::CALL_GIVEN => call(caps::given.cast()),
        Command::SEND_BACK => caps::to_suite.send_with_mrs(info, [first]),
        Command::NB_SEND_BACK => caps::to_suite.nb_send_with_mrs(info, [first]),
        Command::SIGNAL_BACK => caps::ring_suite.signal(),
        Command::WAIT => memory.last_bits = own_notification().wait().1,
        Command::SPIN => loop {
            core::hint::spin_loop();
        },
        Command::GO_DEAF => loop {
            let _ignored = own_notification().wait();
        },
        _ => {}
    }
}

/// Capabilities in the receive slots that can be copied.
fn usable_caps() -> u64 {
    let cnode: CNode = Cap::from_bits(init_slot::CNODE);
    let spare = caps::spare.bits();
    let slots = [caps::given, caps::given2, caps::given3].map(Cap::bits);
    let mut usable = 0;
    for slot in slots {
        if cnode.copy(spare, cnode, slot, CapRights::all()).is_ok() {
            usable += 1;
            // A copy that was just made can be deleted; if not, the next one fails, and the test with it.
            let _ = cnode.delete(spare);
        }
    }
    usable
}

fn own_notification() -> Notification {
    Cap::from_bits(init_slot::NOTIFICATION)
}
