//! Operations on a CPU's counters and on the rights of VMs to them.

use lease::{Mode, Ticks};
use pmu_drv::{
    Alleged, Counter, CounterSet, Layout, MAX_FIXED, MAX_GP, check_counter, check_fixed_control,
    check_global_control, check_selector,
};
use sel4_sys::pmu::{CounterWords, HostProgram, PmuControlOp, PmuDescription, PmuLeaseOp};
use sel4_sys::{CapRights, Error};
use x86_regs::pmu::PerfEvtSel;

use super::{Answer, Args, Refusal};
use crate::Kernel;
use crate::arch::{pmu, timer};
use crate::handover::HostPlan;
use crate::object::{FrameId, InterruptTarget, PmuControl, PmuControlId, PmuLeaseId, Server};
use crate::trace::{Event, trace};

const COUNTERS: usize = MAX_GP + MAX_FIXED;
const PROGRAM_WORDS: usize = size_of::<HostProgram>() / 8;
/// Position of the first fixed counter in lists of all counters.
const FIRST_FIXED: u8 = 8;
const _: () = assert!(FIRST_FIXED as usize == MAX_GP);
/// A slice of more than this is none. µs.
const LONGEST_SLICE_US: u32 = 10_000_000;

/// An operation that cannot fail any more.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "a plan lives on the stack for the time of one call"
)]
pub(super) enum PmuPlan {
    Describe(PmuControlId),
    Program(PmuControlId, HostPlan),
    Read(PmuControlId),
    SetMode {
        control: PmuControlId,
        mode: Mode,
        slice_us: u32,
    },
    Arm(PmuControlId, PmuLeaseId),
    Disarm(PmuControlId, PmuLeaseId),
    Bind(PmuControlId, Option<InterruptTarget>),
    SetRing {
        control: PmuControlId,
        frame: Option<FrameId>,
        watermark: u64,
    },
    DescribeLease(PmuLeaseId),
}

/// Looks at a call on a CPU's counters.
pub(super) fn decode(k: &Kernel, id: PmuControlId, args: &Args) -> Result<PmuPlan, Refusal> {
    let control = &k.pmu_controls[id];
    let operation = PmuControlOp(args.label());
    let right = match operation {
        PmuControlOp::DESCRIBE | PmuControlOp::READ => CapRights::READ,
        _ => CapRights::WRITE,
    };
    if !args.capability.allows(right) {
        return Err(Refusal::capability(0));
    }
    let not_possible = Refusal::new(Error::IllegalOperation);
    if k.threads[args.caller].cpu != control.cpu {
        return Err(not_possible);
    }
    if operation == PmuControlOp::DESCRIBE {
        return Ok(PmuPlan::Describe(id));
    }
    let layout = control.layout().ok_or(not_possible)?;
    match operation {
        PmuControlOp::PROGRAM => Ok(PmuPlan::Program(id, decode_program(&layout, args)?)),
        PmuControlOp::READ => Ok(PmuPlan::Read(id)),
        PmuControlOp::SET_MODE => {
            let mode = match args.word_up_to(0, 2)? {
                0 => Mode::Retain,
                1 => Mode::Yield,
                _ => Mode::Eager,
            };
            let slice_us = args.word_up_to(1, LONGEST_SLICE_US)?;
            if slice_us == 0 {
                return Err(Refusal::range(1, u64::from(LONGEST_SLICE_US)));
            }
            Ok(PmuPlan::SetMode {
                control: id,
                mode,
                slice_us,
            })
        }
        PmuControlOp::ARM => Ok(PmuPlan::Arm(id, lease(k, control, args)?)),
        PmuControlOp::DISARM => Ok(PmuPlan::Disarm(id, lease(k, control, args)?)),
        PmuControlOp::BIND_NOTIFICATION => Ok(PmuPlan::Bind(id, target(k, args)?)),
        PmuControlOp::SET_RING => {
            let watermark = args.word(0)?;
            let frame = match args.has_extra(0) {
                true => Some(ring(k, args)?),
                false => None,
            };
            Ok(PmuPlan::SetRing {
                control: id,
                frame,
                watermark,
            })
        }
        _ => Err(not_possible),
    }
}

/// Looks at a call on a VM's right to a CPU's counters.
pub(super) fn decode_lease(id: PmuLeaseId, args: &Args) -> Result<PmuPlan, Refusal> {
    match PmuLeaseOp(args.label()) {
        PmuLeaseOp::DESCRIBE => Ok(PmuPlan::DescribeLease(id)),
        _ => Err(Refusal::new(Error::IllegalOperation)),
    }
}

