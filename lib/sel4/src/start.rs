//! What a task knows when its first instruction runs.

use sel4_sys::{BOOT_INFO_MAGIC, BootInfo, layout};
use sysdesc::Task;

use crate::arch;

/// What a task knows when it starts.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    generation: u64,
    is_root: bool,
}

impl Start {
    /// From the registers that the kernel starts a thread with. Only for [`task!`](crate::task).
    #[doc(hidden)]
    #[must_use]
    pub const fn from_registers(boot_info: u64, generation: u64) -> Self {
        Self {
            generation,
            is_root: boot_info == layout::BOOT_INFO,
        }
    }

    /// How often this task was started anew; 0 in its first life.
    #[must_use]
    pub const fn generation(self) -> u64 {
        self.generation
    }

    /// What the kernel says about the machine. Only the root task has it.
    #[must_use]
    pub fn boot_info(self) -> Option<&'static BootInfo> {
        self.is_root
            .then(arch::boot_info)
            .filter(|info| info.magic == BOOT_INFO_MAGIC)
    }

    /// The system's other tasks. Empty but in the root task.
    #[must_use]
    pub fn tasks(self) -> &'static [Task] {
        // Each task is one thread, and the table has all but the root's.
        self.boot_info().map_or(&[], |info| {
            arch::task_table((info.threads as usize).saturating_sub(1))
        })
    }
}

/// Instructions or cycles since the machine was switched on, by RDTSC.
#[inline(always)]
#[must_use]
pub fn timestamp() -> u64 {
    arch::timestamp()
}

/// Executes exactly two instructions for each turn, one of them a branch, and a few around them that never change.
///
/// For programs that check counters: what they must show can be counted by hand. At least one turn.
pub fn spin(turns: u64) {
    arch::spin(turns);
}
