//! The page that tells the root task about the machine.

use core::mem::offset_of;

use sel4_sys::{BOOT_INFO_MAGIC, BootInfo};
use sysdesc::SystemImage;
use zerocopy::IntoBytes;

use crate::arch::boot::Machine;
use crate::arch::mm::Frame;
use crate::arch::timer::Ticks;

/// Writes all but the time at which the first task starts.
pub(crate) fn write(page: &Frame, image: &SystemImage<'_>, machine: &Machine) {
    let info = BootInfo {
        magic: BOOT_INFO_MAGIC,
        tsc_hz: machine.tsc_hz,
        tsc_at_entry: machine.tsc_at_entry,
        tsc_at_first_task: 0,
        features: machine.features.bits(),
        cpus: machine.cpus,
        threads: u32::try_from(image.threads.len()).unwrap_or(u32::MAX),
        memory_bytes: machine.memory_bytes,
        used_bytes: machine.used_bytes,
        system: image.header.system.0,
        cpu: machine.brand,
    };
    let (words, _) = info.as_bytes().as_chunks::<8>();
    if let Some(page) = page.page(0) {
        for (i, word) in words.iter().enumerate() {
            page.set_word(i, u64::from_le_bytes(*word));
        }
    }
}

/// Writes the time at which the first task starts.
pub(crate) fn write_start(page: &Frame, now: Ticks) {
    if let Some(page) = page.page(0) {
        page.set_word(offset_of!(BootInfo, tsc_at_first_task) / 8, now.0);
    }
}
