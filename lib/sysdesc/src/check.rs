//! Turns bytes into an image whose every number is known to be good.

use core::fmt;

use sel4_sys::{CapRights, ObjectKind};
use zerocopy::{FromBytes, Immutable, KnownLayout};

use crate::record::{
    AddressSpace, CNode, Capability, GuestSpace, Header, IMAGE_MAGIC, IMAGE_VERSION, Interrupt,
    Mapping, PAGE, PmuControl, PmuLease, Port, Region, RegionFlags, SchedContext, Table, Task,
    Thread, ThreadFlags, Vcpu, table,
};
use crate::{NO_PARENT, NONE, USER_END, checksum};

/// Why bytes are not an image. The index is that of the record at fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ImageError {
    /// Shorter than its header or than the header says, or not aligned to 8 bytes.
    Truncated,
    /// Not a system image at all.
    Magic,
    /// Made by another version of `xtask dist`.
    Version(u32),
    /// The bytes changed after they were written.
    Checksum,
    /// A table lies outside the image.
    Table(usize),
    /// A region's size, contents or address.
    Region(usize),
    /// A mapping's address, index or rights.
    Mapping(usize),
    /// A CNode's size.
    CNode(usize),
    /// A thread's index, address or alignment.
    Thread(usize),
    /// A scheduling context's budget or period.
    SchedContext(usize),
    /// A port range that wraps or is empty.
    Port(usize),
    /// A virtual CPU's thread, memory, page or lease.
    Vcpu(usize),
    /// A CPU that has two controls of its counters, or a control's page.
    PmuControl(usize),
    /// A capability's kind, object, place or parent.
    Capability(usize),
    /// The root thread does not exist.
    Root,
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => write!(f, "the system image is truncated or misaligned"),
            Self::Magic => write!(f, "the boot module is not a system image"),
            Self::Version(v) => {
                write!(
                    f,
                    "the system image has version {v}, this kernel wants {IMAGE_VERSION}"
                )
            }
            Self::Checksum => write!(
                f,
                "the system image is damaged: its checksum does not match"
            ),
            Self::Table(i) => write!(f, "table {i} of the system image lies outside it"),
            Self::Region(i) => write!(f, "region {i} of the system image is malformed"),
            Self::Mapping(i) => write!(f, "mapping {i} of the system image is malformed"),
            Self::CNode(i) => write!(f, "CNode {i} of the system image is malformed"),
            Self::Thread(i) => write!(f, "thread {i} of the system image is malformed"),
            Self::SchedContext(i) => {
                write!(f, "scheduling context {i} of the system image is malformed")
            }
            Self::Port(i) => write!(f, "port range {i} of the system image is malformed"),
            Self::Vcpu(i) => write!(f, "virtual CPU {i} of the system image is malformed"),
            Self::PmuControl(i) => {
                write!(f, "PMU control {i} of the system image is malformed")
            }
            Self::Capability(i) => write!(f, "capability {i} of the system image is malformed"),
            Self::Root => write!(f, "the system image names no root thread"),
        }
    }
}

/// A checked image. Existing means: every index is in range, every address is a user address, every
/// right is known; see [`SystemImage::check`].
#[derive(Clone, Copy, Debug)]
pub struct SystemImage<'a> {
    bytes: &'a [u8],
    /// The header.
    pub header: &'a Header,
    /// Frame objects.
    pub regions: &'a [Region],
    /// What is mapped where.
    pub mappings: &'a [Mapping],
    /// Address spaces.
    pub address_spaces: &'a [AddressSpace],
    /// CNodes.
    pub cnodes: &'a [CNode],
    /// Threads.
    pub threads: &'a [Thread],
    /// Scheduling contexts.
    pub sched_contexts: &'a [SchedContext],
    /// Interrupt lines.
    pub interrupts: &'a [Interrupt],
    /// I/O port ranges.
    pub ports: &'a [Port],
    /// First contents of the CNodes. Parents come before their children.
    pub capabilities: &'a [Capability],
    /// For the supervisor.
    pub tasks: &'a [Task],
    /// Memory of guests.
    pub guest_spaces: &'a [GuestSpace],
    /// Virtual CPUs.
    pub vcpus: &'a [Vcpu],
    /// Authorities over CPUs' counters.
    pub pmu_controls: &'a [PmuControl],
    /// Rights of VMs to counters.
    pub pmu_leases: &'a [PmuLease],
}

