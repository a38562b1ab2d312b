//! What the kernel reads from the counters, and what a client reads of its event.

/// All counters of one CPU at one moment, as the kernel gives them.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct CounterReading {
    /// When, in ticks of the time-stamp counter.
    pub now: u64,
    /// For how long guests have been resident since the kernel started, in ticks, up to `now`.
    pub guest_time: u64,
    /// Values: general-purpose counters 0 to 7, then fixed counters 0 to 3. Those of counters that the host does not use mean nothing.
    pub values: [u64; 12],
    /// How often each counter overflowed and was set back by its period since the kernel started.
    pub overflows: [u64; 12],
}

/// One event at one moment. Times in ticks of the time-stamp counter.
///
/// Enabled and running time stand still while a guest is resident; `time_blind` says for how long that was.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct EventReading {
    /// How many were counted. Scaled to the enabled time: `value * time_enabled / time_running`.
    pub value: u64,
    /// For how long the client wanted it counted.
    pub time_enabled: u64,
    /// For how long it was on a counter.
    pub time_running: u64,
    /// For how long it could not be counted because a guest was resident.
    pub time_blind: u64,
}
