//! CPUID, control registers, ports, and what ends a guest.

use sel4_sys::vcpu::VcpuReturn;
use vmm_server_core::vpmu::EventFilter;
use vmm_server_core::{MemoryAccess, Next, Trace, Verdict};
use x86_regs::MsrReg as _;
use x86_regs::cpuid::{CpuidLeaf, FeatureLeaf, HypervisorLeaf, PerfmonLeaf};
use x86_regs::system::{Cr0, Efer};
use x86_regs::vmx::{ControlQualification, EptQualification, ExitReason, PortQualification};

use crate::machine::{Did, Machine};

fn cpuid<L: CpuidLeaf>(machine: &mut Machine) -> L {
    machine.state.registers[0] = L::LEAF.into();
    machine.state.registers[1] = L::SUBLEAF.into();
    assert_eq!(machine.exits(ExitReason::CPUID, 2), Did::Done);
    [0, 3, 1, 2]
        .map(|register: usize| u32::try_from(machine.state.registers[register]).expect("32 bits"))
        .into()
}

#[test]
fn an_emulated_instruction_counts_once_and_one_that_faults_does_not() {
    let mut machine = Machine::new();
    machine.state.emulated_instructions = 0;
    let _: FeatureLeaf = cpuid(&mut machine);
    assert_eq!(machine.state.emulated_instructions, 1);
    machine.state.emulated_instructions = 0;
    assert_eq!(machine.exits(ExitReason::XSETBV, 3), Did::Raised(6));
    assert_eq!(machine.state.emulated_instructions, 0);
}

#[test]
fn cpuid_offers_what_is_listed_and_nothing_that_needs_registers_nobody_switches() {
    let mut machine = Machine::new();
    let features: FeatureLeaf = cpuid(&mut machine);
    assert!(features.ecx.hypervisor() && features.ecx.x2apic() && features.ecx.tsc_deadline());
    assert!(!features.ecx.vmx() && !features.ecx.xsave());
    let hypervisor: HypervisorLeaf = cpuid(&mut machine);
    let name = [hypervisor.ebx, hypervisor.ecx, hypervisor.edx].map(u32::to_le_bytes);
    assert_eq!(name.concat(), b"BatonBaton  ");
}

#[test]
fn leaf_10_describes_version_2_and_is_empty_without_counters() {
    let mut machine = Machine::new();
    let leaf: PerfmonLeaf = cpuid(&mut machine);
    let found = (
        leaf.eax.version(),
        leaf.eax.gp_counters(),
        leaf.eax.gp_width(),
    );
    assert_eq!((found, leaf.edx.fixed_counters()), ((2, 8, 48), 3));
    let mut machine = Machine::with(None, EventFilter::allow_all());
    assert_eq!(<[u32; 4]>::from(cpuid::<PerfmonLeaf>(&mut machine)), [0; 4]);
}

#[test]
fn paging_turned_on_with_lme_makes_long_mode_active() {
    let mut machine = Machine::new();
    assert_eq!(
        machine.set(Efer::new().with_long_mode_enable(true)),
        Did::Done
    );
    machine.state.cr4 = 1 << 5; // PAE
    let cr0 = Cr0::from(machine.state.cr0).with_paging(true);
    machine.state.registers[6] = cr0.into();
    let access = ControlQualification::new().with_general(6);
    machine.state.exit_qualification = access.into();
    assert_eq!(machine.exits(ExitReason::CONTROL_REGISTER, 3), Did::Done);
    assert!(Efer::from(machine.state.efer).long_mode_active());
    let off = Efer::new();
    assert_eq!(
        machine.set(off),
        Did::Raised(13),
        "LME does not change under paging"
    );
    assert_eq!(machine.read(Efer::ADDR), Some(machine.state.efer));
}

#[test]
fn the_serial_port_is_the_guests_voice_and_unknown_ports_are_silent() {
    let mut machine = Machine::new();
    for byte in *b"hello\n" {
        assert_eq!(machine.out(0x3f8, byte), Did::Done);
    }
    assert_eq!(machine.env.text, "hello\n");
    let input = PortQualification::new().with_port(0x60).with_input(true);
    machine.state.exit_qualification = input.into();
    machine.state.registers[0] = 0x1234_5600;
    assert_eq!(machine.exits(ExitReason::IO, 2), Did::Done);
    assert_eq!(machine.state.registers[0], 0x1234_56ff);
    let unknown = Trace::UnknownPort {
        port: 0x60,
        input: true,
    };
    assert_eq!(machine.env.traces, [unknown]);
}

#[test]
fn the_exit_port_ends_the_guest_with_what_was_written() {
    let mut machine = Machine::new();
    assert_eq!(machine.out(0xf4, 0x10), Did::Stopped);
    assert_eq!(machine.next, Next::Stop(Verdict::Exit { code: 0x10 }));
}

#[test]
fn memory_that_the_guest_has_not_ends_it_and_the_verdict_says_where() {
    let mut machine = Machine::new();
    let write = EptQualification::new().with_write(true);
    machine.state.exit_qualification = write.into();
    machine.state.guest_physical = 0xfee0_0300;
    assert_eq!(machine.exits(ExitReason::EPT_VIOLATION, 3), Did::Stopped);
    let Next::Stop(verdict) = machine.next else {
        panic!("{:?}", machine.next)
    };
    let expected = Verdict::NoMemory {
        address: 0xfee0_0300,
        access: MemoryAccess::Write,
        rip: 0x10_0000,
    };
    assert_eq!(verdict, expected);
    assert!(verdict.to_string().contains("x2APIC"), "{verdict}");
}

#[test]
fn an_entry_that_fails_is_told_from_one_that_exits() {
    let mut machine = Machine::new();
    machine.state.exit_reason = 1 << 31 | 33;
    let Next::Stop(verdict) = machine.returns(VcpuReturn::ENTRY_FAILED) else {
        panic!("{:?}", machine.next)
    };
    let text = "the CPU refused the guest's state (exit reason 33)";
    assert_eq!(verdict.to_string(), text);
}
