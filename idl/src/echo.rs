// Written by idl-compiler from idl/interfaces/echo.idl.rs. Do not edit: change the interface, then run
// `cargo run -p idl-compiler`.

//! Gives back what it is given: the service that tests and benchmarks of IPC talk to.
use idl_runtime::{
    Buffer, Bytes, BytesRef, Caller, Cap, Incoming, Outgoing, Pad, Refusal, Tail,
    Transport, client, kind, label,
};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, TryFromBytes};

/// Why the echo service did not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EchoError {
    /// The counter, or the strip, ends there.
    Full,
    /// The client asked for an error.
    AsRequested,
    /// The server died; whether it had done what it was asked is unknown.
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

impl client::InterfaceError for EchoError {
    #[inline]
    fn from_code(code: u64) -> Option<Self> {
        match code {
            1 => Some(Self::Full),
            2 => Some(Self::AsRequested),
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
            Self::Full => 1,
            Self::AsRequested => 2,
            Self::ServerDied { .. } | Self::Refused { .. } => Refusal::Upstream.label(),
        }
    }
}

impl client::SaysServerDied for EchoError {
    #[inline]
    fn server_died(generation: u64) -> Self {
        Self::ServerDied { generation }
    }
}

/// A point on a strip of positions, and where it is going.
#[derive(
    TryFromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq
)]
#[repr(C)]
pub struct Marker {
    /// Steps from the left edge.
    pub position: u32,
    /// How often it went over the edge, to the right and to the left.
    pub laps: [i16; 2],
    /// The direction of the next step.
    pub direction: Direction,
    /// Zero.
    pub reserved: [u8; 3],
}

/// A way to go.
#[derive(
    TryFromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq
)]
#[repr(u8)]
pub enum Direction {
    /// Towards position 0.
    Left = 1,
    /// Away from position 0.
    Right = 2,
}

/// Calls a server that implements [`EchoServer`].
#[derive(Debug)]
pub struct EchoClient<T> {
    transport: T,
}

impl<T: Transport> EchoClient<T> {
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

    /// Does nothing. The shortest call there is.
    #[inline]
    pub fn ping(&mut self) -> Result<(), Refusal> {
        let reply: Result<_, Refusal> = client::repeat(
            &mut self.transport,
            |transport| Outgoing::new(transport, op::PING, []),
        );
        reply?.words(&mut self.transport).map(|[]| ()).map_err(client::bad_reply)
    }

    /// Gives back one word.
    #[inline]
    pub fn echo_word(&mut self, word: u64) -> Result<u64, Refusal> {
        let record = EchoWordRequest { word };
        let request: [u64; 1] = zerocopy::transmute!(record);
        let reply: Result<_, Refusal> = client::repeat(
            &mut self.transport,
            |transport| Outgoing::new(transport, op::ECHO_WORD, request),
        );
        echo_word_results(&mut self.transport, &reply?).map_err(client::bad_reply)
    }

    /// Gives back four words: as many as travel in registers.
    #[inline]
    pub fn echo_words(&mut self, words: [u64; 4]) -> Result<[u64; 4], Refusal> {
        let record = EchoWordsRequest { words };
        let request: [u64; 4] = zerocopy::transmute!(record);
        let reply: Result<_, Refusal> = client::repeat(
            &mut self.transport,
            |transport| Outgoing::new(transport, op::ECHO_WORDS, request),
        );
        echo_words_results(&mut self.transport, &reply?).map_err(client::bad_reply)
    }

    /// Adds up bytes.
    #[inline]
    pub fn sum(&mut self, bytes: BytesRef<'_, 64>) -> Result<u32, Refusal> {
        let record = SumRequest {
            bytes: bytes.wire_length(),
            _gap0: [Pad::Zero; 6],
        };
        let request: [u64; 1] = zerocopy::transmute!(record);
        let reply: Result<_, Refusal> = client::repeat(
            &mut self.transport,
            |transport| {
                let mut message = Outgoing::new(transport, op::SUM, request);
                message.push_bytes(transport, &bytes);
                message
            },
        );
        sum_results(&mut self.transport, &reply?).map_err(client::bad_reply)
    }

