//! The records of the image, one structure per table.

#![expect(
    missing_debug_implementations,
    reason = "zerocopy's derive makes private types for fields"
)]

use core::fmt;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// First bytes of an image.
pub const IMAGE_MAGIC: [u8; 8] = *b"BATONSYS";
/// Version of the layout. A kernel takes exactly its own.
pub const IMAGE_VERSION: u32 = 2;
/// Bytes of a page.
pub const PAGE: u64 = 4096;
/// Number of tables after the header.
pub const TABLES: usize = 14;

/// Positions of the tables in [`Header::tables`].
#[expect(missing_docs, reason = "each is the table of the record of that name")]
pub mod table {
    pub const REGIONS: usize = 0;
    pub const MAPPINGS: usize = 1;
    pub const ADDRESS_SPACES: usize = 2;
    pub const CNODES: usize = 3;
    pub const THREADS: usize = 4;
    pub const SCHED_CONTEXTS: usize = 5;
    pub const INTERRUPTS: usize = 6;
    pub const PORTS: usize = 7;
    pub const CAPABILITIES: usize = 8;
    pub const TASKS: usize = 9;
    pub const GUEST_SPACES: usize = 10;
    pub const VCPUS: usize = 11;
    pub const PMU_CONTROLS: usize = 12;
    pub const PMU_LEASES: usize = 13;
}

/// A short UTF-8 name, padded with zero bytes.
#[derive(Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(transparent)]
pub struct Name(pub [u8; 32]);

impl Name {
    /// The name, or `None` when it is empty, longer than 31 bytes or has a zero byte.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        let room = bytes.get_mut(..text.len())?;
        if text.is_empty() || text.len() > 31 || text.as_bytes().contains(&0) {
            return None;
        }
        room.copy_from_slice(text.as_bytes());
        Some(Self(bytes))
    }

    /// The text up to the first zero byte; `"?"` when it is not UTF-8.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let end = self.0.iter().position(|&b| b == 0).unwrap_or(self.0.len());
        self.0
            .get(..end)
            .and_then(|b| core::str::from_utf8(b).ok())
            .unwrap_or("?")
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

