//! The page in which everybody may read what handing over has cost.

use core::mem::offset_of;

use pmu_drv::Operations;
use sel4_sys::pmu::AccountingPage;

use crate::arch::pmu;
use crate::object::{Id as _, PmuControl};

const GENERATION: usize = offset_of!(AccountingPage, generation) / 8;
const EXITS: usize = offset_of!(AccountingPage, exits) / 8;
const EXITS_KEPT: usize = offset_of!(AccountingPage, exits_kept) / 8;
const IDLE_ENTRIES: usize = offset_of!(AccountingPage, idle_entries) / 8;
const OPERATIONS: usize = offset_of!(AccountingPage, operations) / 8;
const EMULATED: usize = offset_of!(AccountingPage, emulated) / 8;
const WORDS: usize = size_of::<AccountingPage>() / 8;

impl PmuControl {
    /// Writes the whole page.
    pub(crate) fn publish(&mut self) {
        let (account, tally) = (*self.arbiter.account(), self.tally);
        let nmis = match self.counters {
            Some(_) => pmu::nmi_counts(self.cpu),
            None => pmu_drv::NmiCounts::default(),
        };
        let resident = self.resident().map_or(0, |id| 1 + id.index() as u64);
        let generation = self.begin_writing();
        let page = AccountingPage {
            generation,
            resident,
            loaded_at: tally.loaded_at,
            guest_time: account.guest_time,
            loads: account.loads,
            puts: account.puts,
            operations: words_of(self.operations()),
            last_load: words_of(tally.last_load),
            last_put: words_of(tally.last_put),
            last_replace: words_of(tally.last_replace),
            exits: tally.exits,
            exits_kept: account.exits_kept,
            idle_entries: account.idle_entries,
            refused_entries: account.refused_entries,
            host_pmis: nmis.host_pmis,
            guest_pmis: tally.guest_pmis,
            late_pmis: tally.late_pmis,
            swallowed_nmis: nmis.swallowed,
            throttled: nmis.throttled,
            emulated: tally.emulated,
        };
        let words: [u64; WORDS] = zerocopy::transmute!(page);
        for (index, word) in words.into_iter().enumerate().skip(GENERATION + 1) {
            self.page.set_word(index, word);
        }
        self.end_writing();
    }

    /// Writes what an entry and an exit that changed nothing else have changed.
    pub(super) fn publish_exit(&mut self) {
        let account = *self.arbiter.account();
        self.begin_writing();
        self.page.set_word(EXITS, self.tally.exits);
        self.page.set_word(EXITS_KEPT, account.exits_kept);
        self.page.set_word(IDLE_ENTRIES, account.idle_entries);
        self.end_writing();
    }

    /// Writes what adding instructions has changed. Registers were touched only for a guest that has them.
    pub(super) fn publish_emulated(&mut self, is_resident: bool) {
        let operations = is_resident.then(|| words_of(self.operations()));
        self.begin_writing();
        self.page.set_word(EMULATED, self.tally.emulated);
        for (index, word) in (OPERATIONS..).zip(operations.into_iter().flatten()) {
            self.page.set_word(index, word);
        }
        self.end_writing();
    }

    fn begin_writing(&mut self) -> u64 {
        self.tally.generation += 1;
        self.page.set_word(GENERATION, self.tally.generation);
        self.tally.generation
    }

    fn end_writing(&mut self) {
        self.tally.generation += 1;
        self.page.set_word(GENERATION, self.tally.generation);
    }
}

const _: () = assert!(GENERATION == 0);

fn words_of(operations: Operations) -> [u64; 4] {
    let Operations {
        reads,
        writes,
        counter_reads,
        vector_writes,
    } = operations;
    [reads, writes, counter_reads, vector_writes]
}