    /// Gives back two byte strings in the other order.
    #[inline]
    pub fn swap(
        &mut self,
        first: BytesRef<'_, 64>,
        second: BytesRef<'_, 16>,
    ) -> Result<(Bytes<16>, Bytes<64>), Refusal> {
        let record = SwapRequest {
            first: first.wire_length(),
            second: second.wire_length(),
            _gap0: [Pad::Zero; 4],
        };
        let request: [u64; 1] = zerocopy::transmute!(record);
        let reply: Result<_, Refusal> = client::repeat(
            &mut self.transport,
            |transport| {
                let mut message = Outgoing::new(transport, op::SWAP, request);
                message.push_bytes(transport, &first);
                message.push_bytes(transport, &second);
                message
            },
        );
        swap_results(&mut self.transport, &reply?).map_err(client::bad_reply)
    }

    /// Moves a marker one step in its direction; off the edge is an error.
    #[inline]
    pub fn step(
        &mut self,
        marker: Marker,
        by: u16,
        wrap: bool,
    ) -> Result<Marker, EchoError> {
        let record = StepRequest {
            marker,
            by,
            wrap,
            _gap0: [Pad::Zero; 1],
        };
        let request: [u64; 2] = zerocopy::transmute!(record);
        let reply: Result<_, EchoError> = client::repeat(
            &mut self.transport,
            |transport| Outgoing::new(transport, op::STEP, request),
        );
        step_results(&mut self.transport, &reply?).map_err(client::bad_reply)
    }

    /// Adds to the server's counter and gives the sum back. Repeated, it would count twice.
    #[inline]
    pub fn increment(&mut self, by: u32) -> Result<u64, EchoError> {
        let record = IncrementRequest {
            by,
            _gap0: [Pad::Zero; 4],
        };
        let request: [u64; 1] = zerocopy::transmute!(record);
        let transport = &mut self.transport;
        let message = Outgoing::new(transport, op::INCREMENT, request);
        let reply: Result<_, EchoError> = client::once(transport, message);
        increment_results(&mut self.transport, &reply?).map_err(client::bad_reply)
    }

    /// Fails, with the error that the client asks for.
    #[inline]
    pub fn fail(&mut self, full: bool) -> Result<(), EchoError> {
        let record = FailRequest {
            full,
            _gap0: [Pad::Zero; 7],
        };
        let request: [u64; 1] = zerocopy::transmute!(record);
        let transport = &mut self.transport;
        let message = Outgoing::new(transport, op::FAIL, request);
        let reply: Result<_, EchoError> = client::once(transport, message);
        reply?.words(&mut self.transport).map(|[]| ()).map_err(client::bad_reply)
    }

    /// Has the server signal a notification that the client passes to it.
    #[inline]
    pub fn signal(
        &mut self,
        times: u8,
        notification: Cap<kind::Notification>,
    ) -> Result<(), EchoError> {
        let record = SignalRequest {
            times,
            _gap0: [Pad::Zero; 7],
        };
        let request: [u64; 1] = zerocopy::transmute!(record);
        let transport = &mut self.transport;
        let mut message = Outgoing::new(transport, op::SIGNAL, request);
        message.push_cap(notification);
        let reply: Result<_, EchoError> = client::once(transport, message);
        reply?.words(&mut self.transport).map(|[]| ()).map_err(client::bad_reply)
    }

    /// Has the server take an endpoint and a notification, and say whether it could.
    #[inline]
    pub fn take(
        &mut self,
        endpoint: Cap<kind::Endpoint>,
        notification: Cap<kind::Notification>,
    ) -> Result<bool, EchoError> {
        let transport = &mut self.transport;
        let mut message = Outgoing::new(transport, op::TAKE, []);
        message.push_cap(endpoint);
        message.push_cap(notification);
        let reply: Result<_, EchoError> = client::once(transport, message);
        take_results(&mut self.transport, &reply?).map_err(client::bad_reply)
    }

    /// Gives back more words than travel in registers.
    #[inline]
    pub fn echo_long(&mut self, words: [u64; 12]) -> Result<[u64; 12], Refusal> {
        let record = EchoLongRequest { words };
        let request: [u64; 12] = zerocopy::transmute!(record);
        let reply: Result<_, Refusal> = client::repeat(
            &mut self.transport,
            |transport| Outgoing::new(transport, op::ECHO_LONG, request),
        );
        echo_long_results(&mut self.transport, &reply?).map_err(client::bad_reply)
    }
}

