//! From the system image to objects, once.

use core::fmt;

use sel4_sys::{CapRights, layout};
use sysdesc::{ImageError, Mapping, RegionFlags, SystemImage, ThreadFlags};

use crate::arch::boot::{Boot, OutOfMemory};
use crate::arch::context::Context;
use crate::arch::irq::{self, LineFlags};
use crate::arch::mm::{self, MapError, MapRights};
use crate::arch::timer;
use crate::arch::trap::Next;
use crate::arch::{CpuId, MAX_CPUS, vcpu};
use crate::cap::{Slot, Slots};
use crate::object::{
    CNode, CNodeId, Endpoint, EndpointId, Frame, FrameId, Id, Interrupt, Notification,
    NotificationId, Place, Pool, PortRange, Reply, SchedContext, SchedContextId, SendRights, Space,
    SpaceId, State, Thread, ThreadId,
};
use crate::sched::{Cpu, LEAST_SLICE_US};
use crate::{Kernel, boot_info};

mod guests;

/// Why the kernel cannot start. Numbers are positions in the image's tables.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BootError {
    /// The boot module is not a system image that this kernel takes.
    Image(ImageError),
    /// The machine has too little memory for the system.
    Memory,
    /// Two mappings of an address space overlap, or one lies where the root task's boot information goes.
    Mapping(usize),
    /// A thread's CPU does not run, or its scheduling context or notification is another thread's too.
    Thread(usize),
    /// The machine has no such interrupt line, or keeps it for itself.
    Interrupt(usize),
}

impl From<ImageError> for BootError {
    fn from(error: ImageError) -> Self {
        Self::Image(error)
    }
}

impl From<OutOfMemory> for BootError {
    fn from(_: OutOfMemory) -> Self {
        Self::Memory
    }
}

impl fmt::Display for BootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image(error) => error.fmt(f),
            Self::Memory => write!(f, "the machine has too little memory for the system"),
            Self::Mapping(i) => write!(
                f,
                "mapping {i} of the system image covers something that is mapped already"
            ),
            Self::Thread(i) => write!(
                f,
                "thread {i} of the system image is for a CPU that does not run, or shares its \
                 scheduling context or notification"
            ),
            Self::Interrupt(i) => write!(
                f,
                "interrupt {i} of the system image names a line that this machine does not offer"
            ),
        }
    }
}

/// How the boot information is mapped.
const READ_ONLY: MapRights = MapRights {
    write: false,
    execute: false,
};

impl Kernel {
    /// Makes every object that the system image declares. Nothing is allocated afterwards.
    ///
    /// # Errors
    /// [`BootError`]; the machine cannot be used then.
    pub fn boot(boot: &mut Boot) -> Result<Self, BootError> {
        let image = SystemImage::check(boot.image())?;
        let per_us = timer::ticks_per_us();
        let (cnodes, slots) = make_cnodes(boot, &image)?;
        let header = image.header;
        let frames = make_frames(boot, &image)?;
        let pmu_controls = guests::make_controls(boot, &image, &frames)?;
        let of_cpu: [_; MAX_CPUS] = guests::controls_by_cpu(&image);
        let mut kernel = Self {
            slots,
            cnodes,
            endpoints: Pool::new(
                boot.carve(usize::from(header.endpoints), |_| Endpoint::default())?,
            ),
            notifications: Pool::new(boot.carve(usize::from(header.notifications), |_| {
                Notification::default()
            })?),
            replies: Pool::new(boot.carve(usize::from(header.replies), |_| Reply::default())?),
            sched_contexts: Pool::new(boot.carve(image.sched_contexts.len(), |i| {
                let (budget, period) = image
                    .sched_contexts
                    .get(i)
                    .map_or((1, 1), |record| (record.budget_us, record.period_us));
                SchedContext::new(u64::from(budget) * per_us, u64::from(period) * per_us)
            })?),
            guest_spaces: guests::make_spaces(boot, &image)?,
            vcpus: guests::make_vcpus(boot, &image, &frames)?,
            pmu_leases: guests::make_leases(boot, &image)?,
            pmu_controls,
            runs_guests: vcpu::support().is_ok(),
            frames,
            spaces: make_spaces(boot, &image)?,
            threads: Pool::new(&mut []),
            interrupts: Pool::new(boot.carve(image.interrupts.len(), |i| Interrupt {
                line: image.interrupts.get(i).map_or(0, |record| record.line),
                target: None,
            })?),
            ports: Pool::new(boot.carve(image.ports.len(), |i| {
                let (first, count) = image
                    .ports
                    .get(i)
                    .map_or((0, 1), |record| (record.first, record.count));
                PortRange { first, count }
            })?),
            cpus: boot
                .carve(MAX_CPUS, |i| Cpu::new(of_cpu.get(i).copied().flatten()))?
                .first_chunk_mut()
                .ok_or(OutOfMemory)?,
            running: (boot.machine().cpus as usize).clamp(1, MAX_CPUS),
            least_slice: LEAST_SLICE_US * per_us,
            boot_info: boot.frame(1, &[])?,
            image,
            #[cfg(test)]
            fast_path: crate::FastPath::On { taken: 0 },
        };
        kernel.make_threads(boot)?;
        kernel.make_mappings(boot)?;
        kernel.configure_interrupts()?;
        for record in image.capabilities {
            kernel.install(record);
        }
        boot_info::write(&kernel.boot_info, &image, &boot.machine());
        Ok(kernel)
    }

