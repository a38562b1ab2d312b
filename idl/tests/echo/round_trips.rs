//! What a client's stub sends, the server's stub understands, and back.

use crate::service::{Answer, Call, Remembering, Words, any_call, stepped};
use idl::echo::{Direction, EchoClient, EchoError, Marker, dispatch};
use idl_runtime::client::REPEATS;
use idl_runtime::{Buffer, Incoming, Loopback, Outgoing, Refusal, Transport, label};
use proptest::prelude::*;

proptest! {
    #[test]
    fn every_call_arrives_as_it_was_made_and_its_answer_comes_back(
        call in any_call(),
        badge: u64,
        counter in prop_oneof![Just(0), Just(u64::MAX - 5)],
    ) {
        let mut server = Remembering { counter, ..Remembering::default() };
        let loopback = Loopback::new(badge, |words: &mut Words, request: &Incoming| {
            dispatch(&mut server, words, request)
        });
        let answer = call.make(&mut EchoClient::new(loopback));

        let wanted = match call {
            Call::Ping | Call::Signal(..) => Ok(Answer::Nothing),
            Call::EchoWord(word) => Ok(Answer::Word(word)),
            Call::EchoWords(words) => Ok(Answer::Words(words)),
            Call::EchoLong(words) => Ok(Answer::LongWords(words)),
            Call::Sum(bytes) => Ok(Answer::Small(bytes.iter().copied().map(u32::from).sum())),
            Call::Swap(first, second) => Ok(Answer::Strings(second, first)),
            Call::Step(marker, by, wrap) => {
                stepped(marker, by, wrap).map(Answer::Marker).ok_or(EchoError::Full)
            }
            Call::Increment(by) => {
                counter.checked_add(by.into()).map(Answer::Word).ok_or(EchoError::Full)
            }
            Call::Fail(true) => Err(EchoError::Full),
            Call::Fail(false) => Err(EchoError::AsRequested),
            Call::Take(endpoint, notification) => {
                Ok(Answer::Truth(endpoint.bits() != notification.bits()))
            }
        };
        prop_assert_eq!(answer, wanted);
        prop_assert_eq!(server.calls, vec![(badge, call)]);
    }

    /// The server may be wrong or hostile; the client then has an error, not a panic.
    #[test]
    fn no_answer_makes_a_client_panic(
        call in any_call(),
        reply_label in prop_oneof![0..3_u64, 0xffe..0x1008_u64, any::<u64>()],
        length in prop_oneof![0..4_usize, 0..128_usize],
        registers: [u64; 4],
        cap_count in 0..4_usize,
        filling: u64,
    ) {
        let reply = Incoming { cap_count, ..Incoming::new(0, reply_label, length, registers) };
        let transport = Fixed { reply, words: [filling; 120] };
        let _ = call.make(&mut EchoClient::new(transport));
    }
}

/// Gives the same answer to everything.
struct Fixed {
    reply: Incoming,
    words: Words,
}

impl Buffer for Fixed {
    fn with<R>(&mut self, f: impl FnOnce(&mut Words) -> R) -> R {
        f(&mut self.words)
    }
}

impl Transport for Fixed {
    fn call(&mut self, _request: Outgoing) -> Incoming {
        self.reply
    }
}

/// A server that dies in the middle of the first calls, each life once; and how often it was called.
fn dying(
    times: u64,
) -> (
    impl FnMut(&mut Words, &Incoming) -> Outgoing,
    std::rc::Rc<std::cell::Cell<u64>>,
) {
    let calls = std::rc::Rc::new(std::cell::Cell::new(0));
    let count = calls.clone();
    let mut server = Remembering::default();
    let serve = move |words: &mut Words, request: &Incoming| {
        let life = count.get();
        count.set(life + 1);
        let reply = dispatch(&mut server, words, request);
        if life >= times {
            return reply;
        }
        // What a server leaves in the buffer on its way down is not what the client sent.
        words.fill(u64::MAX);
        Outgoing::new(words, label::SERVER_DIED, [life])
    };
    (serve, calls)
}

#[test]
fn an_operation_that_may_not_be_repeated_is_sent_once_and_names_the_generation_that_died() {
    let (server, calls) = dying(2);
    let mut client = EchoClient::new(Loopback::new(0, server));
    assert_eq!(
        client.increment(1),
        Err(EchoError::ServerDied { generation: 0 })
    );
    assert_eq!(
        client.increment(1),
        Err(EchoError::ServerDied { generation: 1 })
    );
    assert_eq!(client.increment(1), Ok(3));
    assert_eq!(calls.get(), 3);
}

#[test]
fn an_idempotent_operation_is_repeated_with_its_arguments_until_the_server_lives() {
    let (server, calls) = dying(REPEATS.into());
    let mut client = EchoClient::new(Loopback::new(0, server));
    let words = core::array::from_fn(|index| index as u64);
    assert_eq!(client.echo_long(words), Ok(words));
    assert_eq!(calls.get(), u64::from(REPEATS) + 1);
}

#[test]
fn an_idempotent_operation_gives_up_when_the_server_keeps_dying() {
    let (server, calls) = dying(u64::MAX);
    let mut client = EchoClient::new(Loopback::new(0, server));
    assert_eq!(client.echo_word(1), Err(Refusal::ServerKeepsDying));
    let marker = Marker {
        position: 0,
        laps: [0; 2],
        direction: Direction::Left,
        reserved: [0; 3],
    };
    let why = Refusal::ServerKeepsDying;
    assert_eq!(
        client.step(marker, 0, false),
        Err(EchoError::Refused { why })
    );
    assert_eq!(calls.get(), 2 * (u64::from(REPEATS) + 1));
}

#[test]
fn an_answer_that_the_operation_does_not_have_is_a_bad_reply() {
    let table = [
        ("results missing", label::OK, 0, 0),
        ("a word too many", label::OK, 2, 0),
        ("a capability", label::OK, 1, 1),
        ("an unknown error", 3, 0, 0),
        ("an error with a word", 1, 1, 0),
        (
            "a refusal that only clients make",
            Refusal::ServerKeepsDying.label(),
            0,
            0,
        ),
        ("a label of the kernel", label::KERNEL_BASE + 1, 0, 0),
    ];
    for (what, reply_label, length, cap_count) in table {
        let reply = Incoming {
            cap_count,
            ..Incoming::new(0, reply_label, length, [0; 4])
        };
        let mut client = EchoClient::new(Fixed {
            reply,
            words: [0; 120],
        });
        let why = Refusal::BadReply;
        assert_eq!(
            client.increment(1),
            Err(EchoError::Refused { why }),
            "{what}"
        );
    }
}

#[test]
fn refusals_of_the_server_reach_the_client_by_name() {
    let made_by_servers = [
        Refusal::UnknownOperation,
        Refusal::WrongLength,
        Refusal::InvalidValue,
        Refusal::WrongCapabilities,
        Refusal::Upstream,
    ];
    for why in made_by_servers {
        let reply = Incoming::new(0, why.label(), 0, [0; 4]);
        let mut client = EchoClient::new(Fixed {
            reply,
            words: [0; 120],
        });
        assert_eq!(client.ping(), Err(why));
    }
}