/// A service without a purpose of its own, with one operation for each kind of argument.
pub trait EchoServer {
    /// Does nothing. The shortest call there is.
    fn ping(&mut self, caller: Caller);
    /// Gives back one word.
    fn echo_word(&mut self, caller: Caller, word: u64) -> u64;
    /// Gives back four words: as many as travel in registers.
    fn echo_words(&mut self, caller: Caller, words: [u64; 4]) -> [u64; 4];
    /// Adds up bytes.
    fn sum(&mut self, caller: Caller, bytes: Bytes<64>) -> u32;
    /// Gives back two byte strings in the other order.
    fn swap(
        &mut self,
        caller: Caller,
        first: Bytes<64>,
        second: Bytes<16>,
    ) -> (Bytes<16>, Bytes<64>);
    /// Moves a marker one step in its direction; off the edge is an error.
    fn step(
        &mut self,
        caller: Caller,
        marker: Marker,
        by: u16,
        wrap: bool,
    ) -> Result<Marker, EchoError>;
    /// Adds to the server's counter and gives the sum back. Repeated, it would count twice.
    fn increment(&mut self, caller: Caller, by: u32) -> Result<u64, EchoError>;
    /// Fails, with the error that the client asks for.
    fn fail(&mut self, caller: Caller, full: bool) -> Result<(), EchoError>;
    /// Has the server signal a notification that the client passes to it.
    fn signal(
        &mut self,
        caller: Caller,
        times: u8,
        notification: Cap<kind::Notification>,
    ) -> Result<(), EchoError>;
    /// Has the server take an endpoint and a notification, and say whether it could.
    fn take(
        &mut self,
        caller: Caller,
        endpoint: Cap<kind::Endpoint>,
        notification: Cap<kind::Notification>,
    ) -> Result<bool, EchoError>;
    /// Gives back more words than travel in registers.
    fn echo_long(&mut self, caller: Caller, words: [u64; 12]) -> [u64; 12];
}

/// Answers one request. Whatever is no message of this interface gets a refusal, and `server`
/// does not hear of it.
#[inline]
pub fn dispatch<S: EchoServer, B: Buffer>(
    server: &mut S,
    buffer: &mut B,
    request: &Incoming,
) -> Outgoing {
    let reply = match request.label {
        op::PING => serve_ping(server, buffer, request),
        op::ECHO_WORD => serve_echo_word(server, buffer, request),
        op::ECHO_WORDS => serve_echo_words(server, buffer, request),
        op::SUM => serve_sum(server, buffer, request),
        op::SWAP => serve_swap(server, buffer, request),
        op::STEP => serve_step(server, buffer, request),
        op::INCREMENT => serve_increment(server, buffer, request),
        op::FAIL => serve_fail(server, buffer, request),
        op::SIGNAL => serve_signal(server, buffer, request),
        op::TAKE => serve_take(server, buffer, request),
        op::ECHO_LONG => serve_echo_long(server, buffer, request),
        _ => Err(Refusal::UnknownOperation),
    };
    reply.unwrap_or_else(Outgoing::refusal)
}

#[inline]
fn serve_ping<S: EchoServer, B: Buffer>(
    server: &mut S,
    buffer: &mut B,
    request: &Incoming,
) -> Result<Outgoing, Refusal> {
    let [] = request.caps()?;
    let []: [u64; 0] = request.words(buffer)?;
    server.ping(Caller::of(request));
    Ok(Outgoing::bare(label::OK))
}

#[inline]
fn serve_echo_word<S: EchoServer, B: Buffer>(
    server: &mut S,
    buffer: &mut B,
    request: &Incoming,
) -> Result<Outgoing, Refusal> {
    let [] = request.caps()?;
    let words: [u64; 1] = request.words(buffer)?;
    let record: EchoWordRequest = zerocopy::transmute!(words);
    let result = server.echo_word(Caller::of(request), record.word);
    let record = EchoWordReply { result };
    let words: [u64; 1] = zerocopy::transmute!(record);
    Ok(Outgoing::new(buffer, label::OK, words))
}

