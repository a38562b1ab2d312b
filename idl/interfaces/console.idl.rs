//! Text for the person who watches the machine.

/// The one way to the machine's serial line.
pub trait Console {
    /// Writes bytes, all of them or none. Text of two clients is never mixed within one call.
    #[op(1)]
    fn write(&self, text: Bytes<256>) -> Result<(), ConsoleError>;
}

/// Why text was not written.
pub enum ConsoleError {
    /// The line does not take bytes any more: the transmitter was busy for too long.
    Stuck = 1,
    /// The console died; whether it had written the text is unknown.
    ServerDied { generation: u64 },
    /// A stub refused the message.
    Refused { why: Refusal },
}
