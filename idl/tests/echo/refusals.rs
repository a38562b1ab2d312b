//! Messages that are none of the interface's: refused, without effect.

use crate::service::{Call, Remembering, Wire, any_call};
use idl::echo::{Direction, Marker, dispatch, op};
use idl_runtime::{Bytes, Cap, Incoming, Refusal, label};
use proptest::prelude::*;

/// A marker whose encoding is worked out by hand below.
const MARKER: Marker = Marker {
    position: 0x11,
    laps: [2, -1],
    direction: Direction::Right,
    reserved: [0; 3],
};

#[test]
fn messages_lie_as_the_reference_says() {
    let step = Wire::of(&Call::Step(MARKER, 0x0303, true));
    assert_eq!(step.label, 6);
    // position, laps; then direction, reserved, by, wrap, a byte of padding.
    assert_eq!(step.words, [0xffff_0002_0000_0011, 0x0001_0303_0000_0002]);

    let first = Bytes::copy_of(b"abcdefghi").unwrap();
    let second = Bytes::copy_of(b"XY").unwrap();
    let swap = Wire::of(&Call::Swap(first, second));
    // Both lengths; then nine bytes in two words; then two bytes in one.
    assert_eq!(
        swap.words,
        [0x0002_0009, 0x6867_6665_6463_6261, 0x69, 0x5958]
    );

    let take = Wire::of(&Call::Take(Cap::from_bits(5), Cap::from_bits(6)));
    assert_eq!((take.words, take.caps), (vec![], vec![5, 6]));
}

#[test]
fn each_malformed_message_gets_the_refusal_that_says_what_is_wrong() {
    let step = || Wire::of(&Call::Step(MARKER, 3, true));
    let sum = |text: &[u8]| Wire::of(&Call::Sum(Bytes::copy_of(text).unwrap()));
    let signal = || Wire::of(&Call::Signal(1, Cap::from_bits(5)));
    let with = |mut wire: Wire, word: usize, value: u64| {
        wire.words[word] = value;
        wire
    };
    let table = [
        (
            "operation 0",
            Wire { label: 0, ..step() },
            Refusal::UnknownOperation,
        ),
        (
            "operation 4095",
            Wire {
                label: 4095,
                ..step()
            },
            Refusal::UnknownOperation,
        ),
        (
            "a kernel's label",
            Wire {
                label: label::SERVER_DIED,
                ..step()
            },
            Refusal::UnknownOperation,
        ),
        (
            "a word missing",
            Wire {
                words: step().words[..1].to_vec(),
                ..step()
            },
            Refusal::WrongLength,
        ),
        (
            "a word left over",
            Wire {
                words: vec![0; 3],
                ..step()
            },
            Refusal::WrongLength,
        ),
        (
            "words for none",
            Wire {
                label: op::PING,
                words: vec![0],
                ..step()
            },
            Refusal::WrongLength,
        ),
        (
            "127 words",
            Wire {
                words: vec![0; 127],
                ..step()
            },
            Refusal::WrongLength,
        ),
        (
            "a bool of 2",
            with(step(), 1, 0x0002_0003_0000_0002),
            Refusal::InvalidValue,
        ),
        (
            "direction 0",
            with(step(), 1, 0x0001_0003_0000_0000),
            Refusal::InvalidValue,
        ),
        (
            "direction 3",
            with(step(), 1, 0x0001_0003_0000_0003),
            Refusal::InvalidValue,
        ),
        (
            "padding of 1",
            with(step(), 1, 0x0101_0003_0000_0002),
            Refusal::InvalidValue,
        ),
        (
            "65 bytes of 64",
            with(sum(&[1; 64]), 0, 65),
            Refusal::InvalidValue,
        ),
        (
            "65535 bytes of 64",
            with(sum(&[1; 64]), 0, 0xffff),
            Refusal::InvalidValue,
        ),
        (
            "9 bytes in a word",
            with(sum(&[1; 8]), 0, 9),
            Refusal::WrongLength,
        ),
        (
            "8 bytes in two words",
            with(sum(&[1; 9]), 0, 8),
            Refusal::WrongLength,
        ),
        (
            "a byte behind the end",
            with(sum(b"abc"), 1, 0x0100_0000),
            Refusal::InvalidValue,
        ),
        (
            "no record",
            Wire {
                words: vec![],
                ..sum(b"")
            },
            Refusal::WrongLength,
        ),
        (
            "no capability",
            Wire {
                caps: vec![],
                ..signal()
            },
            Refusal::WrongCapabilities,
        ),
        (
            "two capabilities",
            Wire {
                caps: vec![5, 6],
                ..signal()
            },
            Refusal::WrongCapabilities,
        ),
        (
            "one for none",
            Wire {
                caps: vec![5],
                ..step()
            },
            Refusal::WrongCapabilities,
        ),
    ];
    for (what, wire, why) in table {
        let mut server = Remembering::default();
        let (reply, _) = wire.serve(&mut server);
        assert_eq!((reply.label, reply.length), (why.label(), 0), "{what}");
        assert_eq!(server.calls, [], "{what}");
    }
}

