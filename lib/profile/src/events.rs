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
    /// Instructions in both rings, with a sample every [`PERIOD`].
    pub sampled: u32,
}

/// An event that excludes guests, as every host event that says nothing else.
#[must_use]
pub const fn spec(what: What, kernel: bool, period: u64) -> EventSpec {
    EventSpec {
        period,
        raw: 0,
        what,
        guests: Guests::Exclude,
        kernel,
        user: true,
    }
}

impl Events {
    /// Opens and enables them.
    ///
    /// # Errors
    /// The server's.
    pub fn open(mut pmu: PmuClient<Connection>) -> Result<Self, PmuError> {
        let [instructions, branches, sampled] = [
            spec(What::Instructions, false, 0),
            spec(What::Branches, false, 0),
            spec(What::Instructions, true, PERIOD),
        ]
        .map(|spec| pmu.open(spec));
        let events = Self {
            instructions: instructions?,
            branches: branches?,
            sampled: sampled?,
            pmu,
        };
        events.enable_all()
    }

    fn enable_all(mut self) -> Result<Self, PmuError> {
        for event in [self.instructions, self.branches, self.sampled] {
            self.pmu.enable(event)?;
        }
        Ok(self)
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
        for event in [self.instructions, self.branches, self.sampled] {
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

    /// How many instructions and branches of ring 3 `turns` turns of a loop take, what is around it included.
    ///
    /// # Errors
    /// The server's.
    pub fn measure(&mut self, turns: u64) -> Result<Counted, PmuError> {
        let instructions = self.read(self.instructions)?.value;
        let branches = self.read(self.branches)?.value;
        sel4::spin(turns);
        Ok(Counted {
            instructions: self.read(self.instructions)?.value - instructions,
            branches: self.read(self.branches)?.value - branches,
        })
    }
}

/// What was counted between two readings.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Counted {
    /// Instructions.
    pub instructions: u64,
    /// Branches.
    pub branches: u64,
}
