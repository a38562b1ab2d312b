//! Supervises a test system: fresh tasks for each test, faults as outcomes.
//!
//! What it hears goes to `cargo xtask` as records. Task 1 is the suite (or a benchmark), task 2 its partner. A fault of the suite ends the test that runs; it is what the
//! test promised, or the test has failed. A fault of the partner does not end the test.

#![cfg_attr(bare, no_std, no_main)]
#![forbid(unsafe_code)]

mod run;
mod text;

use idl::runner::dispatch;
use idl_runtime::{Incoming, Outgoing, ThreadBuffer};
use root::{Cause, end_machine, send_record};
use sel4::cap::{Endpoint, Reply};
use sel4::panicking::PanicText;
use sel4::{Cap, Fault, RecvWithMRs, Start, init_slot, label, with_ipc_buffer_mut};
use sysdesc::Task;
use testproto::{End, Record};

use crate::run::{Message, Run};

sel4::task! {
    main = run;
    panic = give_up;
    serves { runner: runner }
    caps { test: port, exit: port }
}

fn run(start: Start) -> ! {
    let mut run = Run::new(start, caps::test);
    run.begin();
    let endpoint: Endpoint = caps::runner;
    let reply: Reply = Cap::from_bits(init_slot::REPLY);
    let mut message = endpoint.recv_with_mrs(reply);
    loop {
        let answer = hear(&mut run, &message);
        if let Some(end) = run.ended() {
            send_record(caps::test, &Record::Done);
            end_machine(caps::exit, end);
        }
        message = match answer {
            Some(answer) => endpoint.reply_recv_with_mrs(answer.info(), answer.registers, reply),
            None => endpoint.recv_with_mrs(reply),
        };
    }
}

/// Takes a message, and gives the answer if its sender waits for one.
fn hear(run: &mut Run, message: &RecvWithMRs) -> Option<Outgoing> {
    if message.badge & Task::FAULT_BADGE != 0 {
        let badge = message.badge & !Task::FAULT_BADGE;
        let fault = Fault::received(message).expect("only the kernel has this badge");
        let words = with_ipc_buffer_mut(|buffer| first_words(buffer.msg_regs_mut(), message));
        let label = message.info.label();
        run.died(badge, &Cause::Fault(fault), Some(&Message { label, words }));
        return None;
    }
    if message.info.label() == label::PANICKED {
        let text = with_ipc_buffer_mut(|buffer| {
            let _: [u64; 6] = first_words(buffer.msg_regs_mut(), message);
            PanicText::received(buffer)
        });
        run.died(message.badge, &Cause::Panic(text.as_str()), None);
        return None;
    }
    let request = Incoming::from_info(message.badge, message.info, message.msg, 0);
    let answer = dispatch(run, &mut ThreadBuffer, &request);
    (!run.took_new_life()).then_some(answer)
}

/// The first words of a message: four are still in registers, and are put to the others.
fn first_words(buffer: &mut [u64], message: &RecvWithMRs) -> [u64; 6] {
    let mut words = [0; 6];
    buffer
        .iter_mut()
        .zip(message.msg)
        .for_each(|(to, from)| *to = from);
    words
        .iter_mut()
        .zip(buffer)
        .for_each(|(to, from)| *to = *from);
    words
}

fn give_up(text: &str) -> ! {
    send_record(
        caps::test,
        &Record::TestBegin {
            name: "the_runner_does_not_panic",
        },
    );
    let verdict = testproto::Verdict::Failed;
    let name = "the_runner_does_not_panic";
    send_record(
        caps::test,
        &Record::TestEnd {
            name,
            verdict,
            note: text,
        },
    );
    end_machine(caps::exit, End::Failed)
}
