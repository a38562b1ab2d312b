//! The portable kernel: objects, capabilities, IPC, scheduling, system calls.
//!
//! An architecture calls [`Kernel::boot`] once and [`Kernel::start`], and then one of [`Kernel::syscall`],
//! [`Kernel::fault`] and [`Kernel::interrupt`] whenever something leads out of ring 3; each says what the CPU
//! does next. The folders follow the path of a system call: `syscall` reads it, `cap` and `object` say what
//! it names, `ipc` and `sched` do it.
//!
//! Nothing that ring 3 does makes the kernel panic: what it says is looked up, compared and refused, and ids of
//! objects exist only for objects that exist.

#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

pub mod arch;

mod boot;
mod boot_info;
mod cap;
mod handover;
mod ipc;
mod object;
mod sched;
mod syscall;
#[cfg(test)]
mod tests;
mod trace;

use sysdesc::SystemImage;

use arch::trap::{Interrupt, UserFault};
use arch::{CpuId, MAX_CPUS};
use cap::Slots;
use ipc::Shortcut;
use object::{
    CNode, CNodeId, Endpoint, EndpointId, Fault, Frame, FrameId, GuestSpace, GuestSpaceId,
    InterruptId, Notification, NotificationId, PmuControl, PmuControlId, PmuLease, PmuLeaseId,
    Pool, PortId, PortRange, Reply, ReplyId, SchedContext, SchedContextId, Space, SpaceId,
    ThreadId, Threads, Vcpu, VcpuId,
};
use sched::Cpu;

pub use arch::trap::Next;
pub use boot::BootError;
#[cfg(test)]
use tests::FastPath;

/// The whole kernel: every object, every CPU's queues. It lies inside the one big lock.
#[derive(Debug)]
pub struct Kernel {
    slots: Slots,
    threads: Threads,
    endpoints: Pool<EndpointId, Endpoint>,
    notifications: Pool<NotificationId, Notification>,
    replies: Pool<ReplyId, Reply>,
    sched_contexts: Pool<SchedContextId, SchedContext>,
    spaces: Pool<SpaceId, Space>,
    cnodes: Pool<CNodeId, CNode>,
    frames: Pool<FrameId, Frame>,
    interrupts: Pool<InterruptId, object::Interrupt>,
    ports: Pool<PortId, PortRange>,
    guest_spaces: Pool<GuestSpaceId, GuestSpace>,
    vcpus: Pool<VcpuId, Vcpu>,
    pmu_controls: Pool<PmuControlId, PmuControl>,
    pmu_leases: Pool<PmuLeaseId, PmuLease>,
    /// The machine can run guests.
    runs_guests: bool,
    /// An array of this size needs no check of a [`CpuId`].
    cpus: &'static mut [Cpu; MAX_CPUS],
    /// How many of them run.
    running: usize,
    /// Ticks; see [`sched::LEAST_SLICE_US`].
    least_slice: u64,
    boot_info: arch::mm::Frame,
    image: SystemImage<'static>,
    #[cfg(test)]
    fast_path: FastPath,
}

impl Kernel {
    /// The current thread of `cpu` made a system call.
    #[inline]
    pub fn syscall(&mut self, cpu: CpuId) -> Next {
        let Some(id) = self.cpu(cpu).current else {
            return self.proceed(cpu);
        };
        #[cfg(test)]
        if self.fast_path == FastPath::Off {
            return self.system_call_by_the_general_way(cpu, id);
        }
        match self.shortcut(cpu, id) {
            Shortcut::Taken => {
                #[cfg(test)]
                self.fast_path.count();
                Next::Thread
            }
            Shortcut::NotPossible => self.system_call_by_the_general_way(cpu, id),
        }
    }

    #[inline(never)]
    fn system_call_by_the_general_way(&mut self, cpu: CpuId, id: ThreadId) -> Next {
        self.slow_system_call(cpu, id);
        self.proceed(cpu)
    }

    /// The current thread of `cpu` did something that it may not do.
    pub fn fault(&mut self, cpu: CpuId, fault: UserFault) -> Next {
        if let Some(id) = self.cpu(cpu).current {
            self.raise(id, Fault::Cpu(fault));
        }
        self.proceed(cpu)
    }

    /// `cpu` was interrupted, in ring 3 or while idle.
    pub fn interrupt(&mut self, cpu: CpuId, interrupt: Interrupt) -> Next {
        self.serve(cpu, interrupt);
        self.proceed(cpu)
    }

    /// Does what an interrupt asks for.
    pub(crate) fn serve(&mut self, cpu: CpuId, interrupt: Interrupt) {
        match interrupt {
            Interrupt::Timer => self.timer_fired(cpu),
            Interrupt::Line(line) => {
                let found = self.interrupts.iter().find(|object| object.line == line);
                if let Some(target) = found.and_then(|object| object.target) {
                    self.signal(target.notification, target.badge);
                }
            }
            Interrupt::GuestPmi { odd_epoch } => self.guest_pmi(cpu, odd_epoch),
            Interrupt::Samples => self.samples_are_ready(cpu),
            Interrupt::Spurious => {}
        }
    }

    /// The CPUs that run.
    fn all_cpus(&self) -> impl Iterator<Item = CpuId> + use<> {
        let count = u32::try_from(self.running).unwrap_or(0);
        (0..count).filter_map(CpuId::new)
    }
}
