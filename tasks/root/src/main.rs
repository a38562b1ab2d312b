//! Starts the tasks, restarts those that die, ends the system with its verdict.

#![cfg_attr(bare, no_std, no_main)]
#![forbid(unsafe_code)]

mod report;

use idl::supervisor::{
    Measurement, SupervisorError, SupervisorServer, TaskState, Unit, Verdict, dispatch,
};
use idl_runtime::{Bytes, Caller, Incoming, Outgoing, ThreadBuffer};
use root::{Action, Cause, Event, Roster, end_machine, send_record};
use sel4::cap::{Endpoint, Reply};
use sel4::panicking::PanicText;
use sel4::{Cap, Fault, RecvWithMRs, Start, init_slot, label, reset, with_ipc_buffer_mut};
use sysdesc::Task;
use testproto::{End, Record};

use crate::report::Report;

sel4::task! {
    main = run;
    panic = give_up;
    serves { supervisor: supervisor }
    caps { uart: port, test: port, exit: port }
}

fn run(start: Start) -> ! {
    let mut report = Report::open(caps::uart);
    let tasks = start.tasks();
    if let Some(boot) = start.boot_info() {
        let system = report::text_of(&boot.system);
        send_record(
            caps::test,
            &Record::Hello {
                board: report::text_of(&boot.cpu),
                system,
            },
        );
        report.machine(boot);
    }
    report.tasks(tasks);
    for task in tasks
        .iter()
        .filter(|task| task.flags & Task::NOT_STARTED == 0)
    {
        reset::thread_of(task)
            .resume()
            .expect("root may start every task");
    }
    let mut supervisor = Supervisor {
        roster: Roster::new(tasks),
        report,
    };
    supervisor.serve()
}

/// What a message wants.
enum Answer {
    /// To be answered.
    Reply(Outgoing),
    /// Nothing: its sender is dead, or has a new life and does not remember it.
    None,
}

struct Supervisor {
    roster: Roster<'static>,
    report: Report,
}

impl Supervisor {
    fn serve(&mut self) -> ! {
        let endpoint: Endpoint = caps::supervisor;
        let reply: Reply = Cap::from_bits(init_slot::REPLY);
        let mut message = endpoint.recv_with_mrs(reply);
        loop {
            message = match self.hear(&message) {
                Answer::Reply(answer) => {
                    endpoint.reply_recv_with_mrs(answer.info(), answer.registers, reply)
                }
                Answer::None => endpoint.recv_with_mrs(reply),
            };
        }
    }

    fn hear(&mut self, message: &RecvWithMRs) -> Answer {
        if message.badge & Task::FAULT_BADGE != 0 {
            let badge = message.badge & !Task::FAULT_BADGE;
            let fault = Fault::received(message).expect("only the kernel has this badge");
            self.died(badge, &Cause::Fault(fault));
            return Answer::None;
        }
        if message.info.label() == label::PANICKED {
            let text = panic_text(message);
            self.died(message.badge, &Cause::Panic(text.as_str()));
            return Answer::None;
        }
        let request = Incoming::from_info(message.badge, message.info, message.msg, 0);
        Answer::Reply(dispatch(self, &mut ThreadBuffer, &request))
    }

    fn died(&mut self, badge: u64, cause: &Cause<'_>) {
        let action = self.roster.on(badge, Event::Died(cause.reason()));
        let Some(task) = self.roster.task(badge) else {
            return;
        };
        self.report.death(task, cause);
        match action {
            Action::Restart => self.restart(badge, task),
            Action::GiveUp => {
                // Its callers must not wait for it.
                reset::thread_of(task)
                    .retire()
                    .expect("root may stop every task");
                self.report.given_up(task);
            }
            Action::End(end) => self.end(end),
            Action::None => {}
        }
    }

    fn restart(&mut self, badge: u64, task: &Task) {
        let generation = reset::task(task).expect("root may reset every task");
        self.roster.restarted(badge, generation);
        reset::thread_of(task)
            .resume()
            .expect("root may start every task");
        self.report.restarted(task, generation);
    }

    fn end(&mut self, end: End) -> ! {
        self.report.end(end);
        send_record(caps::test, &Record::Done);
        end_machine(caps::exit, end)
    }
}

impl SupervisorServer for Supervisor {
    fn finished(&mut self, caller: Caller, verdict: Verdict) {
        if let Some(task) = self.roster.task(caller.badge) {
            self.report.finished(task, verdict);
        }
        if let Action::End(end) = self.roster.on(caller.badge, Event::Finished(verdict)) {
            self.end(end);
        }
    }

    fn task_state(&mut self, _: Caller, task: u32) -> Result<TaskState, SupervisorError> {
        self.roster.state(u64::from(task))
    }

    fn task_name(&mut self, _: Caller, badge: u64) -> Result<[u64; 4], SupervisorError> {
        let task = self.roster.task(badge).ok_or(SupervisorError::NoSuchTask)?;
        let mut words = [0; 4];
        for (word, piece) in words.iter_mut().zip(task.name.0.as_chunks().0) {
            *word = u64::from_le_bytes(*piece);
        }
        Ok(words)
    }

    fn measured(&mut self, _: Caller, values: Measurement, name: Bytes<64>) {
        let unit = match values.unit {
            Unit::Instructions => "instructions",
            Unit::Operations => "operations",
            Unit::Exits => "exits",
        };
        let name = name.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        let Measurement {
            min,
            median,
            max,
            count,
            ..
        } = values;
        let record = Record::Metric {
            name,
            unit,
            min,
            median,
            max,
            count,
        };
        send_record(caps::test, &record);
    }
}

/// The text that a panicked task sent; its first words are still in registers.
fn panic_text(message: &RecvWithMRs) -> PanicText {
    with_ipc_buffer_mut(|buffer| {
        let words = buffer.msg_regs_mut().iter_mut();
        words.zip(message.msg).for_each(|(to, from)| *to = from);
        PanicText::received(buffer)
    })
}

/// Root's own panic: nobody can restart it, so it is the end of the system.
fn give_up(text: &str) -> ! {
    Report::open(caps::uart).own_panic(text);
    end_machine(caps::exit, End::Failed)
}
