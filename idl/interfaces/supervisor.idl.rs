//! What tasks tell the root task, and what they may ask it.

/// The root task: it starts the system's tasks, restarts those that die, and ends the system.
pub trait Supervisor {
    /// Says that the calling task has done its work, and how it went. The first verdict of a task
    /// counts; the system ends when every task that owes one has given it.
    #[op(1)]
    #[idempotent]
    fn finished(&self, verdict: Verdict);

    /// What became of a task. Its number is the badge of its messages: its position in the system
    /// description, the root task not counted, from 1.
    #[op(2)]
    #[idempotent]
    fn task_state(&self, task: u32) -> Result<TaskState, SupervisorError>;

    /// The name of the task with this badge, padded with zero bytes, eight to a word.
    #[op(3)]
    #[idempotent]
    fn task_name(&self, badge: u64) -> Result<[u64; 4], SupervisorError>;

    /// Reports a measurement to whoever runs this system.
    #[op(4)]
    #[idempotent]
    fn measured(&self, values: Measurement, name: Bytes<64>);
}

/// Values of one measurement.
pub struct Measurement {
    /// The smallest value.
    pub min: u64,
    /// The value in the middle.
    pub median: u64,
    /// The largest value.
    pub max: u64,
    /// How many values.
    pub count: u64,
    /// What one is.
    pub unit: Unit,
    /// Zero.
    pub reserved: [u8; 7],
}

/// What is measured.
#[repr(u8)]
pub enum Unit {
    /// Instructions retired.
    Instructions = 1,
    /// Accesses to registers of the counters, their local APIC entry included.
    Operations = 2,
    /// VM exits.
    Exits = 3,
}

/// How a task's work went.
#[repr(u8)]
pub enum Verdict {
    /// All of it is done and right.
    Passed = 1,
    /// Some of it is not.
    Failed = 2,
}

/// What the supervisor knows about a task.
pub struct TaskState {
    /// How often the task was started anew; 0 in its first life.
    pub generation: u64,
    /// What the task does now.
    pub activity: Activity,
    /// Why its last life ended; `StillFirst` in its first.
    pub last_end: EndReason,
    /// Zero.
    pub reserved: [u8; 6],
}

/// What a task does now.
#[repr(u8)]
pub enum Activity {
    /// It runs, or waits for somebody.
    Alive = 1,
    /// It has given its verdict.
    Finished = 2,
    /// It died and waits to be started again.
    Restarting = 3,
    /// It died too often and is not started again.
    GivenUp = 4,
}

/// Why a task's life ended.
#[repr(u8)]
pub enum EndReason {
    /// No life of this task has ended yet.
    StillFirst = 0,
    /// It touched memory that is not its own.
    MemoryFault = 1,
    /// It made a system call that does not exist, or on a capability that does not.
    SystemCallFault = 2,
    /// The CPU refused an instruction.
    Exception = 3,
    /// It used up its time budget.
    Timeout = 4,
    /// It panicked, and said so.
    Panicked = 5,
    /// The supervisor was asked to end it.
    Killed = 6,
}

/// Why the supervisor did not answer.
pub enum SupervisorError {
    /// No task has this number.
    NoSuchTask = 1,
    /// A stub refused the message.
    Refused { why: Refusal },
}
