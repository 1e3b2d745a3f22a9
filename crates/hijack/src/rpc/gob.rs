//! gob as Go's net/rpc writes it: a header, then the arguments or the reply, in one stream for each direction.

use hijack_gob::{Decoder, Encoder, GoString};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::codec::whole;
use super::{Codec, Config, Decode, DecodeError, Encode, EncodeError, Inbox, ReplyHead};

/// The codec of Go's net/rpc unless a program says otherwise: `encoding/gob`.
///
/// A value is received by anything that implements serde's `Deserialize`, and sent by what derives
/// [`hijack_gob::Gob`], since gob wants to know the whole type before the first value. Go's names begin with capitals:
/// rename fields. `[]byte` is [`hijack_gob::ByteBuf`], `struct{}` a struct without fields.
///
/// - A reply of another type than the caller wants fails that call. Go's client ends the connection over it.
/// - Arguments that cannot be encoded leave no trace. Go's client sends half of such a call and is out of step then.
#[derive(Debug, Clone, Default)]
pub struct Gob {
    limits: hijack_gob::Limits,
    registry: hijack_gob::Registry,
}

impl Gob {
    /// With limits of one's own on types and values; [`Config::message_len`] still bounds messages.
    #[must_use]
    pub fn with_limits(self, limits: hijack_gob::Limits) -> Self {
        Self { limits, ..self }
    }

    /// With names for what interfaces hold.
    #[must_use]
    pub fn with_registry(self, registry: hijack_gob::Registry) -> Self {
        Self { registry, ..self }
    }

    fn fresh(&self, limits: hijack_gob::Limits) -> Encoder {
        Encoder::with_limits(limits).with_registry(self.registry.clone())
    }

    fn limits(&self, config: &Config) -> hijack_gob::Limits {
        let mut limits = self.limits;
        limits.message_len = config.message_len;
        limits
    }
}

/// Writes values into a stream.
#[derive(Debug)]
pub struct GobEncoder {
    encoder: Encoder,
    codec: Gob,
    limits: hijack_gob::Limits,
    /// Whether nothing was written yet.
    is_fresh: bool,
}

/// Reads values out of a stream.
#[derive(Debug)]
pub struct GobDecoder {
    decoder: Decoder,
    inbox: Inbox,
    /// The header whose body is not whole yet.
    head: Option<Head>,
    method: String,
    message_len: usize,
}

/// What is kept of a header.
#[derive(Debug)]
struct Head {
    number: u64,
    error: String,
}

/// A header's fields are few; a method's name is the longest of them.
const HEAD_LEN: usize = 64 * 1024;

/// `rpc.Request`.
#[derive(hijack_gob::Gob)]
#[gob(name = "Request")]
struct CallHead<'a> {
    #[gob(name = "ServiceMethod")]
    method: &'a str,
    #[gob(name = "Seq")]
    number: u64,
}

/// `rpc.Response`.
#[derive(hijack_gob::Gob)]
#[gob(name = "Response")]
struct ReplyHeadOut<'a> {
    #[gob(name = "ServiceMethod")]
    method: &'a str,
    #[gob(name = "Seq")]
    number: u64,
    #[gob(name = "Error")]
    error: &'a str,
}

/// Either of them, as it comes.
#[derive(Deserialize)]
struct HeadIn {
    #[serde(rename = "ServiceMethod", default)]
    method: GoString,
    #[serde(rename = "Seq", default)]
    number: u64,
    #[serde(rename = "Error", default)]
    error: GoString,
}

/// What stands where the value of a call that failed would: `struct{}{}`.
#[derive(hijack_gob::Gob)]
struct Nothing {}

impl Codec for Gob {
    type Encoder = GobEncoder;
    type Decoder = GobDecoder;
    type Id = u64;

    fn encoder(&self, _: &Config) -> GobEncoder {
        // What we may send is for the peer to limit.
        let mut limits = self.limits;
        limits.message_len = usize::MAX;
        GobEncoder { encoder: self.fresh(limits), codec: self.clone(), limits, is_fresh: true }
    }

    fn decoder(&self, config: &Config) -> GobDecoder {
        GobDecoder {
            decoder: Decoder::with_limits(self.limits(config)).with_registry(self.registry.clone()),
            inbox: Inbox::default(),
            head: None,
            method: String::new(),
            message_len: config.message_len,
        }
    }

    fn put_call<T: Encode<Self> + ?Sized>(
        encoder: &mut GobEncoder,
        out: &mut Vec<u8>,
        method: &str,
        number: u64,
        args: &T,
    ) -> Result<(), EncodeError> {
        encoder.put(out, &CallHead { method, number }, args)
    }

