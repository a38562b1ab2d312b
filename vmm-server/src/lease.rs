//! Asking pmu-server for the counters.

use idl::pmu::{Description, PmuClient, PmuError};
use idl_runtime::Connection;
use sel4::cap::Endpoint;

/// What became of a request for the lease.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub(crate) enum Answer {
    /// It is armed: enter the guest again.
    Granted,
    /// Somebody excludes the guest at present: ask again later.
    Later,
    /// It will never be: the guest's counters stand still.
    Never(PmuError),
}

/// The way to pmu-server.
#[derive(Debug)]
pub(crate) struct Leases {
    server: PmuClient<Connection>,
    /// Requests so far.
    pub(crate) requests: u64,
}

impl Leases {
    pub(crate) const fn from(server: Endpoint) -> Self {
        Self {
            server: PmuClient::new(Connection::to(server)),
            requests: 0,
        }
    }

    /// The CPU's counters.
    pub(crate) fn describe(&mut self) -> Result<Description, PmuError> {
        self.server.describe()
    }

    /// Gives the lease back, if it was ever asked for: the guest has ended, and would keep the counters for nothing.
    pub(crate) fn release(&mut self) {
        if self.requests > 0 {
            // A server that is not there has taken the counters away already.
            let _ = self.server.release_lease();
        }
    }

    /// Asks for the lease.
    pub(crate) fn acquire(&mut self) -> Answer {
        self.requests += 1;
        match self.server.acquire_lease() {
            Ok(_epoch) => Answer::Granted,
            // A server that keeps dying has been asked again by the stub; its next life may do better.
            Err(PmuError::Busy | PmuError::ServerDied { .. } | PmuError::Refused { .. }) => {
                Answer::Later
            }
            Err(why) => Answer::Never(why),
        }
    }
}
