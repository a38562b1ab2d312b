#![expect(
    clippy::cast_possible_truncation,
    reason = "the images of these tests are small"
)]

use proptest::prelude::*;
use sel4_sys::ObjectKind;
use zerocopy::IntoBytes;

use super::{ImageError, SystemImage};
use crate::record::{
    AddressSpace, CNode, Capability, GuestSpace, Header, IMAGE_MAGIC, IMAGE_VERSION, Mapping, Name,
    PAGE, PmuControl, PmuLease, Port, Region, SchedContext, TABLES, Table, Thread, Vcpu, table,
};
use crate::{NO_PARENT, NONE, USER_END, checksum};

/// The parts of a small good image: one thread with one page of code and one of IPC buffer.
#[derive(Clone)]
struct Parts {
    regions: Vec<Region>,
    mappings: Vec<Mapping>,
    address_spaces: Vec<AddressSpace>,
    cnodes: Vec<CNode>,
    threads: Vec<Thread>,
    sched_contexts: Vec<SchedContext>,
    ports: Vec<Port>,
    capabilities: Vec<Capability>,
    guest_spaces: Vec<GuestSpace>,
    vcpus: Vec<Vcpu>,
    pmu_controls: Vec<PmuControl>,
    pmu_leases: Vec<PmuLease>,
    root: u16,
}

fn good() -> Parts {
    let region = Region {
        pages: 2,
        flags: 0,
        data_offset: 0,
        data_length: 16,
        physical: 0,
    };
    let mapping = Mapping {
        address: 0x20_0000,
        address_space: 0,
        region: 0,
        first_page: 0,
        pages: 1,
        rights: 2 | 1 << 7,
    };
    let thread = Thread {
        name: Name::new("root").unwrap(),
        entry: 0x20_0000,
        stack: 0x30_0000,
        ipc_buffer: 0x40_0000,
        fault_badge: 0,
        ipc_buffer_region: 0,
        ipc_buffer_page: 1,
        address_space: 0,
        cnode: 0,
        sched_context: 0,
        fault_endpoint: NONE,
        notification: NONE,
        priority: 1,
        max_priority: 1,
        flags: 3,
        cpu: 0,
        reserved: 0,
    };
    let endpoint = |slot, rights, badge, parent| Capability {
        badge,
        parent,
        cnode: 0,
        slot,
        object: 0,
        kind: ObjectKind::Endpoint as u8,
        rights,
        reserved: 0,
    };
    Parts {
        regions: vec![region],
        mappings: vec![mapping],
        address_spaces: vec![AddressSpace {
            spare_tables: 0,
            reserved: 0,
        }],
        cnodes: vec![CNode {
            slots: 32,
            reserved: 0,
        }],
        threads: vec![thread],
        sched_contexts: vec![SchedContext {
            budget_us: 1000,
            period_us: 1000,
        }],
        ports: vec![Port {
            first: 0x3f8,
            count: 8,
            reserved: 0,
        }],
        capabilities: vec![endpoint(1, 0xf, 0, NO_PARENT), endpoint(2, 1, 7, 0)],
        guest_spaces: vec![GuestSpace {
            tables: 4,
            reserved: 0,
        }],
        vcpus: vec![Vcpu {
            thread: 0,
            guest_space: 0,
            state_region: 0,
            lease: 0,
            reserved: 0,
        }],
        pmu_controls: vec![PmuControl {
            cpu: 0,
            accounting_region: 0,
            reserved: 0,
        }],
        pmu_leases: vec![PmuLease {
            cpu: 0,
            vmm_badge: 0,
            reserved: 0,
        }],
        root: 0,
    }
}

