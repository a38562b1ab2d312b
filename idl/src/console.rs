// Written by idl-compiler from idl/interfaces/console.idl.rs. Do not edit: change the interface, then run
// `cargo run -p idl-compiler`.

//! Text for the person who watches the machine.
use idl_runtime::{
    Buffer, Bytes, BytesRef, Caller, Incoming, Outgoing, Pad, Refusal, Tail, Transport,
    client, label,
};
use zerocopy::{Immutable, IntoBytes, KnownLayout, TryFromBytes};

/// Why text was not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsoleError {
    /// The line does not take bytes any more: the transmitter was busy for too long.
    Stuck,
    /// The console died; whether it had written the text is unknown.
    ServerDied {
        /// How often the server had been started anew before the life that ended.
        generation: u64,
    },
    /// A stub refused the message.
    Refused {
        /// What was wrong.
        why: Refusal,
    },
}

impl client::InterfaceError for ConsoleError {
    #[inline]
    fn from_code(code: u64) -> Option<Self> {
        match code {
            1 => Some(Self::Stuck),
            _ => None,
        }
    }

    #[inline]
    fn refused(why: Refusal) -> Self {
        Self::Refused { why }
    }

    #[inline]
    fn label(self) -> u64 {
        match self {
            Self::Stuck => 1,
            Self::ServerDied { .. } | Self::Refused { .. } => Refusal::Upstream.label(),
        }
    }
}

impl client::SaysServerDied for ConsoleError {
    #[inline]
    fn server_died(generation: u64) -> Self {
        Self::ServerDied { generation }
    }
}

/// Calls a server that implements [`ConsoleServer`].
#[derive(Debug)]
pub struct ConsoleClient<T> {
    transport: T,
}

impl<T: Transport> ConsoleClient<T> {
    /// A client that calls through `transport`.
    #[inline]
    pub const fn new(transport: T) -> Self {
        Self { transport }
    }

    /// What the calls go through.
    #[inline]
    pub const fn transport(&mut self) -> &mut T {
        &mut self.transport
    }

    /// Writes bytes, all of them or none. Text of two clients is never mixed within one call.
    #[inline]
    pub fn write(&mut self, text: BytesRef<'_, 256>) -> Result<(), ConsoleError> {
        let record = WriteRequest {
            text: text.wire_length(),
            _gap0: [Pad::Zero; 6],
        };
        let request: [u64; 1] = zerocopy::transmute!(record);
        let transport = &mut self.transport;
        let mut message = Outgoing::new(transport, op::WRITE, request);
        message.push_bytes(transport, &text);
        let reply: Result<_, ConsoleError> = client::once(transport, message);
        reply?.words(&mut self.transport).map(|[]| ()).map_err(client::bad_reply)
    }
}

/// The one way to the machine's serial line.
pub trait ConsoleServer {
    /// Writes bytes, all of them or none. Text of two clients is never mixed within one call.
    fn write(&mut self, caller: Caller, text: Bytes<256>) -> Result<(), ConsoleError>;
}

/// Answers one request. Whatever is no message of this interface gets a refusal, and `server`
/// does not hear of it.
#[inline]
pub fn dispatch<S: ConsoleServer, B: Buffer>(
    server: &mut S,
    buffer: &mut B,
    request: &Incoming,
) -> Outgoing {
    let reply = match request.label {
        op::WRITE => serve_write(server, buffer, request),
        _ => Err(Refusal::UnknownOperation),
    };
    reply.unwrap_or_else(Outgoing::refusal)
}

#[inline]
fn serve_write<S: ConsoleServer, B: Buffer>(
    server: &mut S,
    buffer: &mut B,
    request: &Incoming,
) -> Result<Outgoing, Refusal> {
    let [] = request.caps()?;
    let words: [u64; 1] = request.first_words(buffer)?;
    let record: WriteRequest = zerocopy::try_transmute!(words)
        .map_err(|_| Refusal::InvalidValue)?;
    let mut tail = Tail::after(request, 1);
    let string0: Bytes<256> = tail.bytes(buffer, record.text)?;
    tail.end()?;
    match server.write(Caller::of(request), string0) {
        Ok(()) => Ok(Outgoing::bare(label::OK)),
        Err(error) => Ok(Outgoing::bare(client::InterfaceError::label(error))),
    }
}

/// The operations' numbers: the labels of requests.
pub mod op {
    /// [`ConsoleClient::write`].
    pub const WRITE: u64 = 1;
}

#[derive(TryFromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct WriteRequest {
    text: u16,
    _gap0: [Pad; 6],
}
