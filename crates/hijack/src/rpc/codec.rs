//! What a codec has to do: calls and answers as bytes, in both directions.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Config, Inbox};
use crate::BoxError;

/// A way in which calls and answers are written on a connection: [`Gob`](super::Gob),
/// [`Json`](super::Json), [`MsgPack`](super::MsgPack).
///
/// Each direction of a connection has a state of its own: types that were sent once and are known from then on, or
/// nothing at all. Whatever is written is appended in the order in which it leaves, so that such a state is right.
///
/// A value is sent and received by types that implement [`Encode`] and [`Decode`] for the codec; for those of serde's data
/// model everything that serde knows does.
pub trait Codec: Clone + fmt::Debug + Send + Sync + 'static {
    /// The state of the direction that is written.
    type Encoder: Send + 'static;

    /// The state of the direction that is read, and what was read and not taken yet.
    type Decoder: Send + 'static;

    /// What a client's call is known by to a server.
    type Id: Send + 'static;

    /// What writes on a new connection.
    fn encoder(&self, config: &Config) -> Self::Encoder;

    /// What reads on a new connection.
    fn decoder(&self, config: &Config) -> Self::Decoder;

    /// Appends a call, or nothing.
    ///
    /// # Errors
    ///
    /// [`EncodeError`]: `out` and the state are as before, which they must also be if the value panics.
    fn put_call<T: Encode<Self> + ?Sized>(
        encoder: &mut Self::Encoder,
        out: &mut Vec<u8>,
        method: &str,
        number: u64,
        args: &T,
    ) -> Result<(), EncodeError>;

    /// Appends the answer to a call, or nothing.
    ///
    /// # Errors
    ///
    /// [`EncodeError`]: `out` and the state are as before, which they must also be if the value panics.
    fn put_reply<T: Encode<Self> + ?Sized>(
        encoder: &mut Self::Encoder,
        out: &mut Vec<u8>,
        method: &str,
        id: &Self::Id,
        reply: &T,
    ) -> Result<(), EncodeError>;

    /// Appends the answer that a call failed with `text`.
    fn put_error(encoder: &mut Self::Encoder, out: &mut Vec<u8>, method: &str, id: &Self::Id, text: &str);

    /// Where what the peer sends is put.
    fn inbox(decoder: &mut Self::Decoder) -> &mut Inbox;

    /// The next call, once all of it has come; its method is [`method`](Self::method). Its arguments must be decoded or
    /// [skipped](Self::skip) before the next one is asked for.
    ///
    /// # Errors
    ///
    /// [`DecodeError`]: nothing more can be read.
    fn next_call(decoder: &mut Self::Decoder) -> Result<Option<Self::Id>, DecodeError>;

    /// The method of the call that was read last.
    fn method(decoder: &Self::Decoder) -> &str;

    /// The next answer, once all of it has come. Its value must be decoded or [skipped](Self::skip) before the next one is
    /// asked for, also behind an error.
    ///
    /// # Errors
    ///
    /// [`DecodeError`]: nothing more can be read.
    fn next_reply(decoder: &mut Self::Decoder) -> Result<Option<ReplyHead>, DecodeError>;

    /// Passes over the arguments or the value that are next.
    ///
    /// # Errors
    ///
    /// [`DecodeError`]: nothing more can be read.
    fn skip(decoder: &mut Self::Decoder) -> Result<(), DecodeError>;

    /// Whether something was begun that has not come to its end.
    fn is_within(decoder: &Self::Decoder) -> bool;
}

/// The head of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyHead {
    /// Of the call that is answered.
    pub number: u64,
    /// What the server says of a call that failed.
    pub error: Option<String>,
}

/// Appends all of something or nothing: nothing also if what is written panics on the way.
pub(super) fn whole(
    out: &mut Vec<u8>,
    put: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    let mut partial = Partial { len: out.len(), out };
    put(partial.out)?;
    partial.len = partial.out.len();
    Ok(())
}

/// Bytes of which those beyond `len` are taken back.
struct Partial<'o> {
    out: &'o mut Vec<u8>,
    len: usize,
}

impl Drop for Partial<'_> {
    fn drop(&mut self) {
        self.out.truncate(self.len);
    }
}

/// Decodes what is next. Behind a type that panics over it nobody knows where the decoder stands.
pub(super) fn decode<C: Codec, T: Decode<C>>(decoder: &mut C::Decoder) -> Result<T, DecodeError> {
    let decoded = catch_unwind(AssertUnwindSafe(|| T::decode(decoder)));
    decoded.unwrap_or_else(|_| Err(DecodeError::of_stream("its type panicked while it was decoded")))
}

/// A value that can be sent by a codec.
pub trait Encode<C: Codec> {
    /// Appends the value.
    ///
    /// # Errors
    ///
    /// [`EncodeError`]: what was appended is taken back by the caller.
    fn encode(&self, encoder: &mut C::Encoder, out: &mut Vec<u8>) -> Result<(), EncodeError>;
}

/// A value that can be received by a codec.
pub trait Decode<C: Codec>: Sized {
    /// Takes the arguments or the value that are next.
    ///
    /// # Errors
    ///
    /// [`DecodeError`]. Unless it [is fatal](DecodeError::is_fatal) the decoder stands behind the value, and the connection
    /// goes on.
    fn decode(decoder: &mut C::Decoder) -> Result<Self, DecodeError>;
}

/// A value cannot be sent.
#[derive(Debug)]
pub struct EncodeError(BoxError);

impl EncodeError {
    /// It cannot because of `cause`.
    pub fn new(cause: impl Into<BoxError>) -> Self {
        Self(cause.into())
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for EncodeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

/// What the peer sent cannot be read as what it should be.
#[derive(Debug)]
pub struct DecodeError {
    cause: BoxError,
    fatal: bool,
}

impl DecodeError {
    /// A value is not of the type that is wanted. Only its own call fails.
    pub fn of_value(cause: impl Into<BoxError>) -> Self {
        Self { cause: cause.into(), fatal: false }
    }

    /// The stream is broken: nothing behind it can be read.
    pub fn of_stream(cause: impl Into<BoxError>) -> Self {
        Self { cause: cause.into(), fatal: true }
    }

    /// Whether nothing behind it can be read.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        self.fatal
    }

    /// Why.
    #[must_use]
    pub fn into_cause(self) -> BoxError {
        self.cause
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl std::error::Error for DecodeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.source()
    }
}
