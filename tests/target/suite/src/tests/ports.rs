//! I/O ports: a capability is to a range, and the kernel does the access.

use sel4::{CapRights, Error, MessageInfo};
use sel4_sys::PortOp;

use crate::caps;
use crate::harness::tests;

tests! {
    ports_outside_of_the_range_are_refused
    an_access_that_only_begins_in_the_range_is_refused
    widths_that_no_port_has_are_refused
    a_capability_to_read_a_port_writes_nothing
    more_bytes_than_were_sent_are_refused
}

/// The device `test-port` of every board: one port.
const PORT: u16 = 0xe9;

/// The operation with these words; `None` when it was done.
fn operate(operation: PortOp, words: [u64; 4]) -> Option<Error> {
    let port: sel4::cap::Endpoint = caps::port.cast();
    let answer = port.call_with_mrs(MessageInfo::new(operation.0, 0, 0, 4), words);
    Error::from_label(answer.info.label())
}

fn ports_outside_of_the_range_are_refused() {
    for port in [0, PORT - 1, PORT + 1, 0xf4, 0x3f8, u16::MAX] {
        assert_eq!(caps::port.in8(port), Err(Error::RangeError), "{port:#x}");
        assert_eq!(
            caps::port.out8(port, 0),
            Err(Error::RangeError),
            "{port:#x}"
        );
        assert_eq!(
            caps::port.out_bytes(port, b"x"),
            Err(Error::RangeError),
            "{port:#x}"
        );
    }
    // The numbers of ports have 16 bits; more are not cut off.
    let far = u64::from(PORT) | 1 << 16;
    assert_eq!(operate(PortOp::IN, [far, 1, 0, 0]), Some(Error::RangeError));
    assert_eq!(
        operate(PortOp::IN, [u64::MAX, 1, 0, 0]),
        Some(Error::RangeError)
    );
}

fn an_access_that_only_begins_in_the_range_is_refused() {
    for width in [2, 4] {
        let port = u64::from(PORT);
        assert_eq!(
            operate(PortOp::IN, [port, width, 0, 0]),
            Some(Error::RangeError)
        );
        assert_eq!(
            operate(PortOp::OUT, [port, width, 0, 0]),
            Some(Error::RangeError)
        );
    }
}

fn widths_that_no_port_has_are_refused() {
    for width in [0, 3, 5, 8, u64::MAX] {
        let read = operate(PortOp::IN, [u64::from(PORT), width, 0, 0]);
        assert_eq!(read, Some(Error::InvalidArgument), "{width}");
    }
}

fn a_capability_to_read_a_port_writes_nothing() {
    let cnode = crate::tests::cnodes::own();
    let copied = cnode.copy(caps::made.bits(), cnode, caps::port.bits(), CapRights::READ);
    assert_eq!(copied, Ok(()));
    let port: sel4::cap::Port = caps::made.cast();
    assert!(port.in8(PORT).is_ok());
    assert_eq!(port.out8(PORT, b'x'), Err(Error::InvalidCapability));
    assert_eq!(port.out_bytes(PORT, b"x"), Err(Error::InvalidCapability));
}

fn more_bytes_than_were_sent_are_refused() {
    // Four words: the port, the count, and room for 16 bytes.
    let most = |count| operate(PortOp::OUT_BYTES, [u64::from(PORT), count, 0, 0]);
    assert_eq!(most(17), Some(Error::TruncatedMessage));
    assert_eq!(most(944), Some(Error::TruncatedMessage));
    assert_eq!(most(945), Some(Error::RangeError));
    assert_eq!(most(u64::MAX), Some(Error::RangeError));
    assert_eq!(most(0), None);
}
