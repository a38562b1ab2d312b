//! What the core needs from outside: the counters, the time and a console.

use pmu_drv::{Counter, CounterSet};
use x86_regs::MsrAddr;
use x86_regs::pmu::{FixedCtrCtrl, GlobalStatus, PerfEvtSel, PerfGlobalCtrl};

/// One moment, as both clocks show it.
///
/// The guest reads the same time-stamp counter; the APIC timer counts nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Moment {
    /// Nanoseconds since some fixed moment.
    pub nanos: u64,
    /// The guest's time-stamp counter.
    pub tsc: u64,
}

/// Registers that a guest reaches without an exit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Direct {
    /// Counters.
    pub counters: CounterSet,
    /// Their full-width aliases, too.
    pub full_width: bool,
    /// GLOBAL_CTRL, GLOBAL_STATUS and GLOBAL_OVF_CTRL.
    pub global: bool,
}

/// The counters of one vCPU, wherever they are at present. Each method is one operation of the kernel's
/// Vcpu object ([`sel4_sys::vcpu::VcpuOp`]); all take effect before the next entry.
///
/// Every value given here has passed the checks of [`pmu_drv::check_selector`] and its siblings for the counters that
/// the guest was given. The kernel checks again; a refusal is a bug of this crate, so there are no errors here.
pub trait PmuBackend {
    /// The hardware copy of selector `index`.
    fn set_selector(&mut self, index: u8, selector: PerfEvtSel);
    /// The hardware copy of FIXED_CTR_CTRL.
    fn set_fixed_control(&mut self, control: FixedCtrCtrl);
    /// GLOBAL_CTRL, for a guest whose access is trapped.
    fn set_global_control(&mut self, control: PerfGlobalCtrl);
    /// The guest reaches these registers directly from the next entry on, whenever its PMU is not idle. What was opened before
    /// stays open.
    fn open(&mut self, direct: Direct);
    /// RDPMC does not exit any more. Called at most once, after all of the CPU's counters were opened.
    fn open_rdpmc(&mut self);
    /// The value of a counter.
    fn read_counter(&mut self, counter: Counter) -> u64;
    /// Replaces it.
    fn write_counter(&mut self, counter: Counter, value: u64);
    /// GLOBAL_STATUS.
    fn read_status(&mut self) -> GlobalStatus;
    /// Clears and sets overflow bits of GLOBAL_STATUS, one bit for each counter.
    fn change_status(&mut self, clear: CounterSet, set: CounterSet);
    /// Whether the guest's LVTPC is masked, so that an overflow need not interrupt.
    fn set_pmi_mask(&mut self, masked: bool);
}

/// Where a byte of text that the guest wrote came out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Console {
    /// The serial port, 0x3f8.
    Serial,
    /// The debug console, 0xe9.
    Debug,
}

/// What a guest did that this VM does not know. It got the architecture's answer; whoever debugs a guest wants to see it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trace {
    /// RDMSR of a register that does not exist: #GP.
    UnknownMsrRead {
        /// Which.
        address: MsrAddr,
        /// Where the guest was.
        rip: u64,
    },
    /// WRMSR to a register that does not exist, or with a value that it refuses: #GP.
    MsrWriteRefused {
        /// Which.
        address: MsrAddr,
        /// What the guest wrote.
        value: u64,
        /// Where the guest was.
        rip: u64,
    },
    /// A port that nothing answers at: reads are all ones, writes are lost.
    UnknownPort {
        /// Which.
        port: u16,
        /// IN; otherwise OUT.
        input: bool,
    },
}

/// Everything outside the core.
pub trait Env: PmuBackend {
    /// The time now. Within one call of the core every answer is at or after the one before.
    fn now(&mut self) -> Moment;
    /// The guest wrote a byte of text.
    fn put_byte(&mut self, console: Console, byte: u8);
    /// The guest did something unusual.
    fn trace(&mut self, event: Trace);
}