impl<'a> SystemImage<'a> {
    /// Checks everything that the kernel relies on.
    ///
    /// # Errors
    /// The first thing found wrong, as an [`ImageError`].
    pub fn check(bytes: &'a [u8]) -> Result<Self, ImageError> {
        let (header, after) = Header::ref_from_prefix(bytes).map_err(|_| ImageError::Truncated)?;
        if header.magic != IMAGE_MAGIC {
            return Err(ImageError::Magic);
        }
        if header.version != IMAGE_VERSION {
            return Err(ImageError::Version(header.version));
        }
        let body = (header.length as usize)
            .checked_sub(size_of::<Header>())
            .and_then(|length| after.get(..length))
            .ok_or(ImageError::Truncated)?;
        if checksum(body) != header.checksum {
            return Err(ImageError::Checksum);
        }
        let bytes = bytes
            .get(..header.length as usize)
            .ok_or(ImageError::Truncated)?;
        let image = Self {
            bytes,
            header,
            regions: records(bytes, header, table::REGIONS)?,
            mappings: records(bytes, header, table::MAPPINGS)?,
            address_spaces: records(bytes, header, table::ADDRESS_SPACES)?,
            cnodes: records(bytes, header, table::CNODES)?,
            threads: records(bytes, header, table::THREADS)?,
            sched_contexts: records(bytes, header, table::SCHED_CONTEXTS)?,
            interrupts: records(bytes, header, table::INTERRUPTS)?,
            ports: records(bytes, header, table::PORTS)?,
            capabilities: records(bytes, header, table::CAPABILITIES)?,
            tasks: records(bytes, header, table::TASKS)?,
            guest_spaces: records(bytes, header, table::GUEST_SPACES)?,
            vcpus: records(bytes, header, table::VCPUS)?,
            pmu_controls: records(bytes, header, table::PMU_CONTROLS)?,
            pmu_leases: records(bytes, header, table::PMU_LEASES)?,
        };
        image.check_records()?;
        Ok(image)
    }

