//! IPC between a client and a server, in every form.

use sel4_sys::{ObjectKind, slot};

use super::machine::{Machine, message, received};
use super::system::{Number, System};
use crate::object::State;

/// Where both have the endpoint.
const EP: u64 = 16;
const CLIENT: Number = 0;
const SERVER: Number = 1;
const BADGE: u64 = 77;

fn pair(passive: bool) -> System {
    let mut system = System::new();
    assert_eq!(system.task(10), CLIENT);
    let server = if passive {
        system.passive_task(20)
    } else {
        system.task(20)
    };
    assert_eq!(server, SERVER);
    let endpoint = system.endpoint();
    let all = system.give(SERVER, EP, ObjectKind::Endpoint, endpoint);
    system.derive(all, CLIENT, EP, BADGE);
    system
}

#[test]
fn a_call_is_answered() {
    let mut m = Machine::boot(&pair(false));
    m.recv(SERVER, EP, slot::REPLY);
    m.call(CLIENT, EP, &message(5, &[1, 2, 3]));
    assert_eq!(m.got(SERVER), received(BADGE, 5, &[1, 2, 3]));
    assert_eq!(m.state(CLIENT), State::Calling);
    m.reply_recv(SERVER, EP, slot::REPLY, &message(0, &[9]));
    assert_eq!(m.running(), Some(CLIENT));
    assert_eq!(m.got(CLIENT), received(0, 0, &[9]));
    assert_eq!(m.state(SERVER), State::Receiving);
}
