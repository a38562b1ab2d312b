//! The machine around the kernel: a test sets its time and sees what was done.
//!
//! One for each thread of the test program.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use crate::CpuId;
use crate::irq::LineFlags;
use crate::port::Width;
use crate::timer::Ticks;

mod counters;
mod guest;

pub(crate) use counters::{
    CountersOfCpu, Raised, guest_pmi, pmu_layout, retire_what_waits, with_counters,
};
pub use counters::{
    KERNEL_RIP, USER_RIP, counter_register, local_vector, next_interrupt, retire,
    retire_at_next_read, set_counters,
};
pub(crate) use guest::with_guest;
pub use guest::{GuestRead, GuestStep, guest_does, take_guest_injections, take_guest_reads};

/// State of a configured interrupt line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LineState {
    /// Nothing comes through.
    Masked(LineFlags),
    /// It may fire.
    Open(LineFlags),
}

/// A write to an I/O port.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PortWrite {
    /// Where.
    pub port: u16,
    /// Bytes.
    pub bytes: u32,
    /// What.
    pub value: u32,
}

thread_local! {
    static NOW: Cell<u64> = const { Cell::new(0) };
    static DEADLINE: Cell<Option<u64>> = const { Cell::new(None) };
    static CURRENT: Cell<Option<(u32, u32)>> = const { Cell::new(None) };
    static SWITCHES: Cell<u64> = const { Cell::new(0) };
    static LINES: RefCell<BTreeMap<u32, LineState>> = const { RefCell::new(BTreeMap::new()) };
    static PORT_WRITES: RefCell<Vec<PortWrite>> = const { RefCell::new(Vec::new()) };
    static PORT_VALUES: RefCell<BTreeMap<u16, u32>> = const { RefCell::new(BTreeMap::new()) };
    static CONSOLE: RefCell<String> = const { RefCell::new(String::new()) };
    static TRACE: RefCell<Vec<(usize, String, [u64; 3])>> = const { RefCell::new(Vec::new()) };
}

/// A machine as it is after power-on: time 0, nothing armed, nothing written.
pub fn power_on() {
    NOW.set(0);
    DEADLINE.set(None);
    CURRENT.set(None);
    SWITCHES.set(0);
    LINES.take();
    PORT_WRITES.take();
    PORT_VALUES.take();
    CONSOLE.take();
    TRACE.take();
    counters::power_on();
    guest::power_on();
}

/// Lets `ticks` pass.
pub fn advance(ticks: u64) {
    NOW.set(NOW.get() + ticks);
}

/// When the timer fires, if it is armed.
#[must_use]
pub fn deadline() -> Option<Ticks> {
    DEADLINE.get().map(Ticks)
}

/// Takes the deadline away, as the timer does when it fires.
pub fn disarm() {
    DEADLINE.set(None);
}

/// Numbers of the context and address space of the last [`switch_to`](crate::cpu::switch_to).
#[must_use]
pub fn current() -> Option<(u32, u32)> {
    CURRENT.get()
}

/// How often [`switch_to`](crate::cpu::switch_to) was called.
#[must_use]
pub fn switches() -> u64 {
    SWITCHES.get()
}

/// State of an interrupt line, `None` before it is configured.
#[must_use]
pub fn line(number: u32) -> Option<LineState> {
    LINES.with_borrow(|lines| lines.get(&number).copied())
}

/// All writes to ports so far, oldest first; the list is empty afterwards.
#[must_use]
pub fn take_port_writes() -> Vec<PortWrite> {
    PORT_WRITES.take()
}

/// Sets what reads from `port` give; 0 if never set.
pub fn set_port(port: u16, value: u32) {
    PORT_VALUES.with_borrow_mut(|values| values.insert(port, value));
}

/// The console's text so far; empty afterwards.
#[must_use]
pub fn take_console() -> String {
    CONSOLE.take()
}

pub(crate) fn now() -> Ticks {
    Ticks(NOW.get())
}

pub(crate) fn note_switch(_cpu: CpuId, context: u32, space: u32) {
    CURRENT.set(Some((context, space)));
    SWITCHES.set(SWITCHES.get() + 1);
}

pub(crate) fn note_deadline(_cpu: CpuId, deadline: Ticks) {
    DEADLINE.set(Some(deadline.0));
}

pub(crate) fn note_line(number: u32, state: LineState) {
    LINES.with_borrow_mut(|lines| lines.insert(number, state));
}

pub(crate) fn mask(number: u32) {
    if let Some(LineState::Open(flags)) = line(number) {
        note_line(number, LineState::Masked(flags));
    }
}

pub(crate) fn unmask(number: u32) {
    if let Some(LineState::Masked(flags)) = line(number) {
        note_line(number, LineState::Open(flags));
    }
}

pub(crate) fn port_read(port: u16, width: Width) -> u32 {
    let mask = u32::MAX >> (32 - 8 * width.bytes());
    PORT_VALUES.with_borrow(|values| values.get(&port).copied().unwrap_or(0)) & mask
}

pub(crate) fn port_write(port: u16, width: Width, value: u32) {
    let bytes = width.bytes();
    PORT_WRITES.with_borrow_mut(|writes| writes.push(PortWrite { port, bytes, value }));
}

/// Takes the trace events that the kernel has sent since the last time: CPU, name, arguments.
#[must_use]
pub fn take_trace() -> Vec<(usize, String, [u64; 3])> {
    TRACE.with_borrow_mut(std::mem::take)
}

pub(crate) fn trace(cpu: CpuId, name: &str, arguments: [u64; 3]) {
    TRACE.with_borrow_mut(|trace| trace.push((cpu.index(), name.to_owned(), arguments)));
}

pub(crate) fn console_write(text: &str) {
    CONSOLE.with_borrow_mut(|console| console.push_str(text));
}
