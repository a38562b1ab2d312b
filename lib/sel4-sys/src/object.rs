//! The kinds of kernel object.

/// What a capability names. The numbers stand in system images too.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum ObjectKind {
    /// A table of capability slots.
    CNode = 1,
    /// A thread of execution (seL4: TCB).
    Thread = 2,
    /// Where threads meet for IPC.
    Endpoint = 3,
    /// A word of signal bits.
    Notification = 4,
    /// The right to answer one caller.
    Reply = 5,
    /// A budget of CPU time.
    SchedContext = 6,
    /// A run of pages of memory.
    Frame = 7,
    /// A tree of page tables (seL4: VSpace).
    AddressSpace = 8,
    /// One interrupt line.
    Interrupt = 9,
    /// A range of x86 I/O ports.
    Port = 10,
    /// The memory of a guest.
    GuestSpace = 11,
    /// A virtual CPU.
    Vcpu = 12,
    /// Authority over one CPU's performance counters.
    PmuControl = 13,
    /// The right of one VM to one CPU's performance counters, worth nothing until it is armed.
    PmuLease = 14,
}

impl ObjectKind {
    /// The kind with this number.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::CNode,
            2 => Self::Thread,
            3 => Self::Endpoint,
            4 => Self::Notification,
            5 => Self::Reply,
            6 => Self::SchedContext,
            7 => Self::Frame,
            8 => Self::AddressSpace,
            9 => Self::Interrupt,
            10 => Self::Port,
            11 => Self::GuestSpace,
            12 => Self::Vcpu,
            13 => Self::PmuControl,
            14 => Self::PmuLease,
            _ => return None,
        })
    }
}

/// What a thread is doing, as `ThreadOp::READ_STATE` answers it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct ThreadState(pub u64);

impl ThreadState {
    /// It does nothing until it is resumed.
    pub const STOPPED: Self = Self(0);
    /// It runs when it has time to.
    pub const RUNNABLE: Self = Self(1);
    /// It has a message to deliver.
    pub const SENDING: Self = Self(2);
    /// It waits for a message.
    pub const RECEIVING: Self = Self(3);
    /// It waits for a signal.
    pub const WAITING: Self = Self(4);
    /// It waits for the answer to its call.
    pub const CALLING: Self = Self(5);
    /// A fault stopped it; its handler has not answered, or it has none.
    pub const FAULTED: Self = Self(6);
}

/// How `FrameOp::MAP` maps a page: `CapRights` READ and WRITE bits, and this one.
///
/// Bit 7: instructions may be fetched. Never both writable and executable.
pub const MAP_EXECUTE: u64 = 1 << 7;
