//! What becomes of a thread that did what it may not: its handler hears, answers.

use core::fmt::Write as _;

use sel4_sys::{
    CapRights, FaultLabel, IpcBuffer, MESSAGE_REGISTERS, MessageInfo, UserContext, slot,
};

use super::send::{Mode, Through};
use crate::Kernel;
use crate::arch::console;
use crate::arch::trap::UserFault;
use crate::object::{EndpointId, Fault, SendRights, State, ThreadId};
use crate::trace::Event;

/// Words that a fault message has at most.
const WORDS: usize = 6;
/// Words at the start of an exception's message that the answer writes back: rip, rsp, rflags.
const WRITTEN_BACK: u64 = 3;

/// Text for the console.
struct Console;

impl core::fmt::Write for Console {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        console::write(text);
        Ok(())
    }
}

impl Kernel {
    /// The thread stops, and its fault goes to its handler as if it had called it.
    pub(crate) fn raise(&mut self, id: ThreadId, fault: Fault) {
        let rip = self.threads[id].context.user_context().rip;
        self.tell(id, |thread| Event::ThreadFaulted(thread, rip));
        let thread = &mut self.threads[id];
        thread.fault = Some(fault);
        let handler = thread.fault_endpoint;
        match handler.filter(|&endpoint| !self.is_served_by(endpoint, id)) {
            Some(endpoint) => {
                let through = Through {
                    endpoint,
                    badge: self.threads[id].fault_badge,
                    rights: SendRights {
                        call: true,
                        grant: false,
                    },
                    slot: None,
                };
                self.send(id, through, Mode::Blocking);
            }
            None => {
                self.threads[id].state = State::Stopped;
                self.report(id, fault);
            }
        }
    }

    /// Whether the thread is itself the server of the endpoint; then nobody would hear of its faults.
    fn is_served_by(&self, endpoint: EndpointId, id: ThreadId) -> bool {
        let service = self.look_up(self.threads[id].cspace, slot::SERVICE);
        service.is_some_and(|(_, capability)| {
            capability.endpoint() == Some(endpoint) && capability.allows(CapRights::READ)
        })
    }

    /// The last word on a thread that nobody will hear of otherwise.
    fn report(&self, id: ThreadId, fault: Fault) {
        let thread = &self.threads[id];
        let registers = thread.context.user_context();
        let record = self.image.threads.get(usize::from(thread.number));
        let name = record.map_or("?", |record| record.name.as_str());
        // The console takes everything, so writing cannot fail.
        let _ = writeln!(
            Console,
            "kernel: thread {name} stopped at {:#x}, and nobody handles its faults: {fault:x?}",
            registers.rip
        );
    }

    /// Writes the message that tells `receiver` about a fault of `sender`.
    pub(super) fn write_fault(
        &mut self,
        sender: ThreadId,
        receiver: ThreadId,
        badge: u64,
        fault: Fault,
    ) {
        let registers = self.threads[sender].context.user_context();
        let (label, words, length) = fault_message(fault, &registers);
        let receiver = &mut self.threads[receiver];
        let [first, second, third, fourth, rest @ ..] = words;
        receiver.context.set_message([first, second, third, fourth]);
        let length = match receiver.buffer {
            Some(buffer) => {
                for (i, word) in rest.into_iter().enumerate() {
                    buffer.set_word(IpcBuffer::MSG_WORD + MESSAGE_REGISTERS + i, word);
                }
                length
            }
            None => length.min(MESSAGE_REGISTERS as u64),
        };
        receiver.context.set_badge(badge);
        receiver
            .context
            .set_info(MessageInfo::new(label.0, 0, 0, length));
    }

    /// The handler answered: label 0 lets the thread go on, anything else leaves it stopped.
    pub(super) fn end_fault(&mut self, handler: ThreadId, id: ThreadId, fault: Fault) {
        let Some((handler, thread)) = self.threads.pair(handler, id) else {
            return;
        };
        let info = handler.context.system_call().info.of_task();
        if info.label() != 0 {
            thread.state = State::Stopped;
            return;
        }
        if matches!(
            fault,
            Fault::UnknownSystemCall | Fault::Cpu(UserFault::Exception { .. })
        ) {
            let [rip, rsp, rflags, _] = handler.context.message();
            let mut registers = thread.context.user_context();
            let fields = [
                &mut registers.rip,
                &mut registers.rsp,
                &mut registers.rflags,
            ];
            let count = usize::try_from(info.length().min(WRITTEN_BACK)).unwrap_or(0);
            for (field, word) in fields.into_iter().zip([rip, rsp, rflags]).take(count) {
                *field = word;
            }
            thread.context.set_user_context(&registers);
        }
        self.set_runnable_first(id);
    }
}

/// Label, words and number of words that describe a fault.
fn fault_message(fault: Fault, registers: &UserContext) -> (FaultLabel, [u64; WORDS], u64) {
    let UserContext {
        rip,
        rsp,
        rflags,
        rdx,
        rdi,
        rsi,
        ..
    } = *registers;
    match fault {
        Fault::Capability {
            pointer,
            receiving,
            error,
        } => {
            let words = [rip, pointer, u64::from(receiving), error.label(), 0, 0];
            (FaultLabel::CAP, words, 4)
        }
        Fault::UnknownSystemCall => {
            let words = [rip, rsp, rflags, rdx, rdi, rsi];
            (FaultLabel::UNKNOWN_SYSCALL, words, 6)
        }
        Fault::Cpu(UserFault::Page {
            address,
            error_code,
            is_fetch,
        }) => {
            let words = [rip, address, u64::from(is_fetch), error_code, 0, 0];
            (FaultLabel::VM, words, 4)
        }
        Fault::Cpu(UserFault::Exception { vector, error_code }) => {
            let words = [rip, rsp, rflags, u64::from(vector), error_code, 0];
            (FaultLabel::USER_EXCEPTION, words, 5)
        }
    }
}
