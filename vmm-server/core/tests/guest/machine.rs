//! A virtual machine whose kernel is a record of what it was asked to do.

use std::collections::BTreeMap;

use pmu_drv::{Counter, CounterSet, Layout};
use sel4_sys::vcpu::{VcpuReturn, VcpuState};
use vmm_server_core::load::Start;
use vmm_server_core::vpmu::EventFilter;
use vmm_server_core::{
    Console, Direct, Env, GuestPmu, HostPmu, Moment, Next, PmuBackend, PmuConfig, Trace, Vcpu, Vm,
    VmConfig,
};
use x86_regs::cpuid::PerfmonEbx;
use x86_regs::pmu::{FixedCtrCtrl, GlobalStatus, PerfEvtSel, PerfGlobalCtrl};
use x86_regs::vmx::{ExitReason, PortQualification};
use x86_regs::{MsrAddr, MsrReg};

/// What the kernel was asked to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Order {
    Selector(u8, u64),
    FixedControl(u64),
    GlobalControl(u64),
    Open(Direct),
    OpenRdpmc,
    WriteCounter(u32, u64),
    ChangeStatus(u64, u64),
    MaskPmi(bool),
}

/// The guest's surroundings. A tick is a nanosecond.
#[derive(Debug, Default)]
pub(crate) struct Surroundings {
    pub(crate) orders: Vec<Order>,
    pub(crate) counters: BTreeMap<u32, u64>,
    pub(crate) status: u64,
    pub(crate) now: u64,
    pub(crate) text: String,
    pub(crate) traces: Vec<Trace>,
}

impl PmuBackend for Surroundings {
    fn set_selector(&mut self, index: u8, selector: PerfEvtSel) {
        self.orders.push(Order::Selector(index, selector.into()));
    }
    fn set_fixed_control(&mut self, control: FixedCtrCtrl) {
        self.orders.push(Order::FixedControl(control.into()));
    }
    fn set_global_control(&mut self, control: PerfGlobalCtrl) {
        self.orders.push(Order::GlobalControl(control.into()));
    }
    fn open(&mut self, direct: Direct) {
        self.orders.push(Order::Open(direct));
    }
    fn open_rdpmc(&mut self) {
        self.orders.push(Order::OpenRdpmc);
    }
    fn read_counter(&mut self, counter: Counter) -> u64 {
        self.counters.get(&counter.rdpmc()).copied().unwrap_or(0)
    }
    fn write_counter(&mut self, counter: Counter, value: u64) {
        self.counters.insert(counter.rdpmc(), value);
        self.orders
            .push(Order::WriteCounter(counter.rdpmc(), value));
    }
    fn read_status(&mut self) -> GlobalStatus {
        self.status.into()
    }
    fn change_status(&mut self, clear: CounterSet, set: CounterSet) {
        self.orders
            .push(Order::ChangeStatus(clear.bits(), set.bits()));
    }
    fn set_pmi_mask(&mut self, masked: bool) {
        self.orders.push(Order::MaskPmi(masked));
    }
}

impl Env for Surroundings {
    fn now(&mut self) -> Moment {
        Moment {
            nanos: self.now,
            tsc: self.now,
        }
    }
    fn put_byte(&mut self, console: Console, byte: u8) {
        if console == Console::Serial {
            self.text.push(char::from(byte));
        }
    }
    fn trace(&mut self, event: Trace) {
        self.traces.push(event);
    }
}

/// What became of an instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Did {
    /// It completed.
    Done,
    /// It raised the exception with this vector.
    Raised(u8),
    /// It ended the guest.
    Stopped,
}

/// A machine on a CPU with eight general-purpose and three fixed counters.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) vm: Vm,
    pub(crate) vcpu: Vcpu,
    pub(crate) state: VcpuState,
    pub(crate) env: Surroundings,
    pub(crate) next: Next,
}

/// All counters of that CPU.
pub(crate) const ALL: u64 = 0x7_0000_00ff;

pub(crate) fn shape(config: PmuConfig) -> Option<GuestPmu> {
    let host = HostPmu {
        layout: Layout {
            counters: CounterSet::from_bits(ALL),
            gp_width: 48,
            fixed_width: 48,
            version: 5,
        },
        perf_metrics: false,
        event_count: 8,
        missing_events: PerfmonEbx::new(),
    };
    GuestPmu::clamp(&config, &host)
}

impl Machine {
    pub(crate) fn new() -> Self {
        Self::with(shape(PmuConfig::default()), EventFilter::allow_all())
    }

    pub(crate) fn with(pmu: Option<GuestPmu>, filter: EventFilter) -> Self {
        let config = VmConfig {
            tsc_hz: 1_000_000_000,
            tsc_deadline: true,
            pmu,
        };
        // A CPU with every feature that there is.
        let vm = Vm::new(&config, |_, _| [u32::MAX; 4]);
        let vcpu = Vcpu::new(&config, &vm, filter);
        let start = Start {
            entry: 0x10_0000,
            information: 0x1000,
        };
        let mut state = start.state();
        let mut env = Surroundings::default();
        vcpu.start(&mut state, &mut env);
        env.orders.clear();
        Self {
            vm,
            vcpu,
            state,
            env,
            next: Next::Enter,
        }
    }

    /// The kernel answers this to the entry that comes next.
    pub(crate) fn returns(&mut self, returned: VcpuReturn) -> Next {
        // The kernel takes these when it enters the guest.
        self.state.changed = 0;
        self.state.inject = 0;
        let Self {
            vm,
            vcpu,
            state,
            env,
            ..
        } = self;
        self.next = vcpu.handle(vm, returned, state, env);
        self.next
    }

    /// The guest executes an instruction that exits for this reason.
    pub(crate) fn exits(&mut self, reason: ExitReason, length: u64) -> Did {
        let before = self.state.rip;
        self.state.exit_reason = reason.0.into();
        self.state.instruction_length = length;
        let next = self.returns(VcpuReturn::EXIT);
        let is_exception = self.state.inject >> 8 & 7 == 3 && self.state.inject >> 31 & 1 == 1;
        match next {
            Next::Stop(_) => Did::Stopped,
            _ if is_exception => {
                assert_eq!(self.state.rip, before, "what faults is not past");
                Did::Raised(self.state.inject.to_le_bytes()[0])
            }
            _ => {
                assert_eq!(self.state.rip, before + length, "what completes is past");
                Did::Done
            }
        }
    }

    pub(crate) fn write(&mut self, address: MsrAddr, value: u64) -> Did {
        self.state.registers[1] = address.0.into();
        self.state.registers[0] = value & 0xffff_ffff;
        self.state.registers[2] = value >> 32;
        self.exits(ExitReason::WRMSR, 2)
    }

    pub(crate) fn set<R: MsrReg>(&mut self, value: R) -> Did {
        self.write(R::ADDR, value.into())
    }

    /// `None`: #GP.
    pub(crate) fn read(&mut self, address: MsrAddr) -> Option<u64> {
        self.state.registers[1] = address.0.into();
        let did = self.exits(ExitReason::RDMSR, 2);
        (did == Did::Done).then(|| self.state.registers[2] << 32 | self.state.registers[0])
    }

    pub(crate) fn out(&mut self, port: u16, byte: u8) -> Did {
        self.state.registers[0] = byte.into();
        let qualification = PortQualification::new().with_port(port);
        self.state.exit_qualification = qualification.into();
        self.exits(ExitReason::IO, 1)
    }

    /// The orders since the last question.
    pub(crate) fn orders(&mut self) -> Vec<Order> {
        core::mem::take(&mut self.env.orders)
    }
}