#[test]
fn a_badge_in_a_capabilitys_place_is_refused() {
    let request = Incoming {
        cap_count: 1,
        unwrapped: 1,
        ..Incoming::new(0, op::SIGNAL, 1, [0; 4])
    };
    let mut server = Remembering::default();
    let reply = dispatch(&mut server, &mut [0; 120], &request);
    assert_eq!(reply.label, Refusal::WrongCapabilities.label());
    assert_eq!(server.calls, []);
}

/// One way to spoil a message.
#[derive(Clone, Debug)]
enum Spoil {
    Byte { at: usize, value: u8 },
    Push(u64),
    Pop,
    Label(u64),
    Caps(Vec<u64>),
}

fn any_spoil() -> impl Strategy<Value = Spoil> {
    prop_oneof![
        4 => (0..64_usize, prop_oneof![0..3_u8, any::<u8>()])
            .prop_map(|(at, value)| Spoil::Byte { at, value }),
        1 => prop_oneof![Just(0), any::<u64>()].prop_map(Spoil::Push),
        1 => Just(Spoil::Pop),
        1 => (0..14_u64).prop_map(Spoil::Label),
        1 => prop::collection::vec(any::<u64>(), 0..=3).prop_map(Spoil::Caps),
    ]
}

impl Wire {
    fn spoil(&mut self, spoil: Spoil) {
        match spoil {
            Spoil::Byte { at, value } => {
                if let Some(word) = self.words.get_mut(at / 8) {
                    let mut bytes = word.to_le_bytes();
                    bytes
                        .iter_mut()
                        .skip(at % 8)
                        .take(1)
                        .for_each(|byte| *byte = value);
                    *word = u64::from_le_bytes(bytes);
                }
            }
            Spoil::Push(word) => self.words.push(word),
            Spoil::Pop => drop(self.words.pop()),
            Spoil::Label(label) => self.label = label,
            Spoil::Caps(caps) => self.caps = caps,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    /// Refused, or heard as the one call that is encoded exactly so: nothing is read loosely.
    #[test]
    fn a_spoilt_message_is_refused_or_is_another_calls_only_encoding(
        call in any_call(),
        spoils in prop::collection::vec(any_spoil(), 1..4),
    ) {
        let mut wire = Wire::of(&call);
        spoils.into_iter().for_each(|spoil| wire.spoil(spoil));
        let mut server = Remembering::default();
        let (reply, _) = wire.serve(&mut server);
        match server.calls.as_slice() {
            [] => {
                prop_assert!(Refusal::from_label(reply.label).is_some());
                prop_assert_eq!((reply.length, reply.cap_count), (0, 0));
            }
            [(_, heard)] => prop_assert_eq!(Wire::of(heard), wire),
            more => prop_assert!(false, "one message, {} calls", more.len()),
        }
    }

    #[test]
    fn no_message_makes_a_server_panic(
        request_label in prop_oneof![0..14_u64, any::<u64>()],
        length in prop_oneof![0..16_usize, any::<usize>()],
        registers in prop::array::uniform4(prop_oneof![0..80_u64, any::<u64>()]),
        cap_count in prop_oneof![0..4_usize, any::<usize>()],
        unwrapped in prop_oneof![Just(0_u64), any::<u64>()],
        filling: u64,
    ) {
        let request = Incoming {
            cap_count,
            unwrapped,
            ..Incoming::new(0, request_label, length, registers)
        };
        let mut server = Remembering::default();
        let reply = dispatch(&mut server, &mut [filling; 120], &request);
        prop_assert!(reply.length <= 120 && reply.cap_count == 0);
        prop_assert_eq!(server.calls.is_empty(), Refusal::from_label(reply.label).is_some());
    }
}
