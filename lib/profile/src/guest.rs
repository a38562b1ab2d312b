//! Whether the virtual machine still runs: the supervisor knows.

use idl::supervisor::{Activity, SupervisorClient};
use idl_runtime::Connection;

/// The task that runs the guest.
const VMM: &[u8] = b"guest";

/// What has become of the guest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Guest {
    /// It runs, or waits to.
    Runs,
    /// It has ended and its VMM has said so.
    Ended,
    /// There is none in this system.
    Missing,
}

/// Asks for the VMM by its name.
pub fn look(supervisor: &mut SupervisorClient<Connection>) -> Guest {
    // Tasks are numbered from 1 without gaps; the first number without a name ends the search.
    for task in 1.. {
        let Ok(name) = supervisor.task_name(task) else {
            return Guest::Missing;
        };
        if !is_vmm(name) {
            continue;
        }
        let state = u32::try_from(task)
            .ok()
            .map(|task| supervisor.task_state(task));
        return match state {
            Some(Ok(state)) if state.activity == Activity::Alive => Guest::Runs,
            Some(Ok(state)) if state.activity == Activity::Restarting => Guest::Runs,
            _ => Guest::Ended,
        };
    }
    Guest::Missing
}

/// A name is four words, its bytes padded with zeros.
fn is_vmm(name: [u64; 4]) -> bool {
    let bytes = name.into_iter().flat_map(u64::to_le_bytes);
    bytes.take_while(|&byte| byte != 0).eq(VMM.iter().copied())
}