/// The lease of extra capability 0, which is for this CPU.
fn lease(k: &Kernel, control: &PmuControl, args: &Args) -> Result<PmuLeaseId, Refusal> {
    let (_, capability) = args.extra(k, 0)?;
    capability
        .pmu_lease()
        .filter(|&lease| k.pmu_leases[lease].cpu == Some(control.cpu))
        .ok_or(Refusal::capability(1))
}

fn target(k: &Kernel, args: &Args) -> Result<Option<InterruptTarget>, Refusal> {
    if !args.has_extra(0) {
        return Ok(None);
    }
    let (slot, capability) = args.extra(k, 0)?;
    let notification = capability
        .notification()
        .filter(|_| capability.allows(CapRights::WRITE));
    Ok(Some(InterruptTarget {
        notification: notification.ok_or(Refusal::capability(1))?,
        badge: capability.badge,
        slot,
    }))
}

/// The frame of extra capability 0, which the NMI handler may write.
fn ring(k: &Kernel, args: &Args) -> Result<FrameId, Refusal> {
    let (_, capability) = args.extra(k, 0)?;
    capability
        .frame()
        .filter(|_| capability.allows(CapRights::READ | CapRights::WRITE))
        .filter(|&frame| k.frames[frame].memory.device_address().is_none())
        .ok_or(Refusal::capability(1))
}

fn decode_program(layout: &Layout, args: &Args) -> Result<HostPlan, Refusal> {
    let mut words = [0; PROGRAM_WORDS];
    for (i, word) in words.iter_mut().enumerate() {
        *word = args.word(i)?;
    }
    let program: HostProgram = zerocopy::transmute!(words);
    let mut at = 0;
    let mut selectors = [PerfEvtSel::new(); MAX_GP];
    for ((i, selector), &word) in (0..).zip(&mut selectors).zip(&program.selectors) {
        let exists = Counter::gp(i).is_some_and(|counter| layout.counters.has(counter));
        let checked = check_selector(Alleged(word)).map_err(|_| Refusal::argument(at))?;
        if !exists && word != 0 {
            return Err(Refusal::argument(at));
        }
        *selector = checked;
        at += 1;
    }
    let fixed_control = check_fixed_control(Alleged(program.fixed_control), layout.counters);
    let fixed_control = fixed_control.map_err(|_| Refusal::argument(at))?;
    let mut set = |word| {
        at += 1;
        check_global_control(Alleged(word), layout.counters).map_err(|_| Refusal::argument(at))
    };
    let global_control = set(program.global_control)?;
    let including_guests = CounterSet::running(set(program.including_guests)?);
    at += 1;
    let start = start_set(layout, program.start).ok_or(Refusal::argument(at))?;
    for (words, is_value) in [(&program.values, true), (&program.periods, false)] {
        for (&word, position) in words.iter().zip(0..) {
            at += 1;
            let counter = counter_at(position).filter(|&counter| layout.counters.has(counter));
            let is_good = match counter {
                Some(counter) if !is_value || start.has(counter) => {
                    check_counter(Alleged(word), counter, layout).is_ok()
                }
                Some(_) => true,
                None => word == 0,
            };
            if !is_good {
                return Err(Refusal::argument(at));
            }
        }
    }
    Ok(HostPlan {
        selectors,
        fixed_control,
        global_control,
        including_guests,
        start,
        values: program.values,
        periods: program.periods,
    })
}

/// Counters as [`HostProgram::start`] numbers them; `None` when one does not exist.
fn start_set(layout: &Layout, bits: u64) -> Option<CounterSet> {
    let mut set = CounterSet::EMPTY;
    for position in (0..64_u8).filter(|position| bits >> position & 1 == 1) {
        let counter = counter_at(position)?;
        set = layout.counters.has(counter).then(|| set.with(counter))?;
    }
    Some(set)
}

/// The counter at a position: general-purpose ones first, then the fixed ones.
fn counter_at(position: u8) -> Option<Counter> {
    match position.checked_sub(FIRST_FIXED) {
        None => Counter::gp(position),
        Some(index) => Counter::fixed(index),
    }
}