    /// What `cpu` does first, once after [`Kernel::boot`].
    pub fn start(&mut self, cpu: CpuId) -> Next {
        boot_info::write_start(&self.boot_info, timer::now());
        self.start_counters(cpu);
        self.proceed(cpu)
    }

    fn make_threads(&mut self, boot: &mut Boot) -> Result<(), BootError> {
        let records = self.image.threads;
        let contexts = boot.carve_contexts(records.len())?;
        let staged = boot.carve(records.len(), |_| None)?;
        let all = records.iter().zip(contexts).zip(&mut *staged).enumerate();
        for (i, ((record, context), place)) in all {
            let thread = self.make_thread(i, record, context);
            *place = Some(thread.ok_or(BootError::Thread(i))?);
        }
        self.threads = Pool::new(unstage(boot, staged)?);
        for (i, record) in records.iter().enumerate() {
            let id = u16::try_from(i).ok().and_then(ThreadId::new);
            let tied = id.and_then(|id| self.tie_thread(id, record));
            tied.ok_or(BootError::Thread(i))?;
        }
        Ok(())
    }

    /// A thread by itself, stopped. `None` when its CPU does not run.
    fn make_thread(
        &self,
        number: usize,
        record: &sysdesc::Thread,
        context: &'static mut Context,
    ) -> Option<Thread> {
        let cpu = CpuId::new(record.cpu).filter(|cpu| cpu.index() < self.running)?;
        context.set_space(&self.spaces[SpaceId::new(record.address_space)?].tables);
        context.set_fpu(record.flags & ThreadFlags::FPU != 0);
        let buffer = FrameId::new(record.ipc_buffer_region).and_then(|frame| {
            let memory = &self.frames[frame].memory;
            memory.page(u32::from(record.ipc_buffer_page))
        });
        Some(Thread {
            context,
            badge: 0,
            cspace: self.cnodes[CNodeId::new(record.cnode)?],
            blocked_slot: None,
            endpoint: None,
            waits_for: None,
            reply: None,
            sched_context: None,
            next: None,
            prev: None,
            notification: None,
            state: State::Stopped,
            place: Place::Nowhere,
            priority: record.priority,
            cpu,
            rights: SendRights::NONE,
            guest: None,
            fault: None,
            buffer,
            home: None,
            fault_endpoint: EndpointId::new(record.fault_endpoint),
            fault_badge: record.fault_badge,
            wake_at: 0,
            generation: 0,
            number: u16::try_from(number).ok()?,
            max_priority: record.max_priority,
        })
    }

