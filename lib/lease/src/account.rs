//! What changing hands has cost, in numbers that everybody may read.

use crate::Ticks;

/// Why a guest's counters were taken off.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[repr(u8)]
pub enum PutReason {
    /// Its vCPU's thread left the CPU in mode `yield` or `eager`.
    Left = 0,
    /// Its slice had ended.
    SliceEnd = 1,
    /// An exit reached the VMM in mode `eager`.
    ExitToVmm = 2,
    /// Its lease was revoked.
    Revoked = 3,
    /// The server switched to a mode in which it may not stay.
    ModeChange = 4,
    /// Another guest took its place.
    Replaced = 5,
    /// Its VMM died.
    Died = 6,
}

impl PutReason {
    /// How many reasons there are.
    pub const COUNT: usize = 7;
}

/// One CPU's account. Times in ticks.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Account {
    /// Guest contexts put into the registers.
    pub loads: u64,
    /// Guest contexts taken off, by [`PutReason`].
    pub puts: [u64; PutReason::COUNT],
    /// Time for which a guest was resident, up to the last put.
    pub guest_time: u64,
    /// Exits after which the same guest stayed resident.
    pub exits_kept: u64,
    /// Entries of vCPUs that needed no counters.
    pub idle_entries: u64,
    /// Entries refused for want of a lease.
    pub refused_entries: u64,
}

impl Account {
    /// All puts.
    #[must_use]
    pub fn total_puts(&self) -> u64 {
        self.puts.iter().sum()
    }

    pub(crate) fn put(&mut self, reason: PutReason, since: Ticks, now: Ticks) {
        if let Some(count) = self.puts.get_mut(reason as usize) {
            *count += 1;
        }
        self.guest_time += now.since(since);
    }
}
