//! Gives back what it is given: what tests and benchmarks of IPC talk to.

/// A service without a purpose of its own, with one operation for each kind of argument.
pub trait Echo {
    /// Does nothing. The shortest call there is.
    #[op(1)]
    #[idempotent]
    fn ping(&self);

    /// Gives back one word.
    #[op(2)]
    #[idempotent]
    fn echo_word(&self, word: u64) -> u64;

    /// Gives back four words: as many as travel in registers.
    #[op(3)]
    #[idempotent]
    fn echo_words(&self, words: [u64; 4]) -> [u64; 4];

    /// Adds up bytes.
    #[op(4)]
    #[idempotent]
    fn sum(&self, bytes: Bytes<64>) -> u32;

    /// Gives back two byte strings in the other order.
    #[op(5)]
    #[idempotent]
    fn swap(&self, first: Bytes<64>, second: Bytes<16>) -> (Bytes<16>, Bytes<64>);

    /// Moves a marker one step in its direction; off the edge is an error.
    #[op(6)]
    #[idempotent]
    fn step(&self, marker: Marker, by: u16, wrap: bool) -> Result<Marker, EchoError>;

    /// Adds to the server's counter and gives the sum back. Repeated, it would count twice.
    #[op(7)]
    fn increment(&self, by: u32) -> Result<u64, EchoError>;

    /// Fails, with the error that the client asks for.
    #[op(8)]
    fn fail(&self, full: bool) -> Result<(), EchoError>;

    /// Has the server signal a notification that the client passes to it.
    #[op(9)]
    fn signal(&self, times: u8, notification: Cap<Notification>) -> Result<(), EchoError>;

    /// Has the server take an endpoint and a notification, and say whether it could.
    #[op(10)]
    fn take(&self, endpoint: Cap<Endpoint>, notification: Cap<Notification>)
    -> Result<bool, EchoError>;

    /// Gives back more words than travel in registers.
    #[op(11)]
    #[idempotent]
    fn echo_long(&self, words: [u64; 12]) -> [u64; 12];
}

/// A point on a strip of positions, and where it is going.
pub struct Marker {
    /// Steps from the left edge.
    pub position: u32,
    /// How often it went over the edge, to the right and to the left.
    pub laps: [i16; 2],
    /// The direction of the next step.
    pub direction: Direction,
    /// Zero.
    pub reserved: [u8; 3],
}

/// A way to go.
#[repr(u8)]
pub enum Direction {
    /// Towards position 0.
    Left = 1,
    /// Away from position 0.
    Right = 2,
}

/// Why the echo service did not do what it was asked.
pub enum EchoError {
    /// The counter, or the strip, ends there.
    Full = 1,
    /// The client asked for an error.
    AsRequested = 2,
    /// The server died; whether it had done what it was asked is unknown.
    ServerDied { generation: u64 },
    /// A stub refused the message.
    Refused { why: Refusal },
}
