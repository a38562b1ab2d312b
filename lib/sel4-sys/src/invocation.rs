//! Operations on kernel objects: labels of a `Call` on their capability.
//!
//! Arguments are message words in the order given; capabilities travel as extra capabilities
//! of the message (`caps_or_badges[0]`…), as slot indices of the caller. The answer's label is 0 or an
//! [`Error`](crate::Error). Numbers are this kernel's own.

macro_rules! operations {
    ($(#[$doc:meta])* $name:ident { $($(#[$op_doc:meta])* $op:ident = $number:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(transparent)]
        pub struct $name(pub u64);
        impl $name { $($(#[$op_doc])* pub const $op: Self = Self($number);)* }
    };
}

operations! {
    /// Operations of a CNode. Slots are indices of the invoked CNode (`destination`) and of the CNode in extra capability 0 (`source`).
    CNodeOp {
        /// destination, source, rights; extra: source CNode. The copy is a child of its source.
        COPY = 16,
        /// destination, source, rights, badge; extra: source CNode. Sets the badge of an unbadged endpoint or notification.
        MINT = 17,
        /// destination, source; extra: source CNode. The capability keeps its place in the derivation tree.
        MOVE = 18,
        /// slot. Children of the deleted capability become children of its parent.
        DELETE = 19,
        /// slot. Deletes every descendant; the capability itself stays.
        REVOKE = 20,
        /// No arguments. Empties the CNode and fills it as the system image declares.
        RESET = 21,
    }
}
operations! {
    /// Operations of a thread.
    ThreadOp {
        /// Stops the thread; whatever IPC it was in is cancelled.
        SUSPEND = 32,
        /// Lets a stopped thread run.
        RESUME = 33,
        /// first word, count ≤ 20: answers words of [`UserContext`](crate::UserContext). The thread must be stopped.
        READ_REGISTERS = 34,
        /// first word, count, words…: writes words of [`UserContext`](crate::UserContext). The thread must be stopped.
        WRITE_REGISTERS = 35,
        /// priority; extra: a thread whose maximum controlled priority bounds it.
        SET_PRIORITY = 36,
        /// Extra: notification, or none to unbind.
        BIND_NOTIFICATION = 37,
        /// No arguments: state of the thread. Answers [`ThreadState`](crate::ThreadState), generation, priority.
        READ_STATE = 38,
        /// No arguments. Stops the thread, answers everybody who waits for its reply with `SERVER_DIED`,
        /// adds one to its generation, and makes its registers, priority, scheduling context and bound notification
        /// those that the system image declares. Answers the new generation.
        RESET = 39,
        /// No arguments. As `RESET`; and until the next one every call to the endpoint in the thread's slot `SERVICE` is
        /// answered with `SERVER_DIED`, and what is sent there is lost. Answers the new generation.
        RETIRE = 40,
    }
}
operations! {
    /// Operations of a scheduling context.
    SchedContextOp {
        /// Extra: thread.
        BIND = 48,
        /// No arguments.
        UNBIND = 49,
        /// Answers the µs consumed since the last question, and sets them to 0.
        CONSUMED = 50,
        /// budget µs, period µs; budget equal to the period is plain round robin.
        CONFIGURE = 51,
    }
}
operations! {
    /// Operations of a frame.
    FrameOp {
        /// virtual address, rights ([`MAP_EXECUTE`](crate::MAP_EXECUTE)), first page, pages ≤ 512; extra: address space. Page tables come from the address space's reserve.
        MAP = 64,
        /// virtual address, pages ≤ 512; extra: address space.
        UNMAP = 65,
        /// first page, pages ≤ 64: contents become what the system image declares (zero where it declares none).
        RESET = 66,
        /// Answers pages, flags (bit 0: device memory), and the physical address for device memory, else 0.
        DESCRIBE = 67,
    }
}
operations! {
    /// Operations of an address space.
    AddressSpaceOp {
        /// No arguments. Mappings become what the system image declares.
        RESET = 80,
    }
}
operations! {
    /// Operations of an interrupt.
    InterruptOp {
        /// Extra: notification, which is signalled with its badge when the line fires; the line is masked until `ACK`.
        SET_NOTIFICATION = 96,
        /// Unmasks the line.
        ACK = 97,
        /// Unbinds the notification and masks the line.
        CLEAR = 98,
    }
}
operations! {
    /// Operations of an I/O port range. `port` is absolute and must lie in the range with all its bytes.
    PortOp {
        /// port, bytes (1, 2, 4): answers the value.
        IN = 112,
        /// port, bytes (1, 2, 4), value.
        OUT = 113,
        /// port, count ≤ 118 × 8, bytes packed eight to a word, lowest first: written one by one. For consoles.
        OUT_BYTES = 114,
    }
}
