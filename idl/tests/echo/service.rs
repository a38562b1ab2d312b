//! An echo server that remembers its calls, and calls as values.

use idl::echo::{self, Direction, EchoClient, EchoError, EchoServer, Marker};
use idl_runtime::{Bytes, Caller, Cap, Incoming, Outgoing, Refusal, Transport, cap};
use proptest::collection::vec;
use proptest::prelude::*;

/// The message words of a thread.
pub(crate) type Words = [u64; 120];

/// The last position of the server's strip.
pub(crate) const EDGE: u32 = 1000;

/// One call with its arguments.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Call {
    Ping,
    EchoWord(u64),
    EchoWords([u64; 4]),
    Sum(Bytes<64>),
    Swap(Bytes<64>, Bytes<16>),
    Step(Marker, u16, bool),
    Increment(u32),
    Fail(bool),
    Signal(u8, cap::Notification),
    Take(cap::Endpoint, cap::Notification),
    EchoLong([u64; 12]),
}

/// What the client got.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Nothing,
    Word(u64),
    Words([u64; 4]),
    LongWords([u64; 12]),
    Small(u32),
    Strings(Bytes<16>, Bytes<64>),
    Marker(Marker),
    Truth(bool),
}

impl Call {
    /// Makes this call with a client's stub.
    pub(crate) fn make(
        &self,
        client: &mut EchoClient<impl Transport>,
    ) -> Result<Answer, EchoError> {
        let refused = |why| EchoError::Refused { why };
        match *self {
            Self::Ping => client.ping().map(|()| Answer::Nothing).map_err(refused),
            Self::EchoWord(word) => client.echo_word(word).map(Answer::Word).map_err(refused),
            Self::EchoWords(words) => client.echo_words(words).map(Answer::Words).map_err(refused),
            Self::Sum(bytes) => client
                .sum(bytes.borrow())
                .map(Answer::Small)
                .map_err(refused),
            Self::Swap(first, second) => client
                .swap(first.borrow(), second.borrow())
                .map(|(first, second)| Answer::Strings(first, second))
                .map_err(refused),
            Self::Step(marker, by, wrap) => client.step(marker, by, wrap).map(Answer::Marker),
            Self::Increment(by) => client.increment(by).map(Answer::Word),
            Self::Fail(full) => client.fail(full).map(|()| Answer::Nothing),
            Self::Signal(times, cap) => client.signal(times, cap).map(|()| Answer::Nothing),
            Self::Take(endpoint, cap) => client.take(endpoint, cap).map(Answer::Truth),
            Self::EchoLong(words) => client
                .echo_long(words)
                .map(Answer::LongWords)
                .map_err(refused),
        }
    }
}

/// Any call.
pub(crate) fn any_call() -> impl Strategy<Value = Call> {
    let direction = prop_oneof![Just(Direction::Left), Just(Direction::Right)];
    let marker = (0..=EDGE, any::<[i16; 2]>(), direction, any::<[u8; 3]>()).prop_map(
        |(position, laps, direction, reserved)| Marker {
            position,
            laps,
            direction,
            reserved,
        },
    );
    prop_oneof![
        Just(Call::Ping),
        any::<u64>().prop_map(Call::EchoWord),
        any::<[u64; 4]>().prop_map(Call::EchoWords),
        any_bytes().prop_map(Call::Sum),
        (any_bytes(), any_bytes()).prop_map(|(first, second)| Call::Swap(first, second)),
        (marker, any::<u16>(), any::<bool>()).prop_map(|(m, by, wrap)| Call::Step(m, by, wrap)),
        any::<u32>().prop_map(Call::Increment),
        any::<bool>().prop_map(Call::Fail),
        (any::<u8>(), any::<u64>()).prop_map(|(times, n)| Call::Signal(times, Cap::from_bits(n))),
        (any::<u64>(), any::<u64>())
            .prop_map(|(e, n)| Call::Take(Cap::from_bits(e), Cap::from_bits(n))),
        any::<[u64; 12]>().prop_map(Call::EchoLong),
    ]
}

fn any_bytes<const N: usize>() -> impl Strategy<Value = Bytes<N>> {
    vec(any::<u8>(), 0..=N).prop_map(|bytes| Bytes::copy_of(&bytes).expect("at most N"))
}

/// The server: it does what the interface says and remembers what it was asked, and by whom.
#[derive(Debug, Default)]
pub(crate) struct Remembering {
    pub(crate) calls: Vec<(u64, Call)>,
    pub(crate) counter: u64,
}

impl Remembering {
    fn note(&mut self, caller: Caller, call: Call) {
        self.calls.push((caller.badge, call));
    }
}

impl EchoServer for Remembering {
    fn ping(&mut self, caller: Caller) {
        self.note(caller, Call::Ping);
    }