#[inline]
fn serve_echo_words<S: EchoServer, B: Buffer>(
    server: &mut S,
    buffer: &mut B,
    request: &Incoming,
) -> Result<Outgoing, Refusal> {
    let [] = request.caps()?;
    let words: [u64; 4] = request.words(buffer)?;
    let record: EchoWordsRequest = zerocopy::transmute!(words);
    let result = server.echo_words(Caller::of(request), record.words);
    let record = EchoWordsReply { result };
    let words: [u64; 4] = zerocopy::transmute!(record);
    Ok(Outgoing::new(buffer, label::OK, words))
}

#[inline]
fn serve_sum<S: EchoServer, B: Buffer>(
    server: &mut S,
    buffer: &mut B,
    request: &Incoming,
) -> Result<Outgoing, Refusal> {
    let [] = request.caps()?;
    let words: [u64; 1] = request.first_words(buffer)?;
    let record: SumRequest = zerocopy::try_transmute!(words)
        .map_err(|_| Refusal::InvalidValue)?;
    let mut tail = Tail::after(request, 1);
    let string0: Bytes<64> = tail.bytes(buffer, record.bytes)?;
    tail.end()?;
    let result = server.sum(Caller::of(request), string0);
    let record = SumReply {
        result,
        _gap0: [Pad::Zero; 4],
    };
    let words: [u64; 1] = zerocopy::transmute!(record);
    Ok(Outgoing::new(buffer, label::OK, words))
}

#[inline]
fn serve_swap<S: EchoServer, B: Buffer>(
    server: &mut S,
    buffer: &mut B,
    request: &Incoming,
) -> Result<Outgoing, Refusal> {
    let [] = request.caps()?;
    let words: [u64; 1] = request.first_words(buffer)?;
    let record: SwapRequest = zerocopy::try_transmute!(words)
        .map_err(|_| Refusal::InvalidValue)?;
    let mut tail = Tail::after(request, 1);
    let string0: Bytes<64> = tail.bytes(buffer, record.first)?;
    let string1: Bytes<16> = tail.bytes(buffer, record.second)?;
    tail.end()?;
    let (result0, result1) = server.swap(Caller::of(request), string0, string1);
    let record = SwapReply {
        result0: result0.wire_length(),
        result1: result1.wire_length(),
        _gap0: [Pad::Zero; 4],
    };
    let words: [u64; 1] = zerocopy::transmute!(record);
    let mut reply = Outgoing::new(buffer, label::OK, words);
    reply.push_bytes(buffer, &result0);
    reply.push_bytes(buffer, &result1);
    Ok(reply)
}

#[inline]
fn serve_step<S: EchoServer, B: Buffer>(
    server: &mut S,
    buffer: &mut B,
    request: &Incoming,
) -> Result<Outgoing, Refusal> {
    let [] = request.caps()?;
    let words: [u64; 2] = request.words(buffer)?;
    let record: StepRequest = zerocopy::try_transmute!(words)
        .map_err(|_| Refusal::InvalidValue)?;
    match server.step(Caller::of(request), record.marker, record.by, record.wrap) {
        Ok(result) => {
            let record = StepReply {
                result,
                _gap0: [Pad::Zero; 4],
            };
            let words: [u64; 2] = zerocopy::transmute!(record);
            Ok(Outgoing::new(buffer, label::OK, words))
        }
        Err(error) => Ok(Outgoing::bare(client::InterfaceError::label(error))),
    }
}

#[inline]
fn serve_increment<S: EchoServer, B: Buffer>(
    server: &mut S,
    buffer: &mut B,
    request: &Incoming,
) -> Result<Outgoing, Refusal> {
    let [] = request.caps()?;
    let words: [u64; 1] = request.words(buffer)?;
    let record: IncrementRequest = zerocopy::try_transmute!(words)
        .map_err(|_| Refusal::InvalidValue)?;
    match server.increment(Caller::of(request), record.by) {
        Ok(result) => {
            let record = IncrementReply { result };
            let words: [u64; 1] = zerocopy::transmute!(record);
            Ok(Outgoing::new(buffer, label::OK, words))
        }
        Err(error) => Ok(Outgoing::bare(client::InterfaceError::label(error))),
    }
}

