//! A machine on which a test plays every task and looks at who runs next.

use sel4_sys::{IpcBuffer, MESSAGE_REGISTERS, MessageInfo, Syscall, UserContext};

use super::FastPath;
use super::system::{Number, System};
use crate::arch::CpuId;
use crate::arch::boot::Boot;
use crate::arch::mm::PageRef;
use crate::arch::trap::{Interrupt, UserFault};
use crate::cap::{Slot, SlotId};
use crate::object::{CNodeId, Id, NotificationId, State, Thread, ThreadId};
use crate::{Kernel, Next};
use arch_host::machine;

pub(super) const CPU: CpuId = CpuId::BOOT;

/// A message as a task sends it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) label: u64,
    pub(super) words: Vec<u64>,
    pub(super) caps: Vec<u64>,
}

/// A message as a task got it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Received {
    pub(super) badge: u64,
    pub(super) label: u64,
    pub(super) words: Vec<u64>,
    pub(super) caps: u64,
    pub(super) unwrapped: u64,
}

/// A message of words only.
pub(super) fn message(label: u64, words: &[u64]) -> Message {
    Message {
        label,
        words: words.to_vec(),
        caps: Vec::new(),
    }
}

/// What somebody got who got words only.
pub(super) fn received(badge: u64, label: u64, words: &[u64]) -> Received {
    Received {
        badge,
        label,
        words: words.to_vec(),
        caps: 0,
        unwrapped: 0,
    }
}

pub(super) struct Machine {
    pub(super) k: Kernel,
    next: Next,
}

impl Machine {
    pub(super) fn boot(system: &System) -> Self {
        machine::power_on();
        let mut boot = Boot::new(&system.image(), 1);
        let mut k = Kernel::boot(&mut boot).expect("the test's system is good");
        let next = k.start(CPU);
        Self { k, next }
    }

    /// As [`Machine::boot`], with the fast path switched off.
    pub(super) fn boot_slow(system: &System) -> Self {
        let mut machine = Self::boot(system);
        machine.k.fast_path = FastPath::Off;
        machine
    }

    /// Gives a passive thread time to get to where it waits, as its supervisor would: `lender`'s, for now.
    pub(super) fn lend_first_run(&mut self, passive: Number, lender: Number) {
        let (passive, lender) = (thread_id(passive), thread_id(lender));
        let context = self.k.threads[lender].sched_context.unwrap();
        self.k.hand_over(context, passive);
        self.interrupt(Interrupt::Spurious);
    }

    /// The thread that runs in ring 3.
    pub(super) fn running(&self) -> Option<Number> {
        let current = self.k.cpus[0].current?;
        assert_eq!(self.next, Next::Thread);
        Some(self.k.threads[current].number)
    }

    pub(super) fn thread(&self, number: Number) -> &Thread {
        &self.k.threads[thread_id(number)]
    }

    pub(super) fn registers(&mut self, number: Number) -> &mut UserContext {
        self.k.threads[thread_id(number)].context.registers()
    }

    pub(super) fn buffer(&self, number: Number) -> PageRef {
        self.thread(number).buffer.unwrap()
    }

    pub(super) fn state(&self, number: Number) -> State {
        self.thread(number).state
    }

    /// The running thread makes a system call with these registers.
    pub(super) fn system_call(&mut self, number: Syscall, set: impl FnOnce(&mut UserContext)) {
        let id = self.k.cpus[0].current.expect("somebody runs");
        let registers = self.k.threads[id].context.registers();
        set(registers);
        registers.rdx = number.0.cast_unsigned();
        registers.rip += 2;
        self.next = self.k.syscall(CPU);
    }

    /// The running thread is `task` and makes a system call with a message.
    fn with_message(
        &mut self,
        task: Number,
        number: Syscall,
        target: u64,
        reply: u64,
        message: &Message,
    ) {
        assert_eq!(self.running(), Some(task), "who runs");
        let mut words = message.words.clone();
        words.resize(words.len().max(MESSAGE_REGISTERS), 0);
        if let Some(buffer) = self.thread(task).buffer {
            for (i, word) in words.iter().enumerate().skip(MESSAGE_REGISTERS) {
                buffer.set_word(IpcBuffer::MSG_WORD + i, *word);
            }
            for (i, slot) in message.caps.iter().enumerate() {
                buffer.set_word(IpcBuffer::CAPS_WORD + i, *slot);
            }
        }
        let info = MessageInfo::new(
            message.label,
            0,
            message.caps.len() as u64,
            message.words.len() as u64,
        );
        self.system_call(number, |r| {
            [r.r10, r.r8, r.r9, r.r15] = [words[0], words[1], words[2], words[3]];
            r.rsi = info.0;
            r.rdi = target;
            r.r12 = reply;
        });
    }