    /// Ties a thread to its scheduling context and notification, and starts it if it is to be.
    /// `None` when those are another thread's.
    fn tie_thread(&mut self, id: ThreadId, record: &sysdesc::Thread) -> Option<()> {
        if let Some(context) = SchedContextId::new(record.sched_context) {
            if self.sched_contexts[context].home.replace(id).is_some() {
                return None;
            }
            self.threads[id].home = Some(context);
            self.hand_over(context, id);
        }
        if let Some(notification) = NotificationId::new(record.notification) {
            if self.notifications[notification].bound.replace(id).is_some() {
                return None;
            }
            self.threads[id].notification = Some(notification);
        }
        self.start_registers(id);
        if record.flags & ThreadFlags::START != 0 {
            self.set_runnable(id);
        }
        Some(())
    }

    /// Gives a stopped thread back the priority, scheduling context with budget and notification that the system image
    /// declares, as far as no other thread has them by now.
    pub(crate) fn restore_ties(&mut self, id: ThreadId) {
        let number = usize::from(self.threads[id].number);
        let Some(record) = self.image.threads.get(number) else {
            return;
        };
        self.threads[id].priority = record.priority;
        if let Some(context) = SchedContextId::new(record.sched_context)
            && self.threads[id].home.is_none()
            && self.sched_contexts[context].home.is_none()
        {
            self.sched_contexts[context].home = Some(id);
            self.threads[id].home = Some(context);
            self.hand_over(context, id);
        }
        if let Some(context) = SchedContextId::new(record.sched_context)
            && self.sched_contexts[context].home == Some(id)
        {
            self.restore_budget(context);
        }
        if let Some(notification) = NotificationId::new(record.notification)
            && self.notifications[notification].bound.is_none()
        {
            if let Some(other) = self.threads[id].notification.replace(notification) {
                self.notifications[other].bound = None;
            }
            self.notifications[notification].bound = Some(id);
        }
    }

    /// Sets a thread's registers as they are when it starts: `rdi` is the address of its IPC buffer, `rsi` that of the
    /// boot information (0 but in the root task), `rdx` how often it was reset.
    pub(crate) fn start_registers(&mut self, id: ThreadId) {
        let thread = &mut self.threads[id];
        let Some(record) = self.image.threads.get(usize::from(thread.number)) else {
            return;
        };
        let boot_info = if self.image.header.root_thread == thread.number {
            layout::BOOT_INFO
        } else {
            0
        };
        let arguments = [record.ipc_buffer, boot_info, thread.generation];
        thread.context.start(record.entry, record.stack, arguments);
    }

    fn make_mappings(&mut self, boot: &mut Boot) -> Result<(), BootError> {
        for (i, mapping) in self.image.mappings.iter().enumerate() {
            let (Some(space), Some(frame)) = (
                SpaceId::new(mapping.address_space),
                FrameId::new(mapping.region),
            ) else {
                return Err(BootError::Mapping(i));
            };
            let tables = &mut self.spaces[space].tables;
            let memory = &self.frames[frame].memory;
            for (address, page) in pages_of(mapping) {
                boot.map(tables, address, memory, page, rights_of(mapping))
                    .map_err(|error| mapping_error(error, i))?;
            }
        }
        if let Some(space) = self.root_space() {
            let tables = &mut self.spaces[space].tables;
            boot.map(tables, layout::BOOT_INFO, &self.boot_info, 0, READ_ONLY)
                .map_err(|error| mapping_error(error, self.image.mappings.len()))?;
        }
        for space in self.spaces.iter_mut() {
            boot.add_tables(&mut space.tables, space.spare_tables)?;
        }
        Ok(())
    }

    fn root_space(&self) -> Option<SpaceId> {
        let root = usize::from(self.image.header.root_thread);
        SpaceId::new(self.image.threads.get(root)?.address_space)
    }

