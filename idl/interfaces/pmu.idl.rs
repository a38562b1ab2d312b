//! One CPU's performance counters: events for clients, leases for virtual machines.

/// The server that owns the counters. It knows its callers by their badge: an event belongs to the client that opened it, a lease to
/// the virtual machine whose VMM asks. Times are ticks of the time-stamp counter.
pub trait Pmu {
    /// What the CPU's counters are.
    #[op(1)]
    #[idempotent]
    fn describe(&self) -> Result<Description, PmuError>;

    /// Opens an event and answers its number. It does not count before it is enabled.
    #[op(2)]
    fn open(&self, spec: EventSpec) -> Result<u32, PmuError>;

    /// Starts counting. An event that counts already goes on as it is.
    #[op(3)]
    #[idempotent]
    fn enable(&self, event: u32) -> Result<(), PmuError>;

    /// Stops counting. Value and times stand still until it is enabled again.
    #[op(4)]
    #[idempotent]
    fn disable(&self, event: u32) -> Result<(), PmuError>;

    /// What was counted so far, and for how long.
    #[op(5)]
    #[idempotent]
    fn read(&self, event: u32) -> Result<Reading, PmuError>;

    /// Closes an event. Its number may be given to another one.
    #[op(6)]
    fn close(&self, event: u32) -> Result<(), PmuError>;

    /// Takes the oldest samples of a sampling event, at most 16, and how many were lost since the last time.
    #[op(7)]
    fn take_samples(&self, event: u32) -> Result<Samples, PmuError>;

    /// Asks for the lease of the calling VMM's virtual machine. Answers its epoch: from now on, until it is released or revoked, the
    /// guest's counters are loaded when it is entered. A lease that is armed stays so.
    #[op(16)]
    #[idempotent]
    fn acquire_lease(&self) -> Result<u64, PmuError>;

    /// Gives the lease back. The guest's counters are taken off at once.
    #[op(17)]
    #[idempotent]
    fn release_lease(&self) -> Result<(), PmuError>;
}

/// The counters of a CPU.
pub struct Description {
    /// Counters, one bit each as in GLOBAL_CTRL; 0: the CPU's counters cannot be used.
    pub counters: u64,
    /// Ticks of the time-stamp counter a second.
    pub tsc_hz: u64,
    /// Version of performance monitoring.
    pub version: u32,
    /// Width of the general-purpose counters in bits.
    pub gp_width: u16,
    /// Width of the fixed counters in bits.
    pub fixed_width: u16,
}

/// A request to count.
pub struct EventSpec {
    /// Take a sample each time so many were counted; 0: only count.
    pub period: u64,
    /// For `What::Raw`: event, unit mask, edge, invert and counter mask at their places in a selector; else 0.
    pub raw: u32,
    /// What is counted.
    pub what: What,
    /// How it relates to guests.
    pub guests: Guests,
    /// Count in ring 0.
    pub kernel: bool,
    /// Count in ring 3.
    pub user: bool,
}

/// The thing that is counted.
#[repr(u8)]
pub enum What {
    /// Instructions retired.
    Instructions = 1,
    /// Core cycles while not halted.
    Cycles = 2,
    /// Reference cycles while not halted.
    ReferenceCycles = 3,
    /// Branch instructions retired.
    Branches = 4,
    /// The selector bits of the request.
    Raw = 5,
}

/// How an event relates to guests.
#[repr(u8)]
pub enum Guests {
    /// Off the counters while a guest is resident; its times stand still then.
    Exclude = 1,
    /// Must see guests too: cannot share a CPU with a VM that holds a lease.
    Include = 2,
    /// Counts whenever no guest is resident.
    IncludeWhenPossible = 3,
}

/// An event at one moment.
pub struct Reading {
    /// How many were counted. Scaled to the enabled time: `value * time_enabled / time_running`.
    pub value: u64,
    /// For how long the client wanted it counted, blind time not included.
    pub time_enabled: u64,
    /// For how long it was on a counter.
    pub time_running: u64,
    /// For how long it could not be counted because a guest was resident.
    pub time_blind: u64,
}

/// Some samples, the oldest first.
pub struct Samples {
    /// Samples that found no room, or were not taken because of the rate limit, since the last time.
    pub lost: u64,
    /// How many of the following are samples, 0 to 16.
    pub count: u64,
    /// Where each interrupted the CPU: the instruction pointer, 0 if it came late.
    pub addresses: [u64; 16],
    /// When, in ticks of the time-stamp counter.
    pub times: [u64; 16],
}

/// Why a request was refused. It changed nothing.
pub enum PmuError {
    /// Somebody who excludes the caller is there: try again later.
    Busy = 1,
    /// This CPU, board or policy cannot do it.
    NotSupported = 2,
    /// No counter of this CPU can count the event, however many were free.
    NoCounter = 3,
    /// All places for events are taken.
    TooMany = 4,
    /// Neither ring is to be counted.
    InvalidRings = 5,
    /// A raw selector bit is not allowed, or is set without `What::Raw`.
    InvalidRaw = 6,
    /// The period is beyond the counter's width.
    InvalidPeriod = 7,
    /// There is no such event of this client.
    NoSuchEvent = 8,
    /// The caller has no lease: it is no VMM of this system.
    Denied = 9,
    /// The server died: what it kept for its callers is gone, open again.
    ServerDied { generation: u64 },
    /// A stub refused the message.
    Refused { why: Refusal },
}