    fn put_reply<T: Encode<Self> + ?Sized>(
        encoder: &mut GobEncoder,
        out: &mut Vec<u8>,
        method: &str,
        id: &u64,
        reply: &T,
    ) -> Result<(), EncodeError> {
        encoder.put(out, &ReplyHeadOut { method, number: *id, error: "" }, reply)
    }

    fn put_error(encoder: &mut GobEncoder, out: &mut Vec<u8>, method: &str, id: &u64, error: &str) {
        encoder
            .put(out, &ReplyHeadOut { method, number: *id, error }, &Nothing {})
            .expect("two texts and a number can be encoded");
    }

    fn inbox(decoder: &mut GobDecoder) -> &mut Inbox {
        &mut decoder.inbox
    }

    fn next_call(decoder: &mut GobDecoder) -> Result<Option<u64>, DecodeError> {
        Ok(decoder.next()?.map(|head| head.number))
    }

    fn method(decoder: &GobDecoder) -> &str {
        &decoder.method
    }

    fn next_reply(decoder: &mut GobDecoder) -> Result<Option<ReplyHead>, DecodeError> {
        let head = decoder.next()?;
        Ok(head.map(|Head { number, error }| ReplyHead {
            number,
            error: Some(error).filter(|text| !text.is_empty()),
        }))
    }

    fn skip(decoder: &mut GobDecoder) -> Result<(), DecodeError> {
        decoder.with(|decoder, input| decoder.skip(input)).map(drop)
    }

    fn is_within(decoder: &GobDecoder) -> bool {
        decoder.head.is_some() || !decoder.inbox.rest().is_empty()
    }
}

impl GobEncoder {
    /// Appends a header and a body, or neither.
    fn put<T: Encode<Gob> + ?Sized>(
        &mut self,
        out: &mut Vec<u8>,
        head: &impl hijack_gob::Gob,
        body: &T,
    ) -> Result<(), EncodeError> {
        if self.is_fresh {
            // The type of a header that was taken back must be told again: to whoever reads nothing was said.
            self.encoder = self.codec.fresh(self.limits);
        }
        whole(out, |out| {
            self.encoder.encode(head, out).map_err(EncodeError::new)?;
            body.encode(self, out)
        })?;
        self.is_fresh = false;
        Ok(())
    }
}

impl GobDecoder {
    /// The next header, once its body is whole as well.
    fn next(&mut self) -> Result<Option<Head>, DecodeError> {
        if self.head.is_none() {
            self.decoder.set_message_limit(HEAD_LEN.min(self.message_len));
            let head: Option<HeadIn> = self.with(|decoder, input| decoder.decode(input)).map_err(fatal)?;
            let Some(HeadIn { method, number, error }) = head else { return Ok(None) };
            self.method = text(method);
            self.head = Some(Head { number, error: text(error) });
            self.decoder.set_message_limit(self.message_len);
        }
        let is_whole = self.with(|decoder, input| decoder.is_whole(input))?;
        Ok(if is_whole { self.head.take() } else { None })
    }

    /// Has the decoder take something from what was read.
    fn with<R>(
        &mut self,
        take: impl FnOnce(&mut Decoder, &mut &[u8]) -> Result<R, hijack_gob::DecodeError>,
    ) -> Result<R, DecodeError> {
        let mut input = self.inbox.rest();
        let len = input.len();
        let taken = take(&mut self.decoder, &mut input);
        let used = len - input.len();
        self.inbox.take(used);
        taken.map_err(|error| {
            if error.is_fatal() { DecodeError::of_stream(error) } else { DecodeError::of_value(error) }
        })
    }
}

/// Without a header nothing is known of what follows.
fn fatal(error: DecodeError) -> DecodeError {
    DecodeError::of_stream(error.into_cause())
}

/// Names and errors of Go's are mostly UTF-8.
fn text(text: GoString) -> String {
    String::from_utf8(text.0).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

impl<T: hijack_gob::Gob + ?Sized> Encode<Gob> for T {
    fn encode(&self, encoder: &mut GobEncoder, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        encoder.encoder.encode(self, out).map_err(EncodeError::new)
    }
}

/// A value to be sent whose type is known at run time only. Received, it is a [`hijack_gob::Dynamic`].
#[derive(Debug, Clone)]
pub struct GobDynamic(pub hijack_gob::Dynamic);

impl Encode<Gob> for GobDynamic {
    fn encode(&self, encoder: &mut GobEncoder, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        encoder.encoder.encode_dynamic(&self.0, out).map_err(EncodeError::new)
    }
}

impl<T: DeserializeOwned> Decode<Gob> for T {
    fn decode(decoder: &mut GobDecoder) -> Result<Self, DecodeError> {
        let value = decoder.with(|decoder, input| decoder.decode(input))?;
        value.ok_or_else(|| DecodeError::of_stream("a body that is whole was not found"))
    }
}