macro_rules! record {
    ($(#[$doc:meta])* $name:ident $size:literal { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
        #[repr(C)]
        pub struct $name { $($(#[$field_doc])* pub $field: $type,)* }
        const _: () = assert!(size_of::<$name>() == $size);
    };
}

record! {
    /// Where a table lies.
    Table 8 {
        /// Bytes from the image's start; a multiple of 8.
        offset: u32,
        /// Records.
        count: u32,
    }
}
record! {
    /// Start of the image.
    Header 192 {
        /// [`IMAGE_MAGIC`].
        magic: [u8; 8],
        /// [`IMAGE_VERSION`].
        version: u32,
        /// Bytes of the whole image.
        length: u32,
        /// [`crate::checksum`] of all bytes after the header.
        checksum: u64,
        /// Endpoints, which have no record of their own.
        endpoints: u16,
        /// Notifications.
        notifications: u16,
        /// Reply objects.
        replies: u16,
        /// Index of the thread that gets the boot information page.
        root_thread: u16,
        /// The system's name.
        system: Name,
        /// The tables, in the order of [`table`].
        tables: [Table; TABLES],
        /// Zero.
        reserved2: [u64; 2],
    }
}

/// Bits of [`Region::flags`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RegionFlags;
impl RegionFlags {
    /// Memory of a device at [`Region::physical`]; mapped uncached, never reset.
    pub const DEVICE: u32 = 1;
}

record! {
    /// A run of physical pages: one frame object.
    Region 24 {
        /// Pages, at least 1.
        pages: u32,
        /// [`RegionFlags`].
        flags: u32,
        /// First contents, bytes from the image's start; the rest of the region is zero.
        data_offset: u32,
        /// Bytes of first contents, at most the region's size.
        data_length: u32,
        /// Physical address of device memory, else 0 (the kernel chooses).
        physical: u64,
    }
}
record! {
    /// Pages of a region in an address space, from the start on.
    Mapping 24 {
        /// Page-aligned; all pages lie below [`crate::USER_END`].
        address: u64,
        /// Index of the address space.
        address_space: u16,
        /// Index of the region.
        region: u16,
        /// First page of the region.
        first_page: u32,
        /// Pages, at least 1.
        pages: u32,
        /// `CapRights` READ and WRITE bits; bit 7: executable. Never both writable and executable.
        rights: u32,
    }
}
impl Mapping {
    /// Bit of [`Mapping::rights`]: instructions may be fetched.
    pub const EXECUTE: u32 = 1 << 7;
}
record! {
    /// An address space.
    AddressSpace 8 {
        /// Page tables held ready for `FrameOp::MAP` beyond those the mappings need.
        spare_tables: u32,
        /// Zero.
        reserved: u32,
    }
}
record! {
    /// A CNode.
    CNode 8 {
        /// Slots, 1 to 65536.
        slots: u32,
        /// Zero.
        reserved: u32,
    }
}

/// Bits of [`Thread::flags`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ThreadFlags;
impl ThreadFlags {
    /// Runs as soon as the kernel is up; otherwise it waits for `ThreadOp::RESUME`.
    pub const START: u32 = 1;
    /// May use the FPU; without it, FPU instructions fault.
    pub const FPU: u32 = 2;
}

record! {
    /// A thread.
    Thread 96 {
        /// For people.
        name: Name,
        /// First instruction.
        entry: u64,
        /// First stack pointer; 16-byte aligned.
        stack: u64,
        /// Virtual address of the IPC buffer, or 0. It starts a page that is mapped readable and writable.
        ipc_buffer: u64,
        /// Badge of the messages that report its faults.
        fault_badge: u64,
        /// Index of the region the IPC buffer lies in, or NONE.
        ipc_buffer_region: u16,
        /// Page of that region.
        ipc_buffer_page: u16,
        /// Index of the address space.
        address_space: u16,
        /// Index of the CNode.
        cnode: u16,
        /// Index of the scheduling context, or NONE (passive).
        sched_context: u16,
        /// Index of the endpoint that hears of its faults, or NONE.
        fault_endpoint: u16,
        /// Index of the notification bound to it, or NONE.
        notification: u16,
        /// 0 (least urgent) to 255.
        priority: u8,
        /// Highest priority that it may give to another thread.
        max_priority: u8,
        /// [`ThreadFlags`].
        flags: u32,
        /// CPU that it runs on.
        cpu: u32,
        /// Zero.
        reserved: u64,
    }
}
record! {
    /// A scheduling context.
    SchedContext 8 {
        /// µs of CPU time per period, at least 10.
        budget_us: u32,
        /// µs, at least the budget. Equal to it: round robin with that time slice.
        period_us: u32,
    }
}
record! {
    /// An interrupt line.
    Interrupt 8 {
        /// Global system interrupt number (IOAPIC input).
        line: u32,
        /// Bit 0: level triggered; bit 1: active low.
        flags: u32,
    }
}
record! {
    /// A range of I/O ports.
    Port 8 {
        /// First port.
        first: u16,
        /// Ports, at least 1.
        count: u16,
        /// Zero.
        reserved: u32,
    }
}
record! {
    /// A capability that a CNode holds at the start and after a reset.
    Capability 24 {
        /// Badge of an endpoint or notification, else 0.
        badge: u64,
        /// Index of an earlier record of this table that it is derived from, or [`crate::NO_PARENT`].
        parent: u32,
        /// CNode that holds it.
        cnode: u16,
        /// Slot there, not 0.
        slot: u16,
        /// Object's index among those of its kind.
        object: u16,
        /// `ObjectKind` number.
        kind: u8,
        /// `CapRights` bits.
        rights: u8,
        /// Zero.
        reserved: u32,
    }
}
record! {
    /// What the supervisor needs to start and restart one task. The kernel does not read it;
    /// the builder also maps a copy of this table into the root task.
    Task 96 {
        /// The task's name.
        name: Name,
        /// Index of the thread.
        thread: u16,
        /// Slot of the root task's CNode with the thread.
        thread_slot: u16,
        /// Slot with the task's CNode.
        cnode_slot: u16,
        /// Slot with the task's address space.
        address_space_slot: u16,
        /// First of `frames` consecutive slots with the task's writable frames, which a restart resets.
        first_frame_slot: u16,
        /// Number of those.
        frames: u16,
        /// Badge of the task's messages, to the supervisor and to the servers that it calls: its position in
        /// the table, from 1. [`Task::FAULT_BADGE`] is added in the badge of its faults.
        badge: u16,
        /// 0 to 255.
        priority: u8,
        /// [`Task::ESSENTIAL`], [`Task::NO_RESTART`], [`Task::NOT_STARTED`].
        flags: u8,
        /// What it serves and calls, for people; UTF-8, padded with zero bytes.
        summary: [u8; 48],
    }
}
record! {
    /// The memory of a guest.
    GuestSpace 8 {
        /// Page tables held ready for `GuestSpaceOp::MAP`.
        tables: u32,
        /// Zero.
        reserved: u32,
    }
}
record! {
    /// A virtual CPU. It runs on its thread's CPU.
    Vcpu 16 {
        /// Index of the only thread that may enter it. It has [`ThreadFlags::FPU`]: what is in the FPU then is the guest's.
        thread: u16,
        /// Index of the guest address space that it runs in.
        guest_space: u16,
        /// Index of the region whose first page is its `VcpuState`.
        state_region: u16,
        /// Index of the lease by which it gets the counters; it is for the thread's CPU.
        lease: u16,
        /// Zero.
        reserved: u64,
    }
}
record! {
    /// Authority over one CPU's performance counters; one at most for each CPU.
    PmuControl 8 {
        /// The CPU.
        cpu: u32,
        /// Index of the region whose first page is the CPU's `AccountingPage`.
        accounting_region: u16,
        /// Zero.
        reserved: u16,
    }
}
record! {
    /// The right of one VM to one CPU's performance counters.
    PmuLease 8 {
        /// The CPU.
        cpu: u32,
        /// Badge of the calls of the task that enters the VM's virtual CPUs there; 0: none does.
        vmm_badge: u16,
        /// Zero.
        reserved: u16,
    }
}
impl Task {
    /// Bit of [`Task::flags`]: a task that stops for good ends the system.
    pub const ESSENTIAL: u8 = 1;
    /// Bit of [`Task::flags`]: a fault stops it for good.
    pub const NO_RESTART: u8 = 2;
    /// Bit of [`Task::flags`]: the supervisor does not start it with the others.
    pub const NOT_STARTED: u8 = 4;
    /// Added to [`Task::badge`] in the badge of the task's fault messages. No capability of a task has it, so
    /// nobody can send the supervisor a fault that did not happen.
    pub const FAULT_BADGE: u64 = 1 << 16;
}
