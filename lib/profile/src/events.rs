//! Events that a client keeps open from the first moment to the last.

use idl::pmu::{EventSpec, Guests, PmuClient, PmuError, Reading, What};
use idl_runtime::Connection;

/// Instructions between two samples.
pub const PERIOD: u64 = 20_000;

/// Open events of this CPU.
#[derive(Debug)]
pub struct Events {
    pmu: PmuClient<Connection>,
    /// Instructions in ring 3, which are this client's own while it runs and calls nobody.
    pub instructions: u32,
    /// Branches in ring 3.
    pub branches: u32,
    /// Instructions in ring 0.
    pub kernel: u32,
    /// Instructions in both rings, with a sample every [`PERIOD`].
    pub sampled: u32,
}

/// An event that excludes guests, as every host event that says nothing else.
#[must_use]
pub const fn spec(what: What, kernel: bool, user: bool, period: u64) -> EventSpec {
    EventSpec {
        period,
        raw: 0,
        what,
        guests: Guests::Exclude,
        kernel,
        user,
    }
}

impl Events {
    /// Opens them and enables all but the sampled one.
    ///
    /// # Errors
    /// The server's.
    pub fn open(mut pmu: PmuClient<Connection>) -> Result<Self, PmuError> {
        let [instructions, branches, kernel, sampled] = [
            spec(What::Instructions, false, true, 0),
            spec(What::Branches, false, true, 0),
            spec(What::Instructions, true, false, 0),
            spec(What::Instructions, true, true, PERIOD),
        ]
        .map(|spec| pmu.open(spec));
        let mut events = Self {
            instructions: instructions?,
            branches: branches?,
            kernel: kernel?,
            sampled: sampled?,
            pmu,
        };
        for event in [events.instructions, events.branches, events.kernel] {
            events.enable(event)?;
        }
        Ok(events)
    }

    /// Starts an event again.
    ///
    /// # Errors
    /// The server's.
    pub fn enable(&mut self, event: u32) -> Result<(), PmuError> {
        self.pmu.enable(event)
    }

    /// Stops an event; its numbers stand.
    ///
    /// # Errors
    /// The server's.
    pub fn disable(&mut self, event: u32) -> Result<(), PmuError> {
        self.pmu.disable(event)
    }

    /// Closes them.
    ///
    /// # Errors
    /// The server's.
    pub fn close(mut self) -> Result<(), PmuError> {
        for event in [self.instructions, self.branches, self.kernel, self.sampled] {
            self.pmu.close(event)?;
        }
        Ok(())
    }

    /// What an event has counted.
    ///
    /// # Errors
    /// The server's.
    pub fn read(&mut self, event: u32) -> Result<Reading, PmuError> {
        self.pmu.read(event)
    }

    /// Takes the samples that have come, and says how many, lost ones included.
    ///
    /// # Errors
    /// The server's.
    pub fn take_samples(&mut self) -> Result<u64, PmuError> {
        let mut all = 0;
        loop {
            let samples = self.pmu.take_samples(self.sampled)?;
            all += samples.count + samples.lost;
            if samples.count == 0 {
                return Ok(all);
            }
        }
    }

    /// What `turns` turns of a loop take, what is around it included.
    ///
    /// # Errors
    /// The server's.
    pub fn measure(&mut self, turns: u64) -> Result<Counted, PmuError> {
        // Ring 0 first and last: whatever breaks into one of the others shows there too.
        let kernel = self.read(self.kernel)?.value;
        let instructions = self.read(self.instructions)?.value;
        let branches = self.read(self.branches)?.value;
        sel4::spin(turns);
        Ok(Counted {
            instructions: self.read(self.instructions)?.value - instructions,
            branches: self.read(self.branches)?.value - branches,
            kernel: self.read(self.kernel)?.value - kernel,
        })
    }
}

/// What was counted between two readings.
///
/// The end of an interrupt counts for the ring that it returns to, so ring 3's numbers are exact only if none came. Then ring 0
/// has executed the same instructions as the last time, those of the system calls; an interrupt makes them more.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Counted {
    /// Instructions of ring 3.
    pub instructions: u64,
    /// Branches of ring 3.
    pub branches: u64,
    /// Instructions of ring 0.
    pub kernel: u64,
}

impl Counted {
    /// What a loop of `turns` turns must count, if `self` is what a single turn did and no interrupt came.
    #[must_use]
    pub const fn expected_of(self, turns: u64) -> Self {
        Self {
            instructions: self.instructions + 2 * (turns - 1),
            branches: self.branches + (turns - 1),
            kernel: self.kernel,
        }
    }
}
