//! Guests, virtual CPUs and counters in a description, and wrong ones refused.

use expect_test::{Expect, expect};
use sel4_sys::{CapRights, ObjectKind};
use sysdesc::SystemImage;

use super::super::write::Aligned;
use super::build;

/// A VMM with one virtual CPU, the server of the counters, and somebody who watches.
const GUEST: &str = r#"about = "a guest takes the counters over"

[[task]]
name = "root"
priority = 250

[[task]]
name = "server"
program = "pmu"
priority = 100
gets.control = "account"
gets.lease = "guest"

[[task]]
name = "vmm"
priority = 50
fpu = true
gets.space = "guest"
gets.vcpu = { vm = "guest", state = "registers" }
gets.lease = "guest"

[[task]]
name = "watcher"
program = "watch"
priority = 10
gets.control = { frame = "account", read-only = true }

[[frame]]
name = "account"
pages = 1

[[frame]]
name = "registers"
pages = 1

[[frame]]
name = "apic"
pages = 1
device = 0xfee00000

[[vm]]
name = "guest"
tables = 12
"#;

#[test]
fn a_guest_gets_memory_a_virtual_cpu_and_a_lease_that_vmm_and_server_share() {
    let bytes = build(GUEST).expect("the system is right");
    let aligned = Aligned::of(&bytes);
    let image = SystemImage::check(aligned.bytes()).expect("the kernel takes it");
    let tables: Vec<u32> = image
        .guest_spaces
        .iter()
        .map(|space| space.tables)
        .collect();
    assert_eq!(tables, [12]);
    let vcpus = image.vcpus.iter();
    let vcpus: Vec<_> = vcpus
        .map(|v| (v.thread, v.guest_space, v.state_region, v.lease))
        .collect();
    assert_eq!(vcpus, [(2, 0, 1, 0)]);
    let controls = image.pmu_controls.iter();
    let controls: Vec<_> = controls.map(|c| (c.cpu, c.accounting_region)).collect();
    assert_eq!(controls, [(0, 0)]);
    let leases: Vec<_> = image
        .pmu_leases
        .iter()
        .map(|l| (l.cpu, l.vmm_badge))
        .collect();
    assert_eq!(
        leases,
        [(0, 2)],
        "one VM, one CPU, and who enters its vCPU there"
    );
    let mut held = Vec::new();
    for capability in image
        .capabilities
        .iter()
        .filter(|c| c.cnode != 0 && c.slot >= 16)
    {
        let kind = ObjectKind::from_number(capability.kind).expect("a known kind");
        let rights = CapRights::from_bits_retain(capability.rights);
        held.push((
            capability.cnode,
            capability.slot,
            kind,
            capability.object,
            rights,
        ));
    }
    let all = CapRights::all();
    let expected = [
        (1, 16, ObjectKind::PmuControl, 0, all),
        (1, 17, ObjectKind::PmuLease, 0, all),
        (2, 16, ObjectKind::GuestSpace, 0, all),
        (2, 17, ObjectKind::Vcpu, 0, all),
        (2, 18, ObjectKind::PmuLease, 0, all),
        (3, 16, ObjectKind::PmuControl, 0, CapRights::READ),
    ];
    assert_eq!(held, expected);
}

/// The system with one place changed, and the message for it.
fn refused(change: (&str, &str), want: &Expect) {
    assert!(GUEST.contains(change.0), "nothing to change");
    let error = build(&GUEST.replacen(change.0, change.1, 1)).expect_err("it is wrong");
    want.assert_eq(&format!("{error:#}"));
}

#[test]
fn a_vm_that_does_not_exist() {
    refused(
        ("gets.space = \"guest\"", "gets.space = \"geust\""),
        &expect![[r#"
            demo.toml:18: there is no vm `geust`
              help: did you mean `guest`?"#]],
    );
}

#[test]
fn a_vmm_without_fpu() {
    refused(
        ("fpu = true\n", ""),
        &expect![[r#"
        demo.toml:14: `vmm` runs a guest, but may not use the FPU
          help: add fpu = true: the guest uses the FPU of the task that runs it"#]],
    );
}

#[test]
fn a_virtual_cpu_without_a_page() {
    refused(
        (", state = \"registers\"", ""),
        &expect![[r#"
        demo.toml:19: a virtual CPU without a page for its registers
          help: write { vm = "…", state = "…" } with the name of a [[frame]]"#]],
    );
}

#[test]
fn a_virtual_cpu_whose_page_does_not_exist() {
    refused(
        ("state = \"registers\"", "state = \"register\""),
        &expect![[r#"
            demo.toml:19: there is no frame `register`
              help: did you mean `registers`?"#]],
    );
}

#[test]
fn two_virtual_cpus_with_one_page() {
    refused(
        (
            "[[task]]\nname = \"watcher\"",
            "[[task]]\nname = \"other\"\nprogram = \"vmm\"\npriority = 50\nfpu = true\n\
             gets = { space = \"guest\", lease = \"guest\", vcpu = { vm = \"guest\", state = \"registers\" } }\n\n\
             [[task]]\nname = \"watcher\"",
        ),
        &expect![[r#"
            demo.toml:27: another virtual CPU has its registers in `registers`
              help: give each virtual CPU a frame of its own"#]],
    );
}

#[test]
fn an_account_in_device_memory() {
    refused(
        ("gets.control = \"account\"", "gets.control = \"apic\""),
        &expect![[r#"
            demo.toml:11: the frame `apic` is device memory, which the kernel does not write
              help: name a frame without `device`"#]],
    );
}

#[test]
fn two_frames_for_the_account_of_one_cpu() {
    refused(
        ("{ frame = \"account\"", "{ frame = \"registers\""),
        &expect![[r#"
            demo.toml:26: CPU 0 has another frame for its accounts already
              help: name the same frame in every task that controls its counters"#]],
    );
}

#[test]
fn a_vm_without_page_tables() {
    refused(
        ("tables = 12", "tables = 0"),
        &expect![[r#"
        demo.toml:43: a vm without page tables has no memory
          help: give it one for each 2 MiB of memory, and three more"#]],
    );
}

#[test]
fn two_vms_of_one_name() {
    refused(
        (
            "[[vm]]\n",
            "[[vm]]\nname = \"guest\"\ntables = 3\n\n[[vm]]\n",
        ),
        &expect![[r#"
            demo.toml:46: there are two vms `guest`
              help: give each vm a name of its own"#]],
    );
}
