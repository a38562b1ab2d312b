//! The client's half of a call: sending, repeating, and sorting the answers.

use crate::message::{Buffer, Incoming, Outgoing};
use crate::{Refusal, label};

/// A way to call one server: an endpoint on the target, the server's own stub in host tests.
pub trait Transport: Buffer {
    /// Sends `request`, whose words after the fourth are in the buffer, and waits for the answer,
    /// whose words after the fourth are there then.
    fn call(&mut self, request: Outgoing) -> Incoming;
}

/// How often an idempotent operation is sent again when the server died.
///
/// A request that kills the server would otherwise be sent for ever: the supervisor restarts the
/// server, the stub repeats the request, the server dies again.
pub const REPEATS: u32 = 3;

/// An interface's error enum, as seen by its stubs.
pub trait InterfaceError: Sized {
    /// The error with this code in the interface.
    fn from_code(code: u64) -> Option<Self>;
    /// The error that says that there was no answer of the interface's own.
    fn refused(why: Refusal) -> Self;
    /// The label of the reply that carries this error to the client.
    fn label(self) -> u64;
}

/// An error enum that can say that the server died.
///
/// [`once`] asks for it, so a call that must not be repeated blindly cannot be built without.
pub trait SaysServerDied: InterfaceError {
    /// The error that says that generation `generation` of the server died during the call.
    fn server_died(generation: u64) -> Self;
}

/// The errors of operations that declare none.
impl InterfaceError for Refusal {
    #[inline]
    fn from_code(_code: u64) -> Option<Self> {
        None
    }

    #[inline]
    fn refused(why: Refusal) -> Self {
        why
    }

    #[inline]
    fn label(self) -> u64 {
        Self::label(self)
    }
}

/// Sends a request once. The server's death is the caller's business.
#[inline]
pub fn once<E: SaysServerDied>(
    transport: &mut impl Transport,
    request: Outgoing,
) -> Result<Incoming, E> {
    let reply = transport.call(request);
    if reply.label == label::SERVER_DIED {
        let [generation, ..] = reply.registers;
        return Err(E::server_died(generation));
    }
    answer(reply)
}

/// Sends a request that may be sent several times, again when the server died, at most [`REPEATS`] times.
///
/// `request` makes the message anew each time, because an answer overwrites the buffer.
#[inline]
pub fn repeat<T: Transport, E: InterfaceError>(
    transport: &mut T,
    mut request: impl FnMut(&mut T) -> Outgoing,
) -> Result<Incoming, E> {
    for _ in 0..REPEATS + 1 {
        let message = request(transport);
        let reply = transport.call(message);
        if reply.label != label::SERVER_DIED {
            return answer(reply);
        }
    }
    Err(E::refused(Refusal::ServerKeepsDying))
}

/// Turns what a decoder found wrong with an answer into the interface's error.
#[inline]
pub fn bad_reply<E: InterfaceError>(_what: Refusal) -> E {
    // The decoder's reason is about the server's words; to this client they all mean the same.
    E::refused(Refusal::BadReply)
}

/// Sorts an answer that the kernel did not make: results, an error of the interface, a refusal.
#[inline]
fn answer<E: InterfaceError>(reply: Incoming) -> Result<Incoming, E> {
    if reply.is_ok() {
        return if reply.cap_count == 0 {
            Ok(reply)
        } else {
            Err(E::refused(Refusal::BadReply))
        };
    }
    Err(not_ok(&reply))
}

/// The error in an answer without results. Out of line: the way that is not taken costs no space in
/// the stub.
#[cold]
fn not_ok<E: InterfaceError>(reply: &Incoming) -> E {
    if reply.length != 0 || reply.cap_count != 0 {
        return E::refused(Refusal::BadReply);
    }
    match Refusal::from_label(reply.label) {
        Some(why) => E::refused(why),
        None => E::from_code(reply.label).unwrap_or(E::refused(Refusal::BadReply)),
    }
}