/// Does what was decoded.
pub(super) fn invoke(k: &mut Kernel, args: &Args, plan: PmuPlan) -> Answer {
    let server = Server {
        thread: args.caller,
        slot: args.slot,
    };
    let serves = |control: &mut PmuControl| control.server = Some(server);
    match plan {
        PmuPlan::Describe(id) => return describe(&k.pmu_controls[id], args),
        PmuPlan::Read(id) => return read(&mut k.pmu_controls[id], args),
        PmuPlan::DescribeLease(id) => {
            return Answer::of([u64::from(k.pmu_leases[id].vmm_badge)]);
        }
        PmuPlan::Program(id, plan) => {
            let control = &mut k.pmu_controls[id];
            serves(control);
            control.program(&plan);
            control.publish();
        }
        PmuPlan::SetMode {
            control: id,
            mode,
            slice_us,
        } => {
            let control = &mut k.pmu_controls[id];
            serves(control);
            let slice = u64::from(slice_us) * timer::ticks_per_us();
            control.arbiter.set_slice(slice);
            let put = control.arbiter.set_mode(mode, Ticks(timer::now().0));
            if let Some(put) = put {
                k.carry_out(id, put);
            }
            k.note_resident(id);
        }
        PmuPlan::Arm(id, lease) => {
            serves(&mut k.pmu_controls[id]);
            let epoch = k.pmu_leases[lease].lease.arm();
            let armed = Event::LeaseArmed(lease.lease().0, epoch.0.into());
            trace(k.pmu_controls[id].cpu, armed);
            return Answer::of([u64::from(epoch.0)]);
        }
        PmuPlan::Disarm(id, lease) => {
            serves(&mut k.pmu_controls[id]);
            trace(
                k.pmu_controls[id].cpu,
                Event::LeaseDisarmed(lease.lease().0),
            );
            k.disarm(id, lease);
        }
        PmuPlan::Bind(id, target) => {
            let control = &mut k.pmu_controls[id];
            serves(control);
            control.target = target;
        }
        PmuPlan::SetRing {
            control: id,
            frame,
            watermark,
        } => {
            let control = &mut k.pmu_controls[id];
            serves(control);
            let memory = frame.map(|frame| &k.frames[frame].memory);
            pmu::set_ring(control.cpu, memory, watermark);
        }
    }
    Answer::done()
}

fn describe(control: &PmuControl, args: &Args) -> Answer {
    let description = match (control.layout(), control.unsupported) {
        (Some(layout), _) => PmuDescription {
            unsupported: 0,
            version: u64::from(layout.version),
            counters: layout.counters.bits(),
            widths: u64::from(layout.gp_width) | u64::from(layout.fixed_width) << 32,
            tsc_hz: control.tsc_hz,
        },
        (None, why) => {
            let (unsupported, version) = why.map_or((1, 0), number_of);
            PmuDescription {
                unsupported,
                version,
                tsc_hz: control.tsc_hz,
                ..PmuDescription::default()
            }
        }
    };
    let words: [u64; size_of::<PmuDescription>() / 8] = zerocopy::transmute!(description);
    Answer::long(args, &words)
}

/// The reason as [`PmuDescription::unsupported`] numbers it, and the version.
fn number_of(why: pmu::Unsupported) -> (u64, u64) {
    match why {
        pmu::Unsupported::NoPmu => (1, 0),
        pmu::Unsupported::Version(version) => (2, u64::from(version)),
        pmu::Unsupported::NoFullWidthWrite => (3, 0),
        pmu::Unsupported::Width(_) => (4, 0),
    }
}

fn read(control: &mut PmuControl, args: &Args) -> Answer {
    // An NMI sets a counter back and counts the overflow: values and counts belong together only if none came in between.
    let (now, values, overflows) = loop {
        let overflows = pmu::nmi_counts(control.cpu).overflows;
        let now = Ticks(timer::now().0);
        let values = values(control);
        if pmu::nmi_counts(control.cpu).overflows == overflows {
            break (now, values, overflows);
        }
    };
    let read = CounterWords {
        now: now.0,
        guest_time: control.guest_time(now),
        values,
        overflows,
    };
    control.publish();
    let words: [u64; size_of::<CounterWords>() / 8] = zerocopy::transmute!(read);
    Answer::long(args, &words)
}

/// The host's counters, wherever they are at present.
fn values(control: &mut PmuControl) -> [u64; COUNTERS] {
    let mut values = [0; COUNTERS];
    for counter in control
        .layout()
        .map_or(CounterSet::EMPTY, |l| l.counters)
        .iter()
    {
        if let Some(value) = values.get_mut(counter.position()) {
            *value = control.read_host(counter);
        }
    }
    values
}
