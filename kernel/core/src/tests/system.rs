//! Small systems for tests: whole tasks, and capabilities where a test wants them.

use sel4_sys::{CapRights, ObjectKind, slot};
use sysdesc::{
    AddressSpace, CNode, Capability, GuestSpace, Header, IMAGE_MAGIC, IMAGE_VERSION, Interrupt,
    Mapping, NO_PARENT, NONE, Name, PAGE, PmuControl, PmuLease, Port, Region, SchedContext, TABLES,
    Table, Task, Thread, ThreadFlags, Vcpu, checksum,
};
use zerocopy::IntoBytes;

/// Slots of each task's CNode.
pub(super) const SLOTS: u32 = 64;
/// Where a task's IPC buffer is mapped.
pub(super) const BUFFER: u64 = 0x40_0000;
/// Where a task's code would be.
pub(super) const ENTRY: u64 = 0x20_0000;

/// A system image in the making.
pub(super) struct System {
    pub(super) regions: Vec<Region>,
    pub(super) mappings: Vec<Mapping>,
    pub(super) address_spaces: Vec<AddressSpace>,
    pub(super) cnodes: Vec<CNode>,
    pub(super) threads: Vec<Thread>,
    pub(super) sched_contexts: Vec<SchedContext>,
    pub(super) interrupts: Vec<Interrupt>,
    pub(super) ports: Vec<Port>,
    pub(super) capabilities: Vec<Capability>,
    pub(super) guest_spaces: Vec<GuestSpace>,
    pub(super) vcpus: Vec<Vcpu>,
    pub(super) pmu_controls: Vec<PmuControl>,
    pub(super) pmu_leases: Vec<PmuLease>,
    pub(super) endpoints: u16,
    pub(super) notifications: u16,
    pub(super) replies: u16,
}

/// A number of a thread, endpoint and so on, in the order of making.
pub(super) type Number = u16;

impl System {
    pub(super) fn new() -> Self {
        Self {
            regions: Vec::new(),
            mappings: Vec::new(),
            address_spaces: Vec::new(),
            cnodes: Vec::new(),
            threads: Vec::new(),
            sched_contexts: Vec::new(),
            interrupts: Vec::new(),
            ports: Vec::new(),
            capabilities: Vec::new(),
            guest_spaces: Vec::new(),
            vcpus: Vec::new(),
            pmu_controls: Vec::new(),
            pmu_leases: Vec::new(),
            endpoints: 0,
            notifications: 0,
            replies: 0,
        }
    }

    /// A task with a CNode, an address space, an IPC buffer, a notification, a reply object and a round-robin slice of 1 ms.
    pub(super) fn task(&mut self, priority: u8) -> Number {
        let context = self.sched_context(1000, 1000);
        self.task_on(priority, Some(context))
    }

    /// A task without a scheduling context.
    pub(super) fn passive_task(&mut self, priority: u8) -> Number {
        self.task_on(priority, None)
    }

    /// A task that runs on this scheduling context.
    pub(super) fn task_on(&mut self, priority: u8, context: Option<Number>) -> Number {
        let number = number(self.threads.len());
        self.regions.push(Region {
            pages: 2,
            flags: 0,
            data_offset: 0,
            data_length: 0,
            physical: 0,
        });
        self.mappings.push(Mapping {
            address: BUFFER,
            address_space: number,
            region: number,
            first_page: 1,
            pages: 1,
            rights: 3,
        });
        self.address_spaces.push(AddressSpace {
            spare_tables: 4,
            reserved: 0,
        });
        self.cnodes.push(CNode {
            slots: SLOTS,
            reserved: 0,
        });
        let notification = self.notification();
        self.threads.push(Thread {
            name: Name::new(&format!("task-{number}")).unwrap(),
            entry: ENTRY,
            stack: 0x30_0000,
            ipc_buffer: BUFFER,
            fault_badge: 100 + u64::from(number),
            ipc_buffer_region: number,
            ipc_buffer_page: 1,
            address_space: number,
            cnode: number,
            sched_context: context.unwrap_or(NONE),
            fault_endpoint: NONE,
            notification,
            priority,
            max_priority: 100,
            flags: ThreadFlags::START,
            cpu: 0,
            reserved: 0,
        });
        let reply = self.reply();
        self.give(number, slot::THREAD, ObjectKind::Thread, number);
        self.give(number, slot::CNODE, ObjectKind::CNode, number);
        self.give(
            number,
            slot::ADDRESS_SPACE,
            ObjectKind::AddressSpace,
            number,
        );
        self.give(number, slot::REPLY, ObjectKind::Reply, reply);
        if let Some(context) = context {
            self.give(
                number,
                slot::SCHED_CONTEXT,
                ObjectKind::SchedContext,
                context,
            );
        }
        self.give(
            number,
            slot::NOTIFICATION,
            ObjectKind::Notification,
            notification,
        );
        number
    }

    pub(super) fn sched_context(&mut self, budget_us: u32, period_us: u32) -> Number {
        self.sched_contexts.push(SchedContext {
            budget_us,
            period_us,
        });
        number(self.sched_contexts.len() - 1)
    }

    pub(super) fn endpoint(&mut self) -> Number {
        self.endpoints += 1;
        self.endpoints - 1
    }

    pub(super) fn notification(&mut self) -> Number {
        self.notifications += 1;
        self.notifications - 1
    }

