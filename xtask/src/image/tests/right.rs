//! What the image of a good system holds.

use expect_test::{Expect, expect};
use sel4_sys::{CapRights, ObjectKind};
use sysdesc::{NO_PARENT, SystemImage, Task, ThreadFlags};

use super::super::write::Aligned;
use super::{GOOD, build};

/// Checks the good image with the kernel's own check and hands it over.
fn with_image(look: impl FnOnce(&SystemImage<'_>)) {
    let bytes = build(GOOD).expect("the system is right");
    let aligned = Aligned::of(&bytes);
    look(&SystemImage::check(aligned.bytes()).expect("the kernel takes it"));
}

/// The capabilities of a CNode, one a line.
fn capabilities(cnode: u16, want: &Expect) {
    with_image(|image| {
        let mut lines = String::new();
        for capability in image.capabilities.iter().filter(|c| c.cnode == cnode) {
            let kind = ObjectKind::from_number(capability.kind).expect("a known kind");
            let rights = CapRights::from_bits_retain(capability.rights);
            lines.push_str(&format!(
                "{:2} {kind:?} {} badge {} {}\n",
                capability.slot,
                capability.object,
                capability.badge,
                bitflags_text(rights)
            ));
        }
        want.assert_eq(&lines);
    });
}

fn bitflags_text(rights: CapRights) -> String {
    let names: Vec<&str> = rights.iter_names().map(|(name, _)| name).collect();
    names.join("+")
}

#[test]
fn the_client_gets_what_it_declares_in_the_slots_it_expects() {
    capabilities(
        2,
        &expect![[r#"
         1 Thread 2 badge 0 WRITE+READ+GRANT+GRANT_REPLY
         2 CNode 2 badge 0 WRITE+READ+GRANT+GRANT_REPLY
         3 AddressSpace 2 badge 0 WRITE+READ+GRANT+GRANT_REPLY
         5 Reply 2 badge 0 WRITE+READ+GRANT+GRANT_REPLY
         7 Notification 2 badge 0 WRITE+READ+GRANT+GRANT_REPLY
         6 SchedContext 1 badge 0 READ
         4 Endpoint 0 badge 2 WRITE+GRANT_REPLY
        16 Endpoint 1 badge 2 WRITE+GRANT_REPLY
        17 Port 0 badge 0 WRITE+READ+GRANT+GRANT_REPLY
        18 Interrupt 0 badge 0 WRITE+READ+GRANT+GRANT_REPLY
        19 Frame 0 badge 0 READ
        20 Reply 3 badge 0 WRITE+READ+GRANT+GRANT_REPLY
        21 Endpoint 2 badge 0 WRITE+READ+GRANT+GRANT_REPLY
    "#]],
    );
}

#[test]
fn the_server_serves_on_its_own_endpoint_and_has_no_budget() {
    capabilities(
        1,
        &expect![[r#"
         1 Thread 1 badge 0 WRITE+READ+GRANT+GRANT_REPLY
         2 CNode 1 badge 0 WRITE+READ+GRANT+GRANT_REPLY
         3 AddressSpace 1 badge 0 WRITE+READ+GRANT+GRANT_REPLY
         5 Reply 1 badge 0 WRITE+READ+GRANT+GRANT_REPLY
         7 Notification 1 badge 0 WRITE+READ+GRANT+GRANT_REPLY
         8 Endpoint 1 badge 0 READ
         4 Endpoint 0 badge 1 WRITE+GRANT_REPLY
        16 Endpoint 1 badge 0 READ
    "#]],
    );
}

#[test]
fn every_capability_descends_from_one_of_root() {
    with_image(|image| {
        for capability in image.capabilities {
            let mut oldest = capability;
            while oldest.parent != NO_PARENT {
                oldest = &image.capabilities[oldest.parent as usize];
            }
            assert_eq!(oldest.cnode, 0);
        }
    });
}

#[test]
fn faults_go_to_root_with_a_badge_that_no_task_can_send() {
    with_image(|image| {
        let [root, server, client] = image.threads else {
            panic!("three threads")
        };
        assert_eq!(root.fault_endpoint, sysdesc::NONE);
        assert_eq!(
            (server.fault_endpoint, server.fault_badge),
            (0, Task::FAULT_BADGE + 1)
        );
        assert_eq!(
            (client.fault_endpoint, client.fault_badge),
            (0, Task::FAULT_BADGE + 2)
        );
        let is_fault = |badge: u64| badge >= Task::FAULT_BADGE;
        assert!(
            !image
                .capabilities
                .iter()
                .any(|capability| is_fault(capability.badge))
        );
    });
}

#[test]
fn the_kernel_starts_root_alone() {
    with_image(|image| {
        let starts: Vec<bool> = image
            .threads
            .iter()
            .map(|thread| thread.flags & ThreadFlags::START != 0)
            .collect();
        assert_eq!(starts, [true, false, false]);
        assert_eq!(image.header.root_thread, 0);
    });
}

#[test]
fn the_supervisors_table_names_slots_that_hold_those_objects() {
    with_image(|image| {
        let [server, client] = image.tasks else {
            panic!("two tasks besides root")
        };
        assert_eq!(
            (server.name.as_str(), server.badge, server.flags),
            ("server", 1, 0)
        );
        assert_eq!((client.name.as_str(), client.badge), ("client", 2));
        assert_eq!(client.flags, Task::ESSENTIAL);
        let summary = String::from_utf8_lossy(&client.summary);
        assert_eq!(summary.trim_end_matches('\0'), "calls echo");
        for task in [server, client] {
            let held = |slot: u16| {
                let mut held = image.capabilities.iter().filter(|c| c.cnode == 0);
                let found = held.find(|c| c.slot == slot).expect("the slot is filled");
                (ObjectKind::from_number(found.kind), found.object)
            };
            assert_eq!(
                held(task.thread_slot),
                (Some(ObjectKind::Thread), task.thread)
            );
            assert_eq!(held(task.cnode_slot), (Some(ObjectKind::CNode), task.badge));
            assert_eq!(
                held(task.address_space_slot),
                (Some(ObjectKind::AddressSpace), task.badge)
            );
            // Data, stack and IPC buffer can be written; code cannot and is not reset.
            assert_eq!(task.frames, 3);
            for slot in task.first_frame_slot..task.first_frame_slot + task.frames {
                let (kind, frame) = held(slot);
                assert_eq!(kind, Some(ObjectKind::Frame));
                let writable = u32::from(CapRights::WRITE.bits());
                let mut mappings = image.mappings.iter().filter(|m| m.region == frame);
                assert!(
                    mappings.all(|m| m.rights & writable != 0 && m.address_space == task.badge)
                );
            }
        }
    });
}

#[test]
fn roots_copy_of_the_table_is_the_table() {
    with_image(|image| {
        let mapping = image
            .mappings
            .iter()
            .find(|m| m.address == sel4_sys::layout::TASK_TABLE);
        let region = &image.regions[usize::from(mapping.expect("it is mapped").region)];
        let mut contents = image.contents(region).to_vec();
        contents.resize(size_of_val(image.tasks), 0);
        assert_eq!(contents, zerocopy::IntoBytes::as_bytes(image.tasks));
    });
}

#[test]
fn memory_contents_are_those_of_the_program() {
    with_image(|image| {
        let code = image
            .mappings
            .iter()
            .find(|m| m.address == 0x40_0000)
            .expect("the code");
        let region = &image.regions[usize::from(code.region)];
        assert_eq!(image.contents(region), [0x90; 8]);
        assert_eq!(region.data_offset % 4096, 0);
    });
}

#[test]
fn the_same_input_gives_the_same_image() {
    assert_eq!(build(GOOD).expect("right"), build(GOOD).expect("right"));
}
