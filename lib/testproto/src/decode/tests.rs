//! What goes in comes out again, whatever surrounds or damages it.

use proptest::prelude::*;

use super::*;
use crate::{MAX_TEXT, Verdict, send};

/// An [`Item`] that owns its bytes; records as they print.
#[derive(Clone, Debug, PartialEq)]
enum Owned {
    Text(String),
    Record(String),
    Malformed(Cause, Vec<u8>),
}

fn decode(bytes: &[u8]) -> Vec<Owned> {
    let mut items: Vec<Owned> = Vec::new();
    let mut text: Vec<u8> = Vec::new();
    let mut take = |item: Item<'_>| {
        let owned = match item {
            Item::Text(byte) => return text.push(byte),
            Item::Record(record) => Owned::Record(format!("{record:?}")),
            Item::Malformed { cause, bytes } => Owned::Malformed(cause, bytes.to_vec()),
        };
        flush(&mut text, &mut items);
        items.push(owned);
    };
    let mut decoder = Decoder::new();
    bytes.iter().for_each(|&byte| decoder.push(byte, &mut take));
    decoder.finish(&mut take);
    flush(&mut text, &mut items);
    items
}

fn flush(text: &mut Vec<u8>, items: &mut Vec<Owned>) {
    if !text.is_empty() {
        items.push(Owned::Text(String::from_utf8_lossy(text).into_owned()));
        text.clear();
    }
}

fn wire(record: &Record<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    send(record, |byte| bytes.push(byte));
    bytes
}

/// A record of any kind, made of the texts and numbers that proptest chose.
fn record_of(kind: u8, a: &'static str, b: &'static str, n: [u64; 4]) -> Record<'static> {
    let verdict = match n[0] % 3 {
        0 => Verdict::Passed,
        1 => Verdict::Failed,
        _ => Verdict::Skipped,
    };
    match kind % 7 {
        0 => Record::Hello {
            board: a,
            system: b,
        },
        1 => Record::TestBegin { name: a },
        2 => Record::TestEnd {
            name: a,
            verdict,
            note: b,
        },
        3 => Record::Metric {
            name: a,
            unit: b,
            min: n[0],
            median: n[1],
            max: n[2],
            count: n[3],
        },
        4 => Record::Trace {
            time: n[3],
            cpu: u16::from(kind),
            name: a,
            arguments: [n[0], n[1], n[2]],
        },
        5 => Record::Panic { text: a },
        _ => Record::Done,
    }
}

prop_compose! {
    fn any_record()(
        kind: u8,
        a in "(?s).{0,400}",
        b in "[\0\u{1e}a-z]{0,40}",
        n: [u64; 4],
    ) -> Record<'static> {
        // Leaked so that a strategy can hand out records that borrow.
        record_of(kind, String::leak(a), String::leak(b), n)
    }
}

prop_compose! {
    /// Text as a console prints it: anything but the frame start.
    fn any_text()(text in "(?s)[^\u{1e}]{1,300}") -> String { text }
}

proptest! {
    #[test]
    fn records_and_text_come_out_as_they_went_in(
        parts in prop::collection::vec((any_text(), any_record()), 0..6),
    ) {
        let mut bytes = Vec::new();
        let mut want = Vec::new();
        for (text, record) in &parts {
            bytes.extend(text.bytes());
            bytes.extend(wire(record));
            want.push(Owned::Text(text.clone()));
            want.push(Owned::Record(format!("{record:?}")));
        }
        prop_assert_eq!(decode(&bytes), want);
    }

    #[test]
    fn a_frame_has_no_zero_but_its_end(record in any_record()) {
        let bytes = wire(&record);
        prop_assert_eq!(bytes.iter().position(|&byte| byte == FRAME_END), Some(bytes.len() - 1));
    }

    #[test]
    fn a_truncated_frame_costs_itself_and_not_the_record_behind_it(
        first in any_record(),
        second in any_record(),
        text in "[a-z]{0,60}",
        keep: prop::sample::Index,
    ) {
        let first = wire(&first);
        let cut = 1 + keep.index(first.len() - 1);
        let mut bytes = first[..cut].to_vec();
        bytes.extend(text.bytes());
        bytes.extend(wire(&second));
        let items = decode(&bytes);
        prop_assert_eq!(items.len(), 2, "{:?}", items);
        prop_assert!(matches!(&items[0], Owned::Malformed(Cause::Damaged, lost)
            if lost.ends_with(text.as_bytes())));
        prop_assert_eq!(&items[1], &Owned::Record(format!("{second:?}")));
    }

    #[test]
    fn a_changed_byte_is_never_read_as_another_record(
        record in any_record(),
        at: prop::sample::Index,
        flip in 1..=255u8,
    ) {
        let mut bytes = wire(&record);
        // Not the start and not the end: without those there is no frame to damage.
        let index = 1 + at.index(bytes.len() - 2);
        bytes[index] ^= flip;
        let records: Vec<_> =
            decode(&bytes).into_iter().filter(|item| matches!(item, Owned::Record(_))).collect();
        prop_assert_eq!(records, vec![]);
    }

    #[test]
    fn any_bytes_at_all_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..10_000)) {
        decode(&bytes);
    }
}

#[test]
fn a_frame_without_an_end_is_given_up_and_the_next_record_is_found() {
    let mut bytes = vec![FRAME_START];
    bytes.extend([b'x'; 3 * MAX_ENCODED]);
    bytes.extend(b"\n");
    bytes.extend(wire(&Record::Done));
    let items = decode(&bytes);
    assert!(
        matches!(&items[0], Owned::Malformed(Cause::TooLong, lost) if lost.len() == MAX_ENCODED)
    );
    assert_eq!(items.last(), Some(&Owned::Record("Done".into())));
}

#[test]
fn a_start_inside_an_endless_frame_is_where_decoding_goes_on() {
    let mut bytes = vec![FRAME_START];
    bytes.extend([b'x'; MAX_ENCODED - 4]);
    bytes.extend(wire(&Record::TestBegin { name: "behind" }));
    let items = decode(&bytes);
    assert_eq!(
        items.last(),
        Some(&Owned::Record("TestBegin { name: \"behind\" }".into()))
    );
}

#[test]
fn a_stream_that_ends_inside_a_frame_says_so_and_gives_the_bytes() {
    assert_eq!(
        decode(b"\x1eabc"),
        [Owned::Malformed(Cause::CutOff, b"abc".to_vec())]
    );
}

#[test]
fn a_record_of_a_kind_that_we_do_not_know_is_named_unknown() {
    // Payload 0xee, its checksum, as one run of three.
    let mut sum = Checksum::new();
    sum.add(0xee);
    let [low, high] = sum.value().to_le_bytes();
    let bytes = [FRAME_START, 4, 0xee, low, high, FRAME_END];
    assert!(matches!(
        decode(&bytes)[..],
        [Owned::Malformed(Cause::Unknown, _)]
    ));
}

#[test]
fn a_text_that_is_too_long_is_cut_at_a_character() {
    let text = "ä".repeat(MAX_TEXT);
    let items = decode(&wire(&Record::Panic { text: &text }));
    let cut = "ä".repeat(MAX_TEXT / 2);
    assert_eq!(
        items,
        [Owned::Record(format!("{:?}", Record::Panic { text: &cut }))]
    );
}

#[test]
fn the_longest_record_fits_a_frame() {
    let text = "x".repeat(2 * MAX_TEXT);
    let record = Record::TestEnd {
        name: &text,
        verdict: Verdict::Failed,
        note: &text,
    };
    assert!(matches!(decode(&wire(&record))[..], [Owned::Record(_)]));
}
