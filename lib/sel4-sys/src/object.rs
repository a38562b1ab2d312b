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
            _ => return None,
        })
    }
}