/// The image of `parts`: header, tables in order, nothing else.
fn image(parts: &Parts) -> Vec<u8> {
    let mut body = Vec::new();
    let mut tables = [Table {
        offset: size_of::<Header>() as u32,
        count: 0,
    }; TABLES];
    let mut add = |which: usize, bytes: &[u8], count: usize| {
        tables[which] = Table {
            offset: (size_of::<Header>() + body.len()) as u32,
            count: count as u32,
        };
        body.extend_from_slice(bytes);
    };
    add(
        table::REGIONS,
        parts.regions.as_bytes(),
        parts.regions.len(),
    );
    add(
        table::MAPPINGS,
        parts.mappings.as_bytes(),
        parts.mappings.len(),
    );
    add(
        table::ADDRESS_SPACES,
        parts.address_spaces.as_bytes(),
        parts.address_spaces.len(),
    );
    add(table::CNODES, parts.cnodes.as_bytes(), parts.cnodes.len());
    add(
        table::THREADS,
        parts.threads.as_bytes(),
        parts.threads.len(),
    );
    add(
        table::SCHED_CONTEXTS,
        parts.sched_contexts.as_bytes(),
        parts.sched_contexts.len(),
    );
    add(table::PORTS, parts.ports.as_bytes(), parts.ports.len());
    add(
        table::CAPABILITIES,
        parts.capabilities.as_bytes(),
        parts.capabilities.len(),
    );
    let spaces = &parts.guest_spaces;
    add(table::GUEST_SPACES, spaces.as_bytes(), spaces.len());
    add(table::VCPUS, parts.vcpus.as_bytes(), parts.vcpus.len());
    let controls = &parts.pmu_controls;
    add(table::PMU_CONTROLS, controls.as_bytes(), controls.len());
    let leases = &parts.pmu_leases;
    add(table::PMU_LEASES, leases.as_bytes(), leases.len());
    let header = Header {
        magic: IMAGE_MAGIC,
        version: IMAGE_VERSION,
        length: (size_of::<Header>() + body.len()) as u32,
        checksum: checksum(&body),
        endpoints: 1,
        notifications: 1,
        replies: 1,
        root_thread: parts.root,
        system: Name::new("test").unwrap(),
        tables,
        reserved2: [0; 2],
    };
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend_from_slice(&body);
    bytes
}

/// Checks a copy of the bytes that is aligned as the kernel's module is.
fn check(bytes: &[u8]) -> Result<(), ImageError> {
    let mut words = vec![0_u64; bytes.len().div_ceil(8)];
    words.as_mut_bytes()[..bytes.len()].copy_from_slice(bytes);
    SystemImage::check(&words.as_bytes()[..bytes.len()]).map(|_| ())
}

#[test]
fn a_good_image_passes_and_shows_its_records() {
    let bytes = image(&good());
    let mut words = vec![0_u64; bytes.len() / 8];
    words.as_mut_bytes().copy_from_slice(&bytes);
    let image = SystemImage::check(words.as_bytes()).unwrap();
    assert_eq!(image.threads[0].name.as_str(), "root");
    assert_eq!(image.count(ObjectKind::CNode), 1);
    assert_eq!(
        image.contents(&image.regions[0]),
        b"BATONSYS\x02\0\0\0"
            .iter()
            .copied()
            .chain(image.header.length.to_le_bytes())
            .collect::<Vec<_>>()
    );
}

