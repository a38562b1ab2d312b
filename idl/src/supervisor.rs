// Written by idl-compiler from idl/interfaces/supervisor.idl.rs. Do not edit: change the interface, then run
// `cargo run -p idl-compiler`.

//! What tasks tell the root task, and what they may ask it.
use idl_runtime::{
    Buffer, Caller, Incoming, Outgoing, Pad, Refusal, Transport, client, label,
};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, TryFromBytes};

/// Why the supervisor did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SupervisorError {
    /// No task has this number.
    NoSuchTask,
    /// A stub refused the message.
    Refused {
        /// What was wrong.
        why: Refusal,
    },
}

impl client::InterfaceError for SupervisorError {
    #[inline]
    fn from_code(code: u64) -> Option<Self> {
        match code {
            1 => Some(Self::NoSuchTask),
            _ => None,
        }
    }

    #[inline]
    fn refused(why: Refusal) -> Self {
        Self::Refused { why }
    }

    #[inline]
    fn label(self) -> u64 {
        match self {
            Self::NoSuchTask => 1,
            Self::Refused { .. } => Refusal::Upstream.label(),
        }
    }
}

/// What the supervisor knows about a task.
#[derive(
    TryFromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq
)]
#[repr(C)]
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

/// How a task's work went.
#[derive(
    TryFromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq
)]
#[repr(u8)]
pub enum Verdict {
    /// All of it is done and right.
    Passed = 1,
    /// Some of it is not.
    Failed = 2,
}

/// What a task does now.
#[derive(
    TryFromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq
)]
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
#[derive(
    TryFromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq
)]
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

/// Calls a server that implements [`SupervisorServer`].
#[derive(Debug)]
pub struct SupervisorClient<T> {
    transport: T,
}

impl<T: Transport> SupervisorClient<T> {
    /// A client that calls through `transport`.
    #[inline]
    pub const fn new(transport: T) -> Self {
        Self { transport }
    }

    /// What the calls go through.
    #[inline]
    pub const fn transport(&mut self) -> &mut T {
        &mut self.transport
    }

    /// Says that the calling task has done its work, and how it went. The first verdict of a task
    /// counts; the system ends when every task that owes one has given it.
    #[inline]
    pub fn finished(&mut self, verdict: Verdict) -> Result<(), Refusal> {
        let record = FinishedRequest {
            verdict,
            _gap0: [Pad::Zero; 7],
        };
        let request: [u64; 1] = zerocopy::transmute!(record);
        let reply: Result<_, Refusal> = client::repeat(
            &mut self.transport,
            |transport| Outgoing::new(transport, op::FINISHED, request),
        );
        reply?.words(&mut self.transport).map(|[]| ()).map_err(client::bad_reply)
    }

    /// What became of a task. Its number is the badge of its messages: its position in the system
    /// description, the root task not counted, from 1.
    #[inline]
    pub fn task_state(&mut self, task: u32) -> Result<TaskState, SupervisorError> {
        let record = TaskStateRequest {
            task,
            _gap0: [Pad::Zero; 4],
        };
        let request: [u64; 1] = zerocopy::transmute!(record);
        let reply: Result<_, SupervisorError> = client::repeat(
            &mut self.transport,
            |transport| Outgoing::new(transport, op::TASK_STATE, request),
        );
        task_state_results(&mut self.transport, &reply?).map_err(client::bad_reply)
    }

    /// The name of the task with this badge, padded with zero bytes, eight to a word.
    #[inline]
    pub fn task_name(&mut self, badge: u64) -> Result<[u64; 4], SupervisorError> {
        let record = TaskNameRequest { badge };
        let request: [u64; 1] = zerocopy::transmute!(record);
        let reply: Result<_, SupervisorError> = client::repeat(
            &mut self.transport,
            |transport| Outgoing::new(transport, op::TASK_NAME, request),
        );
        task_name_results(&mut self.transport, &reply?).map_err(client::bad_reply)
    }
}

/// The root task: it starts the system's tasks, restarts those that die, and ends the system.
pub trait SupervisorServer {
    /// Says that the calling task has done its work, and how it went. The first verdict of a task
    /// counts; the system ends when every task that owes one has given it.
    fn finished(&mut self, caller: Caller, verdict: Verdict);
    /// What became of a task. Its number is the badge of its messages: its position in the system
    /// description, the root task not counted, from 1.
    fn task_state(
        &mut self,
        caller: Caller,
        task: u32,
    ) -> Result<TaskState, SupervisorError>;
    /// The name of the task with this badge, padded with zero bytes, eight to a word.
    fn task_name(
        &mut self,
        caller: Caller,
        badge: u64,
    ) -> Result<[u64; 4], SupervisorError>;
}

