//! What the client does with the server, step by step, and what it expects to see.

use core::fmt::{self, Write as _};

use idl::echo::{Direction, EchoClient, EchoError, Marker};
use idl::supervisor::{EndReason, SupervisorClient, Verdict};
use idl_runtime::{BytesRef, Connection, cap};
use sel4::cap::{CNode, Notification};
use sel4::{Cap, CapRights, init_slot};
use text::Printer;

use crate::{caps, notes};

/// The steps, in order.
const STEPS: &[fn(&mut Story)] = &[
    Story::words,
    Story::bytes,
    Story::structures,
    Story::errors,
    Story::notification,
    Story::capabilities,
    Story::count,
    Story::kill,
    Story::ask_who_died,
    Story::count_again,
];

/// The client's connections, and how it has gone so far.
pub(crate) struct Story {
    echo: EchoClient<Connection>,
    supervisor: SupervisorClient<Connection>,
    out: Printer,
    verdict: Verdict,
}

impl Story {
    pub(crate) const fn new() -> Self {
        Self {
            echo: EchoClient::new(Connection::to(caps::echo)),
            supervisor: SupervisorClient::new(Connection::to(Cap::from_bits(
                init_slot::SUPERVISOR,
            ))),
            out: Printer::to(caps::console),
            verdict: Verdict::Passed,
        }
    }

    /// Does everything, and says whether all of it went as expected.
    pub(crate) fn tell(mut self) -> Verdict {
        STEPS.iter().for_each(|step| step(&mut self));
        self.verdict
    }

    /// Prints the sentence if what was seen is what was expected.
    fn check<T: PartialEq + fmt::Debug>(&mut self, seen: T, expected: T, sentence: &str) {
        // Without a console the verdict still counts.
        let _ = if seen == expected {
            writeln!(self.out, "{sentence}")
        } else {
            self.verdict = Verdict::Failed;
            writeln!(
                self.out,
                "WRONG, not \"{sentence}\": expected {expected:?}, saw {seen:?}"
            )
        };
    }

    fn words(&mut self) {
        let long = core::array::from_fn(|i| i as u64 * 3);
        let echo = &mut self.echo;
        let seen = (
            echo.ping(),
            echo.echo_word(42),
            echo.echo_words([1, 2, 3, 4]),
            echo.echo_long(long),
        );
        let expected = (Ok(()), Ok(42), Ok([1, 2, 3, 4]), Ok(long));
        self.check(
            seen,
            expected,
            "I sent 0, 1, 4 and 12 words to the echo server and got them back.",
        );
    }

    fn bytes(&mut self) {
        let sum = self.echo.sum(BytesRef::from(b"relay race"));
        let swapped = self
            .echo
            .swap(BytesRef::from(b"first"), BytesRef::from(b"second"));
        let is_swapped = swapped.is_ok_and(|(a, b)| (&*a, &*b) == (b"second", b"first"));
        self.check(
            (sum, is_swapped),
            (Ok(984), true),
            "I had byte strings added up and swapped.",
        );
    }

    fn structures(&mut self) {
        let marker = Marker {
            position: 95,
            laps: [0, 0],
            direction: Direction::Right,
            reserved: [0; 3],
        };
        let beyond = Marker {
            position: 5,
            laps: [1, 0],
            ..marker
        };
        let seen = (
            self.echo.step(marker, 10, true),
            self.echo.step(marker, 10, false),
        );
        let sentence = "I sent structures, and was refused what the server does not allow.";
        self.check(seen, (Ok(beyond), Err(EchoError::Full)), sentence);
    }

    fn errors(&mut self) {
        let seen = (self.echo.fail(true), self.echo.fail(false));
        let expected = (Err(EchoError::Full), Err(EchoError::AsRequested));
        self.check(seen, expected, "I asked for two errors and got them.");
    }

    fn notification(&mut self) {
        // What the server gets is a copy that may only signal, with a bit of its own.
        let cnode: CNode = Cap::from_bits(init_slot::CNODE);
        let mine: Notification = Cap::from_bits(init_slot::NOTIFICATION);
        let bell = caps::bell.bits();
        let minted = cnode.mint(bell, cnode, mine.bits(), CapRights::WRITE, notes::rung);
        let called = self.echo.signal(3, Notification::from_bits(bell));
        let heard = mine.poll().1;
        let taken_back = cnode.revoke(bell).and_then(|()| cnode.delete(bell));
        let expected = (Ok(()), Ok(()), notes::rung, Ok(()));
        let sentence =
            "I lent the server a bell (a notification), heard it ring, and took it back.";
        self.check((minted, called, heard, taken_back), expected, sentence);
    }

    fn capabilities(&mut self) {
        let endpoint = cap::Endpoint::from_bits(caps::meeting.bits());
        let notification = Notification::from_bits(init_slot::NOTIFICATION);
        let seen = self.echo.take(endpoint, notification);
        self.check(seen, Ok(true), "I passed two capabilities in one message.");
    }

    fn count(&mut self) {
        let seen = [
            self.echo.increment(5),
            self.echo.increment(5),
            self.echo.increment(5),
        ];
        let sentence =
            "I counted to 15 in the server's memory. Now I call its increment(0), which has a bug.";
        self.check(seen, [Ok(5), Ok(10), Ok(15)], sentence);
    }

    fn kill(&mut self) {
        let seen = self.echo.increment(0);
        let expected = Err(EchoError::ServerDied { generation: 0 });
        self.check(
            seen,
            expected,
            "My call failed: the server died. I still run.",
        );
    }

    fn ask_who_died(&mut self) {
        let mut dead = (1..).map_while(|task| self.supervisor.task_state(task).ok());
        let state = dead.find(|state| state.generation > 0);
        let state = state.map(|state| (state.generation, state.last_end));
        let sentence = "The supervisor says: one task panicked, and its generation 1 serves now.";
        self.check(state, Some((1, EndReason::Panicked)), sentence);
    }

    fn count_again(&mut self) {
        let seen = self.echo.increment(5);
        self.check(
            seen,
            Ok(5),
            "I counted again: the new server starts from 0, with fresh memory.",
        );
    }
}
