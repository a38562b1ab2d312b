//! Lays the tables and the memory contents out as the bytes of an image.

use sysdesc::{
    Header, IMAGE_MAGIC, IMAGE_VERSION, PAGE, Region, RegionFlags, TABLES, Table, table,
};
use zerocopy::{FromZeros as _, Immutable, IntoBytes};

use super::objects::{Memory, Plan};

/// The bytes of the image.
pub(crate) fn image(plan: &Plan) -> anyhow::Result<Vec<u8>> {
    let mut regions: Vec<Region> = plan.regions.iter().map(region).collect();
    let mut offset = size_of::<Header>();
    // In the order of their numbers, which is that of `table`.
    let counts: [(usize, usize, usize); TABLES] = [
        extent(table::REGIONS, &regions),
        extent(table::MAPPINGS, &plan.mappings),
        extent(table::ADDRESS_SPACES, &plan.address_spaces),
        extent(table::CNODES, &plan.cnodes),
        extent(table::THREADS, &plan.threads),
        extent(table::SCHED_CONTEXTS, &plan.sched_contexts),
        extent(table::INTERRUPTS, &plan.interrupts),
        extent(table::PORTS, &plan.ports),
        extent(table::CAPABILITIES, &plan.capabilities),
        extent(table::TASKS, &plan.tasks),
        extent(table::GUEST_SPACES, &plan.guest_spaces),
        extent(table::VCPUS, &plan.vcpus),
        extent(table::PMU_CONTROLS, &plan.pmu_controls),
        extent(table::PMU_LEASES, &plan.pmu_leases),
    ];
    let mut tables = [Table::new_zeroed(); TABLES];
    for (which, count, bytes) in counts {
        if let Some(table) = tables.get_mut(which) {
            *table = Table {
                offset: u32::try_from(offset)?,
                count: u32::try_from(count)?,
            };
        }
        offset += bytes;
    }
    let data = place_data(&mut regions, plan, offset)?;
    let mut body = Vec::new();
    append(&mut body, &regions);
    append(&mut body, &plan.mappings);
    append(&mut body, &plan.address_spaces);
    append(&mut body, &plan.cnodes);
    append(&mut body, &plan.threads);
    append(&mut body, &plan.sched_contexts);
    append(&mut body, &plan.interrupts);
    append(&mut body, &plan.ports);
    append(&mut body, &plan.capabilities);
    append(&mut body, &plan.tasks);
    append(&mut body, &plan.guest_spaces);
    append(&mut body, &plan.vcpus);
    append(&mut body, &plan.pmu_controls);
    append(&mut body, &plan.pmu_leases);
    for (at, bytes) in data {
        body.resize(at - size_of::<Header>(), 0);
        body.extend(bytes);
    }
    body.resize(body.len().next_multiple_of(8), 0);
    let header = Header {
        magic: IMAGE_MAGIC,
        version: IMAGE_VERSION,
        length: u32::try_from(size_of::<Header>() + body.len())?,
        checksum: sysdesc::checksum(&body),
        endpoints: plan.endpoints,
        notifications: plan.notifications,
        replies: plan.replies,
        root_thread: plan.root_thread,
        system: plan.system,
        tables,
        reserved2: [0; 2],
    };
    let mut bytes = header.as_bytes().to_vec();
    bytes.append(&mut body);
    Ok(bytes)
}

fn region(memory: &Memory) -> Region {
    Region {
        pages: memory.pages,
        flags: if memory.device == 0 {
            0
        } else {
            RegionFlags::DEVICE
        },
        data_offset: 0,
        data_length: 0,
        physical: memory.device,
    }
}

/// A table's number, its records and its bytes.
fn extent<T>(which: usize, records: &[T]) -> (usize, usize, usize) {
    (which, records.len(), size_of_val(records))
}

fn append<T: IntoBytes + Immutable>(body: &mut Vec<u8>, records: &[T]) {
    body.extend(records.as_bytes());
}

/// Gives each region's contents a place behind the tables, each on a page of its own.
///
/// Zeros at the end of contents are left out: memory without contents is zero anyway.
fn place_data<'a>(
    regions: &mut [Region],
    plan: &'a Plan,
    tables_end: usize,
) -> anyhow::Result<Vec<(usize, &'a [u8])>> {
    let page = usize::try_from(PAGE)?;
    let mut offset = tables_end;
    let mut placed = Vec::new();
    for (region, memory) in regions.iter_mut().zip(&plan.regions) {
        let length = memory
            .data
            .iter()
            .rposition(|&byte| byte != 0)
            .map_or(0, |last| last + 1);
        if length == 0 {
            continue;
        }
        let data = memory.data.get(..length).unwrap_or_default();
        offset = offset.next_multiple_of(page);
        region.data_offset = u32::try_from(offset)?;
        region.data_length = u32::try_from(length)?;
        placed.push((offset, data));
        offset += length;
    }
    Ok(placed)
}

/// An image in memory aligned as the kernel's boot module is.
pub(crate) struct Aligned {
    words: Vec<u64>,
    length: usize,
}

impl Aligned {
    /// A copy of these bytes, aligned to 8.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let mut words = vec![0_u64; bytes.len().div_ceil(8)];
        words
            .as_mut_bytes()
            .iter_mut()
            .zip(bytes)
            .for_each(|(to, from)| *to = *from);
        Self {
            words,
            length: bytes.len(),
        }
    }

    /// The bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.words.as_bytes().get(..self.length).unwrap_or_default()
    }
}