    /// Makes the mappings of an address space what the image declares.
    ///
    /// Its reserve had room for them when the system started, and clearing gives all tables back, so nothing can fail.
    pub(crate) fn reset_space(&mut self, id: SpaceId) {
        let is_root = self.root_space() == Some(id);
        let tables = &mut self.spaces[id].tables;
        tables.clear();
        for mapping in self.image.mappings {
            if usize::from(mapping.address_space) != id.index() {
                continue;
            }
            if let Some(frame) = FrameId::new(mapping.region) {
                let memory = &self.frames[frame].memory;
                for (address, page) in pages_of(mapping) {
                    let mapped = tables.map(address, memory, page, rights_of(mapping));
                    debug_assert_eq!(mapped, Ok(()), "a mapping that existed at boot");
                }
            }
        }
        if is_root {
            let mapped = tables.map(layout::BOOT_INFO, &self.boot_info, 0, READ_ONLY);
            debug_assert_eq!(mapped, Ok(()), "a mapping that existed at boot");
        }
    }

    fn configure_interrupts(&self) -> Result<(), BootError> {
        for (i, record) in self.image.interrupts.iter().enumerate() {
            let flags = LineFlags {
                level: record.flags & 1 != 0,
                active_low: record.flags & 2 != 0,
            };
            irq::configure(record.line, flags).map_err(|_| BootError::Interrupt(i))?;
        }
        Ok(())
    }
}

fn mapping_error(error: MapError, i: usize) -> BootError {
    match error {
        MapError::Occupied => BootError::Mapping(i),
        MapError::NoTable => BootError::Memory,
    }
}

/// Addresses and pages of a mapping.
fn pages_of(mapping: &Mapping) -> impl Iterator<Item = (u64, u32)> + use<> {
    let Mapping {
        address,
        first_page,
        ..
    } = *mapping;
    (0..mapping.pages).map(move |n| (address + u64::from(n) * sysdesc::PAGE, first_page + n))
}

fn rights_of(mapping: &Mapping) -> MapRights {
    MapRights {
        write: mapping.rights & u32::from(CapRights::WRITE.bits()) != 0,
        execute: mapping.rights & Mapping::EXECUTE != 0,
    }
}

fn make_cnodes(
    boot: &mut Boot,
    image: &SystemImage<'_>,
) -> Result<(Pool<CNodeId, CNode>, Slots), BootError> {
    let mut base = 0;
    let cnodes = boot.carve(image.cnodes.len(), |i| {
        let slots = image.cnodes.get(i).map_or(0, |record| record.slots);
        let cnode = CNode { base, slots };
        base += slots;
        cnode
    })?;
    let slots = boot.carve(base as usize, |_| Slot::default())?;
    Ok((Pool::new(cnodes), Slots::new(slots)))
}

fn make_frames(
    boot: &mut Boot,
    image: &SystemImage<'_>,
) -> Result<Pool<FrameId, Frame>, BootError> {
    let staged = boot.carve(image.regions.len(), |_| None)?;
    for ((i, record), place) in (0..).zip(image.regions).zip(&mut *staged) {
        let memory: mm::Frame = if record.flags & RegionFlags::DEVICE != 0 {
            boot.device_frame(record.physical, record.pages)?
        } else {
            boot.frame(record.pages, image.contents(record))?
        };
        *place = Some(Frame { memory, region: i });
    }
    Ok(Pool::new(unstage(boot, staged)?))
}

fn make_spaces(
    boot: &mut Boot,
    image: &SystemImage<'_>,
) -> Result<Pool<SpaceId, Space>, BootError> {
    let staged = boot.carve(image.address_spaces.len(), |_| None)?;
    for (record, place) in image.address_spaces.iter().zip(&mut *staged) {
        *place = Some(Space {
            tables: boot.address_space()?,
            spare_tables: record.spare_tables,
        });
    }
    Ok(Pool::new(unstage(boot, staged)?))
}

/// Objects whose making needs memory itself, or can fail, are made one by one and brought together here.
fn unstage<T>(boot: &mut Boot, staged: &mut [Option<T>]) -> Result<&'static mut [T], BootError> {
    let mut made = staged.iter_mut().filter_map(Option::take);
    let count = made.size_hint().1.unwrap_or(0);
    Ok(boot.carve(count, |_| {
        made.next().expect("every place was filled before")
    })?)
}
