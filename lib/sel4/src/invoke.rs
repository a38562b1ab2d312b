//! Operations on kernel objects, one method each.
//!
//! The words and capabilities of each are those of `sel4_sys::invocation`. A refused operation changed nothing.

mod memory;
mod pmu;
mod port;
mod space;
mod thread;
mod vcpu;

pub use pmu::LeaseMode;
pub use port::PORT_BYTES_AT_ONCE;
pub use thread::ThreadDescription;

use sel4_sys::{CPtr, Error, MessageInfo, Word};

use crate::arch::{self, Registers};
use crate::{Result, with_ipc_buffer_mut};

/// Calls an object with up to four words.
#[inline]
fn invoke(object: CPtr, label: u64, length: u64, words: Registers) -> Result<Registers> {
    finish(arch::call(
        object,
        MessageInfo::new(label, 0, 0, length),
        words,
    ))
}

/// [`invoke`] with one extra capability.
#[inline]
fn invoke_with_cap(
    object: CPtr,
    label: u64,
    length: u64,
    words: Registers,
    extra: CPtr,
) -> Result<Registers> {
    with_ipc_buffer_mut(|buffer| {
        let [first, ..] = buffer.caps_or_badges_mut();
        *first = extra;
    });
    finish(arch::call(
        object,
        MessageInfo::new(label, 0, 1, length),
        words,
    ))
}

/// Calls an object with more words than travel in registers: `front`, then `rest`.
fn invoke_long(object: CPtr, label: u64, front: [Word; 2], rest: &[Word]) -> Result<Registers> {
    let words = with_ipc_buffer_mut(|buffer| {
        let message = buffer.msg_regs_mut();
        let (head, tail) = message.split_at_mut(front.len());
        head.copy_from_slice(&front);
        let place = tail.get_mut(..rest.len()).ok_or(Error::RangeError)?;
        place.copy_from_slice(rest);
        message.first_chunk().copied().ok_or(Error::RangeError)
    })?;
    let length = (front.len() + rest.len()) as u64;
    finish(arch::call(
        object,
        MessageInfo::new(label, 0, 0, length),
        words,
    ))
}

/// [`invoke`] without words, for an answer of `N`, which is more than travel in registers.
fn invoke_for_words<const N: usize>(object: CPtr, label: u64) -> Result<[Word; N]> {
    let front = invoke(object, label, 0, [0; 4])?;
    with_ipc_buffer_mut(|buffer| {
        let message = buffer.msg_regs_mut();
        if let Some(place) = message.first_chunk_mut() {
            *place = front;
        }
        message.first_chunk().copied().ok_or(Error::RangeError)
    })
}

/// Sorts the answer. A label that is no error of the kernel's comes from an endpoint in an object's place.
#[inline]
fn finish((info, words): (MessageInfo, Registers)) -> Result<Registers> {
    match info.label() {
        0 => Ok(words),
        label => Err(Error::from_label(label).unwrap_or(Error::InvalidCapability)),
    }
}
