//! The performance counters as kernel objects. An extension of seL4.
//!
//! `PmuControl` is root authority over one CPU's counters; pmu-server holds it. `PmuLease` belongs to a VMM and says nothing
//! until pmu-server arms it. No operation names an MSR, and every value is checked against what the CPU has and what
//! the project allows.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Operations of a `PmuControl`. Numbers are this kernel's own.
///
/// They come from a thread on the CPU concerned. DESCRIBE and READ need the right READ, all others WRITE. The last thread that used one of those is
/// the CPU's server: when it is reset, or the capability that it used is deleted, every lease of the CPU is disarmed and all counters stop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct PmuControlOp(pub u64);

impl PmuControlOp {
    /// Answers [`PmuDescription`]'s words.
    pub const DESCRIBE: Self = Self(160);
    /// Words of [`HostProgram`]: the host context from now on.
    pub const PROGRAM: Self = Self(161);
    /// Answers [`CounterWords`]: all counters and times at one moment.
    pub const READ: Self = Self(162);
    /// mode (0 retain, 1 yield, 2 eager), slice in µs.
    pub const SET_MODE: Self = Self(163);
    /// Extra: lease. Arms it; answers the epoch.
    pub const ARM: Self = Self(164);
    /// Extra: lease. Revokes it: its guest is put at once, or at its next exit when it runs on another CPU.
    pub const DISARM: Self = Self(165);
    /// Extra: notification, or none. Signalled, with the badge of that capability, after each put while the host has
    /// events, and when samples reach the watermark.
    pub const BIND_NOTIFICATION: Self = Self(166);
    /// watermark; extra: frame, or none. Samples of the host go there from now on, see [`samples`](crate::samples).
    pub const SET_RING: Self = Self(167);
}

/// Operations of a `PmuLease`. Numbers are this kernel's own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct PmuLeaseOp(pub u64);

impl PmuLeaseOp {
    /// Answers the number of the task that enters the VM's vCPUs on this CPU: the badge of its calls. 0: there is none.
    pub const DESCRIBE: Self = Self(168);
}

/// Answer of [`PmuControlOp::DESCRIBE`].
#[derive(
    Clone, Copy, PartialEq, Eq, Default, Debug, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct PmuDescription {
    /// 0: counters can be used; otherwise why not: 1 no PMU, 2 version (in `version`), 3 no full-width writes, 4 width.
    pub unsupported: u64,
    /// PerfMon version.
    pub version: u64,
    /// Counters, one bit each as in GLOBAL_CTRL.
    pub counters: u64,
    /// Width of general-purpose counters in bits (low half) and of fixed ones (high half).
    pub widths: u64,
    /// Ticks of the time-stamp counter a second.
    pub tsc_hz: u64,
}

/// Argument of [`PmuControlOp::PROGRAM`]: the words that the host's registers get.
#[derive(
    Clone, Copy, PartialEq, Eq, Default, Debug, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct HostProgram {
    /// Selectors.
    pub selectors: [u64; 8],
    /// FIXED_CTR_CTRL.
    pub fixed_control: u64,
    /// GLOBAL_CTRL.
    pub global_control: u64,
    /// Of GLOBAL_CTRL, the counters that run on while a guest runs whose own counters are idle. The others stop at its entry.
    pub including_guests: u64,
    /// Bit i: counter i (general-purpose 0 to 7, fixed from bit 8) starts from `values[i]`; the others go on.
    pub start: u64,
    /// First values.
    pub values: [u64; 12],
    /// Sampling periods; 0: the counter only counts.
    pub periods: [u64; 12],
}

/// Answer of [`PmuControlOp::READ`].
#[derive(
    Clone, Copy, PartialEq, Eq, Default, Debug, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct CounterWords {
    /// Time-stamp counter.
    pub now: u64,
    /// Ticks for which guests have been resident, up to `now`.
    pub guest_time: u64,
    /// General-purpose counters 0 to 7, fixed counters 0 to 3.
    pub values: [u64; 12],
    /// How often each was set back by its period.
    pub overflows: [u64; 12],
}

/// One CPU's account, a read-only page written by the kernel. (R, W, P) are operations on PMU registers and LVTPC only.
#[derive(
    Clone, Copy, PartialEq, Eq, Default, Debug, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct AccountingPage {
    /// Odd while the kernel writes; read it before and after.
    pub generation: u64,
    /// 0: the host; otherwise 1 + number of the resident context.
    pub resident: u64,
    /// Time-stamp counter at the last load.
    pub loaded_at: u64,
    /// Ticks for which guests were resident, up to the last put.
    pub guest_time: u64,
    /// Guest contexts loaded.
    pub loads: u64,
    /// Guest contexts put: thread left, slice end, exit to VMM, revoked, mode change, replaced, VMM died.
    pub puts: [u64; 7],
    /// RDMSR, WRMSR, RDPMC and LVTPC writes of the kernel, all together.
    pub operations: [u64; 4],
    /// The same, of the last load; likewise below.
    pub last_load: [u64; 4],
    /// Of the last put.
    pub last_put: [u64; 4],
    /// Of the last replacement of one guest by another.
    pub last_replace: [u64; 4],
    /// VM exits.
    pub exits: u64,
    /// Of those, exits after which the lease was kept.
    pub exits_kept: u64,
    /// VM entries of vCPUs that needed no counters.
    pub idle_entries: u64,
    /// VM entries refused for want of a lease.
    pub refused_entries: u64,
    /// PMIs of the host.
    pub host_pmis: u64,
    /// PMIs of guests.
    pub guest_pmis: u64,
    /// Guest PMIs that came after their guest was put; they wait in its page.
    pub late_pmis: u64,
    /// NMIs swallowed because a load had acknowledged their overflow.
    pub swallowed_nmis: u64,
    /// Samples not taken because of the rate limit.
    pub throttled: u64,
    /// Instructions that software completed for guests and that were added to counters.
    pub emulated: u64,
}

const _: () = assert!(size_of::<AccountingPage>() <= 4096);