    fn echo_word(&mut self, caller: Caller, word: u64) -> u64 {
        self.note(caller, Call::EchoWord(word));
        word
    }

    fn echo_words(&mut self, caller: Caller, words: [u64; 4]) -> [u64; 4] {
        self.note(caller, Call::EchoWords(words));
        words
    }

    fn sum(&mut self, caller: Caller, bytes: Bytes<64>) -> u32 {
        self.note(caller, Call::Sum(bytes));
        bytes.iter().map(|byte| u32::from(*byte)).sum()
    }

    fn swap(
        &mut self,
        caller: Caller,
        first: Bytes<64>,
        second: Bytes<16>,
    ) -> (Bytes<16>, Bytes<64>) {
        self.note(caller, Call::Swap(first, second));
        (second, first)
    }

    fn step(
        &mut self,
        caller: Caller,
        marker: Marker,
        by: u16,
        wrap: bool,
    ) -> Result<Marker, EchoError> {
        self.note(caller, Call::Step(marker, by, wrap));
        stepped(marker, by, wrap).ok_or(EchoError::Full)
    }

    fn increment(&mut self, caller: Caller, by: u32) -> Result<u64, EchoError> {
        self.note(caller, Call::Increment(by));
        self.counter = self.counter.checked_add(by.into()).ok_or(EchoError::Full)?;
        Ok(self.counter)
    }

    fn fail(&mut self, caller: Caller, full: bool) -> Result<(), EchoError> {
        self.note(caller, Call::Fail(full));
        Err(if full {
            EchoError::Full
        } else {
            EchoError::AsRequested
        })
    }

    fn signal(
        &mut self,
        caller: Caller,
        times: u8,
        notification: cap::Notification,
    ) -> Result<(), EchoError> {
        self.note(caller, Call::Signal(times, notification));
        Ok(())
    }

    fn take(
        &mut self,
        caller: Caller,
        endpoint: cap::Endpoint,
        notification: cap::Notification,
    ) -> Result<bool, EchoError> {
        self.note(caller, Call::Take(endpoint, notification));
        Ok(endpoint.bits() != notification.bits())
    }

    fn echo_long(&mut self, caller: Caller, words: [u64; 12]) -> [u64; 12] {
        self.note(caller, Call::EchoLong(words));
        words
    }
}

/// Where a step ends, if it does not end off the edge.
pub(crate) fn stepped(marker: Marker, by: u16, wrap: bool) -> Option<Marker> {
    let by = i64::from(by)
        * if marker.direction == Direction::Left {
            -1
        } else {
            1
        };
    let end = i64::from(marker.position) + by;
    let positions = i64::from(EDGE) + 1;
    if !wrap && !(0..positions).contains(&end) {
        return None;
    }
    let position = u32::try_from(end.rem_euclid(positions)).expect("below positions");
    Some(Marker { position, ..marker })
}

/// A message on the wire, with the words after the fourth in their place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wire {
    pub(crate) label: u64,
    pub(crate) words: Vec<u64>,
    pub(crate) caps: Vec<u64>,
}

impl Wire {
    /// The message that the client's stub makes of a call.
    pub(crate) fn of(call: &Call) -> Self {
        let mut seen = None;
        let watch = |words: &mut Words, request: &Incoming| {
            let mut all: Vec<u64> = words.iter().copied().take(request.length).collect();
            for (word, register) in all.iter_mut().zip(request.registers) {
                *word = register;
            }
            let caps = request
                .caps
                .iter()
                .copied()
                .take(request.cap_count)
                .collect();
            seen = Some(Self {
                label: request.label,
                words: all,
                caps,
            });
            Outgoing::refusal(Refusal::Upstream)
        };
        let mut client = EchoClient::new(idl_runtime::Loopback::new(0, watch));
        call.make(&mut client).expect_err("the watcher refuses");
        seen.expect("every stub sends a message")
    }

    /// Gives the message to the server's stub. The words after the message's end are garbage.
    pub(crate) fn serve(&self, server: &mut Remembering) -> (Outgoing, Words) {
        let mut words = [0xdead_beef_dead_beef; 120];
        let mut registers = [0xfeed; 4];
        for (place, word) in words.iter_mut().zip(&self.words).skip(4) {
            *place = *word;
        }
        for (place, word) in registers.iter_mut().zip(&self.words) {
            *place = *word;
        }
        let mut request = Incoming::new(7, self.label, self.words.len(), registers);
        request.cap_count = self.caps.len();
        for (place, cap) in request.caps.iter_mut().zip(&self.caps) {
            *place = *cap;
        }
        let reply = echo::dispatch(server, &mut words, &request);
        (reply, words)
    }
}
