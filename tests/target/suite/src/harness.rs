//! What a test is.

use idl::runner::RunnerClient;
use idl_runtime::Connection;
use sel4::{Cap, CpuFeatures, init_slot};

/// How a test that came to its end has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ended {
    /// It showed what its name promises.
    Passed,
    /// It could not run here, for this reason.
    Skipped(&'static str),
}

/// Tests that cannot be skipped return nothing.
impl From<()> for Ended {
    fn from((): ()) -> Self {
        Self::Passed
    }
}

/// A promise, and the function that keeps it or panics.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Test {
    /// The function's name, which is a sentence.
    pub(crate) name: &'static str,
    /// The function.
    pub(crate) run: fn() -> Ended,
}

/// The table `TESTS` of these functions.
macro_rules! tests {
    ($($name:ident)*) => {
        pub(crate) const TESTS: &[$crate::harness::Test] = &[$($crate::harness::Test {
            name: stringify!($name),
            run: || $name().into(),
        }),*];
    };
}
pub(crate) use tests;

/// Whether the kernel found this and switched it on.
pub(crate) fn machine_has(feature: CpuFeatures) -> bool {
    let machine = runner().machine().expect("the runner answers");
    CpuFeatures::from_bits_retain(machine.features).contains(feature)
}

/// The supervisor, as it wants to be talked to.
pub(crate) const fn runner() -> RunnerClient<Connection> {
    RunnerClient::new(Connection::to(Cap::from_bits(init_slot::SUPERVISOR)))
}