    /// First contents of a region.
    #[must_use]
    pub fn contents(&self, region: &Region) -> &'a [u8] {
        let start = region.data_offset as usize;
        self.bytes
            .get(start..start + region.data_length as usize)
            .unwrap_or(&[])
    }

    /// Objects of `kind` that the image declares.
    #[must_use]
    pub fn count(&self, kind: ObjectKind) -> usize {
        match kind {
            ObjectKind::CNode => self.cnodes.len(),
            ObjectKind::Thread => self.threads.len(),
            ObjectKind::Endpoint => usize::from(self.header.endpoints),
            ObjectKind::Notification => usize::from(self.header.notifications),
            ObjectKind::Reply => usize::from(self.header.replies),
            ObjectKind::SchedContext => self.sched_contexts.len(),
            ObjectKind::Frame => self.regions.len(),
            ObjectKind::AddressSpace => self.address_spaces.len(),
            ObjectKind::Interrupt => self.interrupts.len(),
            ObjectKind::Port => self.ports.len(),
            ObjectKind::GuestSpace => self.guest_spaces.len(),
            ObjectKind::Vcpu => self.vcpus.len(),
            ObjectKind::PmuControl => self.pmu_controls.len(),
            ObjectKind::PmuLease => self.pmu_leases.len(),
        }
    }

    fn check_records(&self) -> Result<(), ImageError> {
        first_bad(self.regions, |r| self.region_is_good(r))
            .map_or(Ok(()), |i| Err(ImageError::Region(i)))?;
        first_bad(self.mappings, |m| self.mapping_is_good(m))
            .map_or(Ok(()), |i| Err(ImageError::Mapping(i)))?;
        first_bad(self.cnodes, |c| (1..=1 << 16).contains(&c.slots))
            .map_or(Ok(()), |i| Err(ImageError::CNode(i)))?;
        first_bad(self.threads, |t| self.thread_is_good(t))
            .map_or(Ok(()), |i| Err(ImageError::Thread(i)))?;
        first_bad(self.sched_contexts, |s| {
            s.budget_us >= 10 && s.period_us >= s.budget_us
        })
        .map_or(Ok(()), |i| Err(ImageError::SchedContext(i)))?;
        first_bad(self.ports, |p| {
            p.count > 0 && u32::from(p.first) + u32::from(p.count) <= 1 << 16
        })
        .map_or(Ok(()), |i| Err(ImageError::Port(i)))?;
        first_bad(self.vcpus, |v| self.vcpu_is_good(v))
            .map_or(Ok(()), |i| Err(ImageError::Vcpu(i)))?;
        for (i, control) in self.pmu_controls.iter().enumerate() {
            let others = self.pmu_controls.get(..i).unwrap_or(&[]);
            if !self.is_memory(control.accounting_region)
                || others.iter().any(|other| other.cpu == control.cpu)
            {
                return Err(ImageError::PmuControl(i));
            }
        }
        for (i, capability) in self.capabilities.iter().enumerate() {
            if !self.capability_is_good(i, capability) {
                return Err(ImageError::Capability(i));
            }
        }
        if usize::from(self.header.root_thread) < self.threads.len() {
            Ok(())
        } else {
            Err(ImageError::Root)
        }
    }

    fn region_is_good(&self, region: &Region) -> bool {
        let size = u64::from(region.pages) * PAGE;
        let end = u64::from(region.data_offset) + u64::from(region.data_length);
        let device = region.flags & RegionFlags::DEVICE != 0;
        region.pages > 0
            && region.flags & !RegionFlags::DEVICE == 0
            && u64::from(region.data_length) <= size
            && end <= self.bytes.len() as u64
            && region.physical.is_multiple_of(PAGE)
            && region
                .physical
                .checked_add(size)
                .is_some_and(|end| end < 1 << 52)
            && device == (region.physical != 0)
            && !(device && region.data_length > 0)
    }

    fn mapping_is_good(&self, mapping: &Mapping) -> bool {
        let read_write = u32::from((CapRights::READ | CapRights::WRITE).bits());
        let both = u32::from(CapRights::WRITE.bits()) | Mapping::EXECUTE;
        let bytes = u64::from(mapping.pages) * PAGE;
        mapping.pages > 0
            && mapping.address.is_multiple_of(PAGE)
            && mapping.address >= PAGE
            && mapping
                .address
                .checked_add(bytes)
                .is_some_and(|end| end <= USER_END)
            && usize::from(mapping.address_space) < self.address_spaces.len()
            && mapping.rights & !(read_write | Mapping::EXECUTE) == 0
            && mapping.rights & both != both
            && self
                .regions
                .get(usize::from(mapping.region))
                .is_some_and(|region| {
                    mapping
                        .first_page
                        .checked_add(mapping.pages)
                        .is_some_and(|end| end <= region.pages)
                })
    }

    fn thread_is_good(&self, thread: &Thread) -> bool {
        let optional = |index: u16, kind| index == NONE || usize::from(index) < self.count(kind);
        let buffer_is_good = if thread.ipc_buffer == 0 {
            thread.ipc_buffer_region == NONE
        } else {
            thread.ipc_buffer.is_multiple_of(PAGE)
                && thread.ipc_buffer < USER_END
                && self
                    .regions
                    .get(usize::from(thread.ipc_buffer_region))
                    .is_some_and(|region| {
                        u32::from(thread.ipc_buffer_page) < region.pages
                            && region.flags & RegionFlags::DEVICE == 0
                    })
        };
        buffer_is_good
            && thread.entry < USER_END
            && thread.stack <= USER_END
            && thread.stack.is_multiple_of(16)
            && usize::from(thread.address_space) < self.address_spaces.len()
            && usize::from(thread.cnode) < self.cnodes.len()
            && optional(thread.sched_context, ObjectKind::SchedContext)
            && optional(thread.fault_endpoint, ObjectKind::Endpoint)
            && optional(thread.notification, ObjectKind::Notification)
    }

    /// The VMM writes the page, and so does the kernel: two virtual CPUs never share one.
    fn vcpu_is_good(&self, vcpu: &Vcpu) -> bool {
        let shares = |other: &&Vcpu| other.state_region == vcpu.state_region;
        let thread = self.threads.get(usize::from(vcpu.thread));
        let lease = self.pmu_leases.get(usize::from(vcpu.lease));
        usize::from(vcpu.guest_space) < self.guest_spaces.len()
            && self.is_memory(vcpu.state_region)
            && self.vcpus.iter().filter(shares).count() == 1
            && thread.is_some_and(|thread| {
                thread.flags & ThreadFlags::FPU != 0
                    && lease.is_some_and(|lease| lease.cpu == thread.cpu)
            })
    }

    /// Whether the kernel can read and write the region's pages.
    fn is_memory(&self, region: u16) -> bool {
        let region = self.regions.get(usize::from(region));
        region.is_some_and(|region| region.flags & RegionFlags::DEVICE == 0)
    }

    fn capability_is_good(&self, position: usize, capability: &Capability) -> bool {
        let Some(kind) = ObjectKind::from_number(capability.kind) else {
            return false;
        };
        let parent_is_good = capability.parent == NO_PARENT
            || (capability.parent as usize) < position
                && self
                    .capabilities
                    .get(capability.parent as usize)
                    .is_some_and(|parent| {
                        parent.kind == capability.kind
                            && parent.object == capability.object
                            && capability.rights & !parent.rights == 0
                    });
        let badge_is_good = capability.badge == 0
            || matches!(kind, ObjectKind::Endpoint | ObjectKind::Notification);
        parent_is_good
            && badge_is_good
            && CapRights::from_bits(capability.rights).is_some()
            && usize::from(capability.object) < self.count(kind)
            && capability.slot != 0
            && self
                .cnodes
                .get(usize::from(capability.cnode))
                .is_some_and(|cnode| u32::from(capability.slot) < cnode.slots)
    }
}

fn first_bad<T>(records: &[T], is_good: impl Fn(&T) -> bool) -> Option<usize> {
    records.iter().position(|record| !is_good(record))
}

fn records<'a, T: FromBytes + KnownLayout + Immutable>(
    bytes: &'a [u8],
    header: &Header,
    which: usize,
) -> Result<&'a [T], ImageError> {
    let wrong = ImageError::Table(which);
    let Table { offset, count } = *header.tables.get(which).ok_or(wrong)?;
    if count > u32::from(u16::MAX) && which != table::CAPABILITIES {
        return Err(wrong);
    }
    let rest = bytes.get(offset as usize..).ok_or(wrong)?;
    <[T]>::ref_from_prefix_with_elems(rest, count as usize)
        .map(|(records, _)| records)
        .map_err(|_| wrong)
}

#[cfg(test)]
mod tests;