    pub(super) fn reply(&mut self) -> Number {
        self.replies += 1;
        self.replies - 1
    }

    /// A capability with all rights and no badge.
    pub(super) fn give(&mut self, task: Number, at: u64, kind: ObjectKind, object: Number) -> u32 {
        self.give_with(task, at, kind, object, CapRights::all(), 0)
    }

    pub(super) fn give_with(
        &mut self,
        task: Number,
        at: u64,
        kind: ObjectKind,
        object: Number,
        rights: CapRights,
        badge: u64,
    ) -> u32 {
        self.capabilities.push(Capability {
            badge,
            parent: NO_PARENT,
            cnode: task,
            slot: u16::try_from(at).unwrap(),
            object,
            kind: kind as u8,
            rights: rights.bits(),
            reserved: 0,
        });
        u32::try_from(self.capabilities.len() - 1).unwrap()
    }

    /// A capability derived from another one.
    pub(super) fn derive(&mut self, parent: u32, task: Number, at: u64, badge: u64) {
        let record = self.capabilities[parent as usize];
        self.capabilities.push(Capability {
            badge,
            parent,
            cnode: task,
            slot: u16::try_from(at).unwrap(),
            ..record
        });
    }

    /// The image's bytes.
    pub(super) fn image(&self) -> Vec<u8> {
        let mut body = Vec::new();
        let tables: [(&[u8], usize); TABLES] = [
            (self.regions.as_bytes(), self.regions.len()),
            (self.mappings.as_bytes(), self.mappings.len()),
            (self.address_spaces.as_bytes(), self.address_spaces.len()),
            (self.cnodes.as_bytes(), self.cnodes.len()),
            (self.threads.as_bytes(), self.threads.len()),
            (self.sched_contexts.as_bytes(), self.sched_contexts.len()),
            (self.interrupts.as_bytes(), self.interrupts.len()),
            (self.ports.as_bytes(), self.ports.len()),
            (self.capabilities.as_bytes(), self.capabilities.len()),
            (<[Task]>::as_bytes(&[]), 0),
            (self.guest_spaces.as_bytes(), self.guest_spaces.len()),
            (self.vcpus.as_bytes(), self.vcpus.len()),
            (self.pmu_controls.as_bytes(), self.pmu_controls.len()),
            (self.pmu_leases.as_bytes(), self.pmu_leases.len()),
        ];
        let tables = tables.map(|(bytes, count)| {
            let offset = u32::try_from(size_of::<Header>() + body.len()).unwrap();
            body.extend_from_slice(bytes);
            let count = u32::try_from(count).unwrap();
            Table { offset, count }
        });
        let header = Header {
            magic: IMAGE_MAGIC,
            version: IMAGE_VERSION,
            length: u32::try_from(size_of::<Header>() + body.len()).unwrap(),
            checksum: checksum(&body),
            endpoints: self.endpoints,
            notifications: self.notifications,
            replies: self.replies,
            root_thread: 0,
            system: Name::new("test").unwrap(),
            tables,
            reserved2: [0; 2],
        };
        let mut bytes = header.as_bytes().to_vec();
        bytes.extend_from_slice(&body);
        bytes
    }
}

const _: () = assert!(BUFFER.is_multiple_of(PAGE));

fn number(count: usize) -> Number {
    u16::try_from(count).unwrap()
}

/// Slots of what a VMM has.
pub(super) mod vmm_slot {
    pub(in crate::tests) const VCPU: u64 = 48;
    pub(in crate::tests) const SPACE: u64 = 49;
    pub(in crate::tests) const LEASE: u64 = 50;
}

impl System {
    /// A region of memory that no task maps.
    pub(super) fn frame(&mut self, pages: u32) -> Number {
        self.regions.push(Region {
            pages,
            flags: 0,
            data_offset: 0,
            data_length: 0,
            physical: 0,
        });
        number(self.regions.len() - 1)
    }

    /// Makes a task a VMM: a guest with memory, a virtual CPU and a lease of its own.
    pub(super) fn guest(&mut self, task: Number) {
        let state_region = self.frame(1);
        self.threads[usize::from(task)].flags |= ThreadFlags::FPU;
        self.guest_spaces.push(GuestSpace {
            tables: 8,
            reserved: 0,
        });
        self.pmu_leases.push(PmuLease {
            cpu: 0,
            vmm_badge: task,
            reserved: 0,
        });
        let space = number(self.guest_spaces.len() - 1);
        let lease = number(self.pmu_leases.len() - 1);
        let vcpu = number(self.vcpus.len());
        self.vcpus.push(Vcpu {
            thread: task,
            guest_space: space,
            state_region,
            lease,
            reserved: 0,
        });
        self.give(task, vmm_slot::VCPU, ObjectKind::Vcpu, vcpu);
        self.give(task, vmm_slot::SPACE, ObjectKind::GuestSpace, space);
        self.give(task, vmm_slot::LEASE, ObjectKind::PmuLease, lease);
    }

    /// Authority over the counters of the CPU.
    pub(super) fn control(&mut self) -> Number {
        let accounting_region = self.frame(1);
        self.pmu_controls.push(PmuControl {
            cpu: 0,
            accounting_region,
            reserved: 0,
        });
        number(self.pmu_controls.len() - 1)
    }
}
