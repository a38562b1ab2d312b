//! The kernel as a transport: the only module here that makes system calls.

use core::convert::Infallible;

use sel4::cap::{CNode, Endpoint, Reply};
use sel4_sys::{CPtr, MSG_MAX_LENGTH};

use crate::Transport;
use crate::message::{Buffer, Incoming, Outgoing};

/// The thread's IPC buffer.
#[derive(Clone, Copy, Debug)]
pub struct ThreadBuffer;

impl Buffer for ThreadBuffer {
    #[inline]
    fn with<R>(&mut self, f: impl FnOnce(&mut [u64; MSG_MAX_LENGTH]) -> R) -> R {
        sel4::with_ipc_buffer_mut(|buffer| f(buffer.msg_regs_mut()))
    }
}

/// A client's way to its server: an endpoint.
#[derive(Clone, Copy, Debug)]
pub struct Connection {
    endpoint: Endpoint,
}

impl Connection {
    /// The server behind `endpoint`.
    #[inline]
    #[must_use]
    pub const fn to(endpoint: Endpoint) -> Self {
        Self { endpoint }
    }
}

impl Buffer for Connection {
    #[inline]
    fn with<R>(&mut self, f: impl FnOnce(&mut [u64; MSG_MAX_LENGTH]) -> R) -> R {
        ThreadBuffer.with(f)
    }
}

impl Transport for Connection {
    #[inline]
    fn call(&mut self, request: Outgoing) -> Incoming {
        pass_caps(&request);
        let answer = self
            .endpoint
            .call_with_mrs(request.info(), request.registers);
        // Clients receive no capabilities: a kernel that follows the rules sends none.
        Incoming::from_info(0, answer.info, answer.msg, 0)
    }
}

/// Where a server receives its requests.
#[derive(Clone, Copy, Debug)]
pub struct Service {
    endpoint: Endpoint,
    reply: Reply,
    receive: Option<(CNode, CPtr)>,
}

impl Service {
    /// Requests come to `endpoint` and are answered through `reply`. Capabilities are not taken.
    #[inline]
    #[must_use]
    pub const fn new(endpoint: Endpoint, reply: Reply) -> Self {
        Self {
            endpoint,
            reply,
            receive: None,
        }
    }

    /// Takes the capabilities of requests into the three slots of `cnode` from `first` on, which are empty.
    /// They are deleted when the request has been answered; a server that wants to keep one moves it.
    #[inline]
    #[must_use]
    pub const fn receiving(self, cnode: CNode, first: CPtr) -> Self {
        Self {
            receive: Some((cnode, first)),
            ..self
        }
    }

    /// Answers requests for ever; `answer` is an interface's `dispatch` with the server in it.
    pub fn serve(self, mut answer: impl FnMut(&mut ThreadBuffer, &Incoming) -> Outgoing) -> ! {
        match self.try_serve(|buffer, request| Ok::<_, Infallible>(answer(buffer, request))) {
            Ok(never) | Err(never) => match never {},
        }
    }

    /// [`Self::serve`] until `answer` gives an error instead, which is handed on.
    ///
    /// # Errors
    /// That of `answer`.
    pub fn try_serve<E>(
        self,
        mut answer: impl FnMut(&mut ThreadBuffer, &Incoming) -> Result<Outgoing, E>,
    ) -> Result<Infallible, E> {
        if let Some((cnode, first)) = self.receive {
            sel4::with_ipc_buffer_mut(|buffer| buffer.set_recv_slot(cnode, first));
        }
        let first = self.receive.map_or(0, |(_, first)| first);
        let mut message = self.endpoint.recv_with_mrs(self.reply);
        loop {
            let request = Incoming::from_info(message.badge, message.info, message.msg, first);
            let reply = answer(&mut ThreadBuffer, &request)?;
            self.empty_slots(&request);
            pass_caps(&reply);
            message = self
                .endpoint
                .reply_recv_with_mrs(reply.info(), reply.registers, self.reply);
        }
    }

    fn empty_slots(self, request: &Incoming) {
        let Some((cnode, _)) = self.receive else {
            return;
        };
        for slot in request.caps.into_iter().take(request.cap_count) {
            // Refused only for a slot that does not exist; the next request's capabilities then
            // have no place, and its stub says so.
            let _ = cnode.delete(slot);
        }
    }
}

#[inline]
fn pass_caps(message: &Outgoing) {
    if message.cap_count > 0 {
        sel4::with_ipc_buffer_mut(|buffer| *buffer.caps_or_badges_mut() = message.caps);
    }
}