#[inline]
fn serve_fail<S: EchoServer, B: Buffer>(
    server: &mut S,
    buffer: &mut B,
    request: &Incoming,
) -> Result<Outgoing, Refusal> {
    let [] = request.caps()?;
    let words: [u64; 1] = request.words(buffer)?;
    let record: FailRequest = zerocopy::try_transmute!(words)
        .map_err(|_| Refusal::InvalidValue)?;
    match server.fail(Caller::of(request), record.full) {
        Ok(()) => Ok(Outgoing::bare(label::OK)),
        Err(error) => Ok(Outgoing::bare(client::InterfaceError::label(error))),
    }
}

#[inline]
fn serve_signal<S: EchoServer, B: Buffer>(
    server: &mut S,
    buffer: &mut B,
    request: &Incoming,
) -> Result<Outgoing, Refusal> {
    let [cap0] = request.caps()?;
    let words: [u64; 1] = request.words(buffer)?;
    let record: SignalRequest = zerocopy::try_transmute!(words)
        .map_err(|_| Refusal::InvalidValue)?;
    match server.signal(Caller::of(request), record.times, Cap::at(cap0)) {
        Ok(()) => Ok(Outgoing::bare(label::OK)),
        Err(error) => Ok(Outgoing::bare(client::InterfaceError::label(error))),
    }
}

#[inline]
fn serve_take<S: EchoServer, B: Buffer>(
    server: &mut S,
    buffer: &mut B,
    request: &Incoming,
) -> Result<Outgoing, Refusal> {
    let [cap0, cap1] = request.caps()?;
    let []: [u64; 0] = request.words(buffer)?;
    match server.take(Caller::of(request), Cap::at(cap0), Cap::at(cap1)) {
        Ok(result) => {
            let record = TakeReply {
                result,
                _gap0: [Pad::Zero; 7],
            };
            let words: [u64; 1] = zerocopy::transmute!(record);
            Ok(Outgoing::new(buffer, label::OK, words))
        }
        Err(error) => Ok(Outgoing::bare(client::InterfaceError::label(error))),
    }
}

#[inline]
fn serve_echo_long<S: EchoServer, B: Buffer>(
    server: &mut S,
    buffer: &mut B,
    request: &Incoming,
) -> Result<Outgoing, Refusal> {
    let [] = request.caps()?;
    let words: [u64; 12] = request.words(buffer)?;
    let record: EchoLongRequest = zerocopy::transmute!(words);
    let result = server.echo_long(Caller::of(request), record.words);
    let record = EchoLongReply { result };
    let words: [u64; 12] = zerocopy::transmute!(record);
    Ok(Outgoing::new(buffer, label::OK, words))
}

/// The operations' numbers: the labels of requests.
pub mod op {
    /// [`EchoClient::ping`].
    pub const PING: u64 = 1;
    /// [`EchoClient::echo_word`].
    pub const ECHO_WORD: u64 = 2;
    /// [`EchoClient::echo_words`].
    pub const ECHO_WORDS: u64 = 3;
    /// [`EchoClient::sum`].
    pub const SUM: u64 = 4;
    /// [`EchoClient::swap`].
    pub const SWAP: u64 = 5;
    /// [`EchoClient::step`].
    pub const STEP: u64 = 6;
    /// [`EchoClient::increment`].
    pub const INCREMENT: u64 = 7;
    /// [`EchoClient::fail`].
    pub const FAIL: u64 = 8;
    /// [`EchoClient::signal`].
    pub const SIGNAL: u64 = 9;
    /// [`EchoClient::take`].
    pub const TAKE: u64 = 10;
    /// [`EchoClient::echo_long`].
    pub const ECHO_LONG: u64 = 11;
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct EchoWordRequest {
    word: u64,
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct EchoWordReply {
    result: u64,
}

#[inline]
fn echo_word_results<B: Buffer>(
    buffer: &mut B,
    reply: &Incoming,
) -> Result<u64, Refusal> {
    let words: [u64; 1] = reply.words(buffer)?;
    let record: EchoWordReply = zerocopy::transmute!(words);
    Ok(record.result)
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct EchoWordsRequest {
    words: [u64; 4],
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct EchoWordsReply {
    result: [u64; 4],
}

#[inline]
fn echo_words_results<B: Buffer>(
    buffer: &mut B,
    reply: &Incoming,
) -> Result<[u64; 4], Refusal> {
    let words: [u64; 4] = reply.words(buffer)?;
    let record: EchoWordsReply = zerocopy::transmute!(words);
    Ok(record.result)
}

#[derive(TryFromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct SumRequest {
    bytes: u16,
    _gap0: [Pad; 6],
}

#[derive(TryFromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct SumReply {
    result: u32,
    _gap0: [Pad; 4],
}

#[inline]
fn sum_results<B: Buffer>(buffer: &mut B, reply: &Incoming) -> Result<u32, Refusal> {
    let words: [u64; 1] = reply.words(buffer)?;
    let record: SumReply = zerocopy::try_transmute!(words)
        .map_err(|_| Refusal::InvalidValue)?;
    Ok(record.result)
}

#[derive(TryFromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct SwapRequest {
    first: u16,
    second: u16,
    _gap0: [Pad; 4],
}

#[derive(TryFromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct SwapReply {
    result0: u16,
    result1: u16,
    _gap0: [Pad; 4],
}