#[test]
fn each_malformed_record_is_refused_by_its_name() {
    type Break = fn(&mut Parts);
    let table: &[(ImageError, Break)] = &[
        (ImageError::Region(0), |p| p.regions[0].pages = 0),
        (ImageError::Region(0), |p| p.regions[0].flags = 2),
        (ImageError::Region(0), |p| p.regions[0].data_length = 8193),
        (ImageError::Region(0), |p| {
            p.regions[0].data_offset = u32::MAX;
        }),
        (ImageError::Region(0), |p| p.regions[0].physical = 0x1000),
        (ImageError::Mapping(0), |p| p.mappings[0].address += 1),
        (ImageError::Mapping(0), |p| p.mappings[0].address = 0),
        (ImageError::Mapping(0), |p| p.mappings[0].address = USER_END),
        (ImageError::Mapping(0), |p| {
            p.mappings[0].address = u64::MAX - PAGE + 1;
        }),
        (ImageError::Mapping(0), |p| p.mappings[0].pages = 3),
        (ImageError::Mapping(0), |p| {
            p.mappings[0].first_page = u32::MAX;
        }),
        (ImageError::Mapping(0), |p| {
            p.mappings[0].rights = 1 | 1 << 7;
        }),
        (ImageError::Mapping(0), |p| p.mappings[0].address_space = 1),
        (ImageError::CNode(0), |p| p.cnodes[0].slots = 0),
        (ImageError::Thread(0), |p| p.threads[0].stack = 8),
        (ImageError::Thread(0), |p| p.threads[0].entry = 1 << 63),
        (ImageError::Thread(0), |p| p.threads[0].ipc_buffer_page = 2),
        (ImageError::Thread(0), |p| p.threads[0].ipc_buffer = 8),
        (ImageError::Thread(0), |p| p.threads[0].fault_endpoint = 1),
        (ImageError::SchedContext(0), |p| {
            p.sched_contexts[0].budget_us = 9;
        }),
        (ImageError::SchedContext(0), |p| {
            p.sched_contexts[0].period_us = 999;
        }),
        (ImageError::Port(0), |p| p.ports[0].count = 0),
        (ImageError::Port(0), |p| p.ports[0].first = u16::MAX),
        (ImageError::Capability(0), |p| p.capabilities[0].parent = 0),
        (ImageError::Capability(1), |p| p.capabilities[0].rights = 2),
        (ImageError::Capability(0), |p| p.capabilities[0].kind = 15),
        (ImageError::Capability(0), |p| p.capabilities[0].slot = 0),
        (ImageError::Capability(0), |p| p.capabilities[0].slot = 32),
        (ImageError::Capability(1), |p| p.capabilities[1].object = 1),
        (ImageError::Vcpu(0), |p| p.vcpus[0].thread = 1),
        (ImageError::Vcpu(0), |p| p.vcpus[0].guest_space = 1),
        (ImageError::Vcpu(0), |p| p.vcpus[0].state_region = 1),
        (ImageError::Vcpu(0), |p| p.vcpus[0].lease = 1),
        (ImageError::Vcpu(0), |p| p.pmu_leases[0].cpu = 1),
        (ImageError::Vcpu(0), |p| p.threads[0].flags = 1),
        (ImageError::Vcpu(0), |p| p.vcpus.push(p.vcpus[0])),
        (ImageError::PmuControl(0), |p| {
            p.pmu_controls[0].accounting_region = NONE;
        }),
        (ImageError::PmuControl(1), |p| {
            p.pmu_controls.push(p.pmu_controls[0]);
        }),
        (ImageError::Root, |p| p.root = 1),
    ];
    assert_eq!(check(&image(&good())), Ok(()));
    for (row, (expected, damage)) in table.iter().enumerate() {
        let mut parts = good();
        damage(&mut parts);
        assert_eq!(check(&image(&parts)), Err(*expected), "row {row}");
    }
}

#[test]
fn a_truncated_or_foreign_file_is_refused_by_its_cause() {
    let bytes = image(&good());
    assert_eq!(check(&bytes[..100]), Err(ImageError::Truncated));
    assert_eq!(check(&bytes[..bytes.len() - 8]), Err(ImageError::Truncated));
    assert_eq!(check(&[0x7f; 400]), Err(ImageError::Magic));
    let mut other = bytes.clone();
    other[8] = 9;
    assert_eq!(check(&other), Err(ImageError::Version(9)));
    let mut damaged = bytes;
    *damaged.last_mut().unwrap() ^= 1;
    assert_eq!(check(&damaged), Err(ImageError::Checksum));
}

proptest! {
    /// With the checksum made right again, any change of one word is refused or gives an image whose
    /// indices all resolve; it never panics.
    #[test]
    fn a_changed_word_never_gives_a_dangling_index(word in 0_usize..100, value: u64) {
        let mut bytes = image(&good());
        let at = word * 8 % bytes.len();
        bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
        let sum = checksum(&bytes[size_of::<Header>()..]);
        bytes[16..24].copy_from_slice(&sum.to_le_bytes());
        let mut words = vec![0_u64; bytes.len() / 8];
        words.as_mut_bytes().copy_from_slice(&bytes);
        if let Ok(image) = SystemImage::check(words.as_bytes()) {
            for m in image.mappings {
                let region = &image.regions[usize::from(m.region)];
                prop_assert!(m.first_page as u64 + m.pages as u64 <= u64::from(region.pages));
                prop_assert!(m.address + u64::from(m.pages) * PAGE <= USER_END);
            }
            for t in image.threads {
                prop_assert!(usize::from(t.cnode) < image.cnodes.len());
            }
            for v in image.vcpus {
                prop_assert!(usize::from(v.thread) < image.threads.len());
                prop_assert!(usize::from(v.state_region) < image.regions.len());
                prop_assert!(usize::from(v.guest_space) < image.guest_spaces.len());
                prop_assert!(usize::from(v.lease) < image.pmu_leases.len());
            }
            for c in image.capabilities {
                prop_assert!(u32::from(c.slot) < image.cnodes[usize::from(c.cnode)].slots);
            }
        }
    }
}
