//! Guests, virtual CPUs and counters from the system image.

use lease::Lease;
use pmu_drv::PmuContext;
use sysdesc::SystemImage;

use super::{BootError, unstage};
use crate::arch::boot::Boot;
use crate::arch::mm::PageRef;
use crate::arch::{CpuId, MAX_CPUS};
use crate::object::{
    Activity, Blind, Entry, Frame, FrameId, GuestSpace, GuestSpaceId, Id, PmuControl, PmuControlId,
    PmuLease, PmuLeaseId, Pool, StatePage, ThreadId, Vcpu, VcpuId,
};

pub(super) fn make_spaces(
    boot: &mut Boot,
    image: &SystemImage<'_>,
) -> Result<Pool<GuestSpaceId, GuestSpace>, BootError> {
    let staged = boot.carve(image.guest_spaces.len(), |_| None)?;
    for (record, place) in image.guest_spaces.iter().zip(&mut *staged) {
        let mut tables = boot.guest_space()?;
        boot.add_guest_tables(&mut tables, record.tables)?;
        *place = Some(GuestSpace {
            tables,
            declared: record.tables,
        });
    }
    Ok(Pool::new(unstage(boot, staged)?))
}

pub(super) fn make_vcpus(
    boot: &mut Boot,
    image: &SystemImage<'_>,
    frames: &Pool<FrameId, Frame>,
) -> Result<Pool<VcpuId, Vcpu>, BootError> {
    let machines = boot.carve_vcpus(image.vcpus.len())?;
    let staged = boot.carve(machines.len(), |_| None)?;
    let all = image.vcpus.iter().zip(machines).zip(&mut *staged);
    for (i, ((record, machine), place)) in all.enumerate() {
        // The image's check saw that all of them exist.
        let wrong = BootError::Image(sysdesc::ImageError::Vcpu(i));
        *place = Some(Vcpu {
            machine,
            thread: ThreadId::new(record.thread).ok_or(wrong)?,
            space: GuestSpaceId::new(record.guest_space).ok_or(wrong)?,
            lease: PmuLeaseId::new(record.lease).ok_or(wrong)?,
            page: StatePage(first_page(frames, record.state_region).ok_or(wrong)?),
            context: PmuContext::new(),
            is_idle: true,
            direct: Default::default(),
            pmi: Default::default(),
            blind: Blind::default(),
            blind_time: 0,
            entry: Entry::default(),
            deadline: u64::MAX,
            activity: Activity::default(),
            slot: None,
        });
    }
    Ok(Pool::new(unstage(boot, staged)?))
}

pub(super) fn make_controls(
    boot: &mut Boot,
    image: &SystemImage<'_>,
    frames: &Pool<FrameId, Frame>,
) -> Result<Pool<PmuControlId, PmuControl>, BootError> {
    let tsc_hz = boot.machine().tsc_hz;
    let staged = boot.carve(image.pmu_controls.len(), |_| None)?;
    for (i, (record, place)) in image.pmu_controls.iter().zip(&mut *staged).enumerate() {
        let wrong = BootError::Image(sysdesc::ImageError::PmuControl(i));
        let cpu = CpuId::new(record.cpu).ok_or(wrong)?;
        let page = first_page(frames, record.accounting_region).ok_or(wrong)?;
        *place = Some(PmuControl::new(cpu, page, tsc_hz));
    }
    Ok(Pool::new(unstage(boot, staged)?))
}

/// Which control is each CPU's.
pub(super) fn controls_by_cpu(image: &SystemImage<'_>) -> [Option<PmuControlId>; MAX_CPUS] {
    core::array::from_fn(|cpu| {
        let mut records = image.pmu_controls.iter();
        let at = records.position(|record| usize::try_from(record.cpu) == Ok(cpu))?;
        PmuControlId::new(u16::try_from(at).ok()?)
    })
}

pub(super) fn make_leases(
    boot: &mut Boot,
    image: &SystemImage<'_>,
) -> Result<Pool<PmuLeaseId, PmuLease>, BootError> {
    let staged = boot.carve(image.pmu_leases.len(), |_| None)?;
    for (record, place) in image.pmu_leases.iter().zip(&mut *staged) {
        *place = Some(PmuLease {
            lease: Lease::default(),
            cpu: CpuId::new(record.cpu),
            vmm_badge: record.vmm_badge,
        });
    }
    Ok(Pool::new(unstage(boot, staged)?))
}

fn first_page(frames: &Pool<FrameId, Frame>, region: u16) -> Option<PageRef> {
    frames[FrameId::new(region)?].memory.page(0)
}