#[inline]
fn swap_results<B: Buffer>(
    buffer: &mut B,
    reply: &Incoming,
) -> Result<(Bytes<16>, Bytes<64>), Refusal> {
    let words: [u64; 1] = reply.first_words(buffer)?;
    let record: SwapReply = zerocopy::try_transmute!(words)
        .map_err(|_| Refusal::InvalidValue)?;
    let mut tail = Tail::after(reply, 1);
    let result0: Bytes<16> = tail.bytes(buffer, record.result0)?;
    let result1: Bytes<64> = tail.bytes(buffer, record.result1)?;
    tail.end()?;
    Ok((result0, result1))
}

#[derive(TryFromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct StepRequest {
    marker: Marker,
    by: u16,
    wrap: bool,
    _gap0: [Pad; 1],
}

#[derive(TryFromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct StepReply {
    result: Marker,
    _gap0: [Pad; 4],
}

#[inline]
fn step_results<B: Buffer>(buffer: &mut B, reply: &Incoming) -> Result<Marker, Refusal> {
    let words: [u64; 2] = reply.words(buffer)?;
    let record: StepReply = zerocopy::try_transmute!(words)
        .map_err(|_| Refusal::InvalidValue)?;
    Ok(record.result)
}

#[derive(TryFromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct IncrementRequest {
    by: u32,
    _gap0: [Pad; 4],
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct IncrementReply {
    result: u64,
}

#[inline]
fn increment_results<B: Buffer>(
    buffer: &mut B,
    reply: &Incoming,
) -> Result<u64, Refusal> {
    let words: [u64; 1] = reply.words(buffer)?;
    let record: IncrementReply = zerocopy::transmute!(words);
    Ok(record.result)
}

#[derive(TryFromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct FailRequest {
    full: bool,
    _gap0: [Pad; 7],
}

#[derive(TryFromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct SignalRequest {
    times: u8,
    _gap0: [Pad; 7],
}

#[derive(TryFromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct TakeReply {
    result: bool,
    _gap0: [Pad; 7],
}

#[inline]
fn take_results<B: Buffer>(buffer: &mut B, reply: &Incoming) -> Result<bool, Refusal> {
    let words: [u64; 1] = reply.words(buffer)?;
    let record: TakeReply = zerocopy::try_transmute!(words)
        .map_err(|_| Refusal::InvalidValue)?;
    Ok(record.result)
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct EchoLongRequest {
    words: [u64; 12],
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct EchoLongReply {
    result: [u64; 12],
}

#[inline]
fn echo_long_results<B: Buffer>(
    buffer: &mut B,
    reply: &Incoming,
) -> Result<[u64; 12], Refusal> {
    let words: [u64; 12] = reply.words(buffer)?;
    let record: EchoLongReply = zerocopy::transmute!(words);
    Ok(record.result)
}