    pub(super) fn call(&mut self, task: Number, target: u64, message: &Message) {
        self.with_message(task, Syscall::CALL, target, 0, message);
    }

    pub(super) fn send(&mut self, task: Number, target: u64, message: &Message) {
        self.with_message(task, Syscall::SEND, target, 0, message);
    }

    pub(super) fn nb_send(&mut self, task: Number, target: u64, message: &Message) {
        self.with_message(task, Syscall::NB_SEND, target, 0, message);
    }

    pub(super) fn recv(&mut self, task: Number, from: u64, reply: u64) {
        self.with_message(task, Syscall::RECV, from, reply, &Message::default());
    }

    pub(super) fn nb_recv(&mut self, task: Number, from: u64, reply: u64) {
        self.with_message(task, Syscall::NB_RECV, from, reply, &Message::default());
    }

    pub(super) fn reply_recv(&mut self, task: Number, from: u64, reply: u64, message: &Message) {
        self.with_message(task, Syscall::REPLY_RECV, from, reply, message);
    }

    pub(super) fn wait(&mut self, task: Number, on: u64) {
        self.with_message(task, Syscall::WAIT, on, 0, &Message::default());
    }

    pub(super) fn poll(&mut self, task: Number, on: u64) {
        self.with_message(task, Syscall::POLL, on, 0, &Message::default());
    }

    pub(super) fn yield_now(&mut self, task: Number) {
        self.with_message(task, Syscall::YIELD, 0, 0, &Message::default());
    }

    /// Invokes a kernel object: the answer's label and words.
    pub(super) fn invoke(
        &mut self,
        task: Number,
        object: u64,
        operation: u64,
        words: &[u64],
        caps: &[u64],
    ) -> (u64, Vec<u64>) {
        let message = Message {
            label: operation,
            words: words.to_vec(),
            caps: caps.to_vec(),
        };
        self.call(task, object, &message);
        let got = self.got(task);
        (got.label, got.words)
    }

    /// The running thread, which is `task`, faults.
    pub(super) fn fault(&mut self, task: Number, fault: UserFault) {
        assert_eq!(self.running(), Some(task), "who runs");
        self.next = self.k.fault(CPU, fault);
    }

    pub(super) fn interrupt(&mut self, interrupt: Interrupt) {
        self.next = self.k.interrupt(CPU, interrupt);
    }

    /// Somebody signals a task's notification.
    pub(super) fn signal(&mut self, task: Number) {
        self.signal_bits(task, 1);
    }

    /// Somebody signals a task's notification with these bits.
    pub(super) fn signal_bits(&mut self, task: Number, bits: u64) {
        let notification = NotificationId::new(task).unwrap();
        self.k.signal(notification, bits);
        self.interrupt(Interrupt::Spurious);
    }

    /// A slot of a task's CNode.
    pub(super) fn slot_id(&self, task: Number, index: u64) -> Option<SlotId> {
        self.k.cnodes[CNodeId::new(task).unwrap()].slot(index)
    }

    /// What is in a slot of a task's CNode.
    pub(super) fn slot(&self, task: Number, index: u64) -> Slot {
        self.k.slots[self.slot_id(task, index).unwrap()]
    }

    /// Lets time pass. Whenever the timer is due on the way, it fires.
    pub(super) fn pass(&mut self, mut ticks: u64) {
        while let Some(deadline) = machine::deadline() {
            let left = deadline.0.saturating_sub(crate::arch::timer::now().0);
            if left > ticks {
                break;
            }
            machine::advance(left);
            ticks -= left;
            machine::disarm();
            self.interrupt(Interrupt::Timer);
        }
        machine::advance(ticks);
    }

    /// What stands in a thread's message registers and buffer.
    pub(super) fn got(&mut self, task: Number) -> Received {
        let registers = *self.registers(task);
        let info = MessageInfo(registers.rsi);
        let in_registers = [registers.r10, registers.r8, registers.r9, registers.r15];
        let length = usize::try_from(info.length()).unwrap();
        let mut words: Vec<u64> = in_registers.into_iter().take(length).collect();
        for i in MESSAGE_REGISTERS..length {
            words.push(self.buffer(task).word(IpcBuffer::MSG_WORD + i));
        }
        Received {
            badge: registers.rdi,
            label: info.label(),
            words,
            caps: info.extra_caps(),
            unwrapped: info.caps_unwrapped(),
        }
    }
}

pub(super) fn thread_id(number: Number) -> ThreadId {
    ThreadId::new(number).unwrap()
}
