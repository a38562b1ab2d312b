//! Operations of CNodes.

use sel4::cap::CNode;
use sel4::{Cap, CapRights, Error, init_slot};

use crate::caps;
use crate::harness::tests;

tests! {
    a_copy_works_like_its_source
    a_copy_never_has_more_rights_than_its_source
    a_full_slot_takes_no_second_capability
    an_empty_slot_cannot_be_copied
    a_slot_beyond_the_end_is_not_found
    slot_0_cannot_be_filled
    a_badge_can_be_given_once
    a_badge_is_for_endpoints_and_notifications
    moving_empties_the_source
    deleting_a_copy_leaves_the_source
    deleting_the_middle_of_a_chain_leaves_its_ends
    revoking_deletes_all_descendants_and_nothing_else
    an_operation_that_does_not_exist_is_refused
    a_message_without_its_words_is_refused
}

/// This task's CNode.
pub(crate) fn own() -> CNode {
    Cap::from_bits(init_slot::CNODE)
}

const A: u64 = caps::made.bits();
const B: u64 = caps::made2.bits();
const C: u64 = caps::made3.bits();
const ALL: CapRights = CapRights::all();
const NOTIFICATION: u64 = init_slot::NOTIFICATION;

/// Whether a slot holds something: it can be copied.
fn is_full(slot: u64) -> bool {
    let spare = caps::given3.bits();
    match own().copy(spare, own(), slot, ALL) {
        Ok(()) => own().delete(spare).is_ok(),
        Err(error) => {
            assert_eq!(error, Error::FailedLookup);
            false
        }
    }
}

fn a_copy_works_like_its_source() {
    assert_eq!(own().copy(A, own(), NOTIFICATION, ALL), Ok(()));
    let copy: sel4::cap::Notification = Cap::from_bits(A);
    copy.signal();
    assert_eq!(
        copy.poll().1,
        0,
        "a capability without a badge has no bits to set"
    );
}

fn a_copy_never_has_more_rights_than_its_source() {
    assert_eq!(
        own().copy(A, own(), caps::to_suite.bits(), CapRights::WRITE),
        Ok(())
    );
    assert_eq!(own().copy(B, own(), A, ALL), Ok(()));
    let expected = crate::expected::Expected::capability(
        B,
        crate::expected::Half::Receive,
        Error::InvalidCapability,
    );
    expected.announce();
    let endpoint: sel4::cap::Endpoint = Cap::from_bits(B);
    let _nothing = endpoint.nb_recv_with_mrs(Cap::from_bits(init_slot::REPLY));
}

fn a_full_slot_takes_no_second_capability() {
    assert_eq!(own().copy(A, own(), NOTIFICATION, ALL), Ok(()));
    assert_eq!(
        own().copy(A, own(), NOTIFICATION, ALL),
        Err(Error::DeleteFirst)
    );
    assert_eq!(
        own().r#move(A, own(), NOTIFICATION),
        Err(Error::DeleteFirst)
    );
}

fn an_empty_slot_cannot_be_copied() {
    assert_eq!(own().copy(A, own(), B, ALL), Err(Error::FailedLookup));
    assert_eq!(own().r#move(A, own(), B), Err(Error::FailedLookup));
}

fn a_slot_beyond_the_end_is_not_found() {
    for slot in [1 << 16, u64::MAX] {
        assert_eq!(
            own().copy(slot, own(), NOTIFICATION, ALL),
            Err(Error::FailedLookup)
        );
        assert_eq!(own().copy(A, own(), slot, ALL), Err(Error::FailedLookup));
        assert_eq!(own().delete(slot), Err(Error::FailedLookup));
        assert_eq!(own().revoke(slot), Err(Error::FailedLookup));
    }
}

fn slot_0_cannot_be_filled() {
    assert_eq!(
        own().copy(0, own(), NOTIFICATION, ALL),
        Err(Error::FailedLookup)
    );
}

fn a_badge_can_be_given_once() {
    assert_eq!(own().mint(A, own(), NOTIFICATION, ALL, 5), Ok(()));
    assert_eq!(
        own().mint(B, own(), A, ALL, 6),
        Err(Error::IllegalOperation)
    );
    assert_eq!(own().copy(B, own(), A, ALL), Ok(()));
    let copy: sel4::cap::Notification = Cap::from_bits(B);
    copy.signal();
    assert_eq!(copy.poll().1, 5, "a copy has its source's badge");
}

fn a_badge_is_for_endpoints_and_notifications() {
    let minted = own().mint(A, own(), init_slot::THREAD, ALL, 5);
    assert_eq!(minted, Err(Error::IllegalOperation));
}

fn moving_empties_the_source() {
    assert_eq!(own().copy(A, own(), NOTIFICATION, ALL), Ok(()));
    assert_eq!(own().r#move(B, own(), A), Ok(()));
    assert_eq!([is_full(A), is_full(B)], [false, true]);
}

fn deleting_a_copy_leaves_the_source() {
    assert_eq!(own().copy(A, own(), NOTIFICATION, ALL), Ok(()));
    assert_eq!(own().delete(A), Ok(()));
    assert_eq!([is_full(A), is_full(NOTIFICATION)], [false, true]);
    assert_eq!(own().delete(A), Ok(()), "an empty slot stays empty");
}

/// A is a copy of this task's own, B of A, C of B.
fn chain() {
    for (to, from) in [(A, NOTIFICATION), (B, A), (C, B)] {
        assert_eq!(own().copy(to, own(), from, ALL), Ok(()));
    }
}

fn deleting_the_middle_of_a_chain_leaves_its_ends() {
    chain();
    assert_eq!(own().delete(B), Ok(()));
    assert_eq!([A, B, C].map(is_full), [true, false, true]);
    assert_eq!(own().revoke(A), Ok(()));
    assert_eq!([A, C].map(is_full), [true, false], "C became A's child");
}

fn revoking_deletes_all_descendants_and_nothing_else() {
    chain();
    assert_eq!(own().revoke(A), Ok(()));
    assert_eq!(
        [NOTIFICATION, A, B, C].map(is_full),
        [true, true, false, false]
    );
}

fn an_operation_that_does_not_exist_is_refused() {
    for label in [0, 1, 15, 22, 1 << 40] {
        let info = sel4::MessageInfo::new(label, 0, 0, 4);
        let answer = own().call_with_mrs(info, [A, 0, 0, 0]).info.label();
        assert_eq!(
            Error::from_label(answer),
            Some(Error::IllegalOperation),
            "{label}"
        );
    }
}

fn a_message_without_its_words_is_refused() {
    let info = sel4::MessageInfo::new(sel4_sys::CNodeOp::DELETE.0, 0, 0, 0);
    let answer = own().call_with_mrs(info, []).info.label();
    assert_eq!(Error::from_label(answer), Some(Error::TruncatedMessage));
    let info = sel4::MessageInfo::new(sel4_sys::CNodeOp::COPY.0, 0, 0, 3);
    let answer = own()
        .call_with_mrs(info, [A, NOTIFICATION, 15])
        .info
        .label();
    assert_eq!(
        Error::from_label(answer),
        Some(Error::TruncatedMessage),
        "no CNode came along"
    );
}