/// Answers one request. Whatever is no message of this interface gets a refusal, and `server`
/// does not hear of it.
#[inline]
pub fn dispatch<S: SupervisorServer, B: Buffer>(
    server: &mut S,
    buffer: &mut B,
    request: &Incoming,
) -> Outgoing {
    let reply = match request.label {
        op::FINISHED => serve_finished(server, buffer, request),
        op::TASK_STATE => serve_task_state(server, buffer, request),
        op::TASK_NAME => serve_task_name(server, buffer, request),
        _ => Err(Refusal::UnknownOperation),
    };
    reply.unwrap_or_else(Outgoing::refusal)
}

#[inline]
fn serve_finished<S: SupervisorServer, B: Buffer>(
    server: &mut S,
    buffer: &mut B,
    request: &Incoming,
) -> Result<Outgoing, Refusal> {
    let [] = request.caps()?;
    let words: [u64; 1] = request.words(buffer)?;
    let record: FinishedRequest = zerocopy::try_transmute!(words)
        .map_err(|_| Refusal::InvalidValue)?;
    server.finished(Caller::of(request), record.verdict);
    Ok(Outgoing::bare(label::OK))
}

#[inline]
fn serve_task_state<S: SupervisorServer, B: Buffer>(
    server: &mut S,
    buffer: &mut B,
    request: &Incoming,
) -> Result<Outgoing, Refusal> {
    let [] = request.caps()?;
    let words: [u64; 1] = request.words(buffer)?;
    let record: TaskStateRequest = zerocopy::try_transmute!(words)
        .map_err(|_| Refusal::InvalidValue)?;
    match server.task_state(Caller::of(request), record.task) {
        Ok(result) => {
            let record = TaskStateReply { result };
            let words: [u64; 2] = zerocopy::transmute!(record);
            Ok(Outgoing::new(buffer, label::OK, words))
        }
        Err(error) => Ok(Outgoing::bare(client::InterfaceError::label(error))),
    }
}

#[inline]
fn serve_task_name<S: SupervisorServer, B: Buffer>(
    server: &mut S,
    buffer: &mut B,
    request: &Incoming,
) -> Result<Outgoing, Refusal> {
    let [] = request.caps()?;
    let words: [u64; 1] = request.words(buffer)?;
    let record: TaskNameRequest = zerocopy::transmute!(words);
    match server.task_name(Caller::of(request), record.badge) {
        Ok(result) => {
            let record = TaskNameReply { result };
            let words: [u64; 4] = zerocopy::transmute!(record);
            Ok(Outgoing::new(buffer, label::OK, words))
        }
        Err(error) => Ok(Outgoing::bare(client::InterfaceError::label(error))),
    }
}

/// The operations' numbers: the labels of requests.
pub mod op {
    /// [`SupervisorClient::finished`].
    pub const FINISHED: u64 = 1;
    /// [`SupervisorClient::task_state`].
    pub const TASK_STATE: u64 = 2;
    /// [`SupervisorClient::task_name`].
    pub const TASK_NAME: u64 = 3;
}

#[derive(TryFromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct FinishedRequest {
    verdict: Verdict,
    _gap0: [Pad; 7],
}

#[derive(TryFromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct TaskStateRequest {
    task: u32,
    _gap0: [Pad; 4],
}

#[derive(TryFromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct TaskStateReply {
    result: TaskState,
}

#[inline]
fn task_state_results<B: Buffer>(
    buffer: &mut B,
    reply: &Incoming,
) -> Result<TaskState, Refusal> {
    let words: [u64; 2] = reply.words(buffer)?;
    let record: TaskStateReply = zerocopy::try_transmute!(words)
        .map_err(|_| Refusal::InvalidValue)?;
    Ok(record.result)
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct TaskNameRequest {
    badge: u64,
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct TaskNameReply {
    result: [u64; 4],
}

#[inline]
fn task_name_results<B: Buffer>(
    buffer: &mut B,
    reply: &Incoming,
) -> Result<[u64; 4], Refusal> {
    let words: [u64; 4] = reply.words(buffer)?;
    let record: TaskNameReply = zerocopy::transmute!(words);
    Ok(record.result)
}
