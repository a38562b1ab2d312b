//! What the test suite's partner can be told: labels of messages to it.

#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

/// A command: the label of a call. The partner answers with label 0, and does most things after its answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Command(pub u64);

impl Command {
    /// Answer with the words that came.
    pub const ECHO: Self = Self(0x100);
    /// Answer with: badge, label, length, capabilities and unwrapped bits of this message.
    pub const DESCRIBE: Self = Self(0x101);
    /// Answer with the partner's generation, how often it was told to count in this life, and in its memory's first state (7).
    pub const COUNT: Self = Self(0x102);
    /// Answer; then call the suite's endpoint with label, length, first word. What it hears goes into `LAST_ANSWER`.
    pub const CALL_BACK: Self = Self(0x103);
    /// Answer; then send to the suite's endpoint, as `CALL_BACK`.
    pub const SEND_BACK: Self = Self(0x104);
    /// Answer; then send without blocking to the suite's endpoint, as `CALL_BACK`.
    pub const NB_SEND_BACK: Self = Self(0x105);
    /// Answer with label, length and first word of the last answer to `CALL_BACK`, and how many there were.
    pub const LAST_ANSWER: Self = Self(0x106);
    /// Answer; then signal the suite.
    pub const SIGNAL_BACK: Self = Self(0x107);
    /// Answer; then wait for a signal.
    pub const WAIT: Self = Self(0x108);
    /// Answer with the bits of the last `WAIT`.
    pub const LAST_BITS: Self = Self(0x109);
    /// Do not answer: die of an invalid opcode.
    pub const DIE: Self = Self(0x10a);
    /// Answer; then run for ever.
    pub const SPIN: Self = Self(0x10b);
    /// Answer with the number of this partner's capabilities that it got in this message, by using each: how many could be copied.
    pub const USE_CAPS: Self = Self(0x10c);
    /// Answer; then call the first capability that it got in an earlier message, as `CALL_BACK`.
    pub const CALL_GIVEN: Self = Self(0x10d);
    /// Answer with the first `n` words of a message of 120: word `i` is `i` times the first word.
    pub const ANSWER_LONG: Self = Self(0x10e);
    /// Answer; then receive no more, but wait for ever on its notification.
    pub const GO_DEAF: Self = Self(0x10f);
}

/// What the partner's memory holds before it counts: initialised data of its program.
pub const COUNT_STARTS_AT: u64 = 7;
