//! JSON as Go's `net/rpc/jsonrpc` writes it: JSON-RPC 1.0 without notifications, one value behind the other.

mod body;
mod envelope;
mod format;
mod zero;

use std::ops::Range;

use hijack_proto::rpc::json::Scanner;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::codec::whole;
use super::{Codec, Config, Decode, DecodeError, Encode, EncodeError, Inbox, ReplyHead};
use body::Body;
use envelope::Envelope;
use format::GoFormatter;

pub use envelope::JsonId;

/// The codec of Go's `net/rpc/jsonrpc`, byte for byte.
///
/// Values are serde's. Go's `[]byte` is text in base64, and Go leaves fields out of nothing: give structs that are received
/// `#[serde(default)]` if their peer may.
///
/// - Calls without parameters (`[]`) and with `null` get the zero of their type, as in Go: 0, "", nothing, all fields so.
/// - An answer of `null`, such as that of `()`, is sent as `{}`: Go's client takes null for the end of the world.
/// - A peer that answers with null and no error gives `()` or an `Option`; to other types it is an error of that one call.
#[derive(Debug, Clone, Copy, Default)]
pub struct Json;

/// Reads values out of a stream.
#[derive(Debug)]
pub struct JsonDecoder {
    inbox: Inbox,
    scanner: Scanner,
    method: String,
    body: Body,
}

impl Codec for Json {
    type Encoder = ();
    type Decoder = JsonDecoder;
    type Id = JsonId;

    fn encoder(&self, _: &Config) {}

    fn decoder(&self, config: &Config) -> JsonDecoder {
        JsonDecoder {
            inbox: Inbox::default(),
            scanner: Scanner::new(config.message_len),
            method: String::new(),
            body: Body::Missing,
        }
    }

    fn put_call<T: Encode<Self> + ?Sized>(
        encoder: &mut (),
        out: &mut Vec<u8>,
        method: &str,
        number: u64,
        args: &T,
    ) -> Result<(), EncodeError> {
        whole(out, |out| {
            out.extend_from_slice(b"{\"method\":");
            put(out, method)?;
            out.extend_from_slice(b",\"params\":[");
            args.encode(encoder, out)?;
            out.extend_from_slice(b"],\"id\":");
            put(out, &number)?;
            out.extend_from_slice(b"}\n");
            Ok(())
        })
    }

    fn put_reply<T: Encode<Self> + ?Sized>(
        encoder: &mut (),
        out: &mut Vec<u8>,
        _: &str,
        id: &JsonId,
        reply: &T,
    ) -> Result<(), EncodeError> {
        whole(out, |out| {
            out.extend_from_slice(b"{\"id\":");
            id.put(out);
            out.extend_from_slice(b",\"result\":");
            let start = out.len();
            reply.encode(encoder, out)?;
            if out[start..] == *b"null" {
                out.truncate(start);
                out.extend_from_slice(b"{}");
            }
            out.extend_from_slice(b",\"error\":null}\n");
            Ok(())
        })
    }

    fn put_error(_: &mut (), out: &mut Vec<u8>, _: &str, id: &JsonId, text: &str) {
        out.extend_from_slice(b"{\"id\":");
        id.put(out);
        if text.is_empty() {
            // To Go that is no error.
            out.extend_from_slice(b",\"result\":{},\"error\":null}\n");
            return;
        }
        out.extend_from_slice(b",\"result\":null,\"error\":");
        put(out, text).expect("a text is JSON");
        out.extend_from_slice(b"}\n");
    }

    fn inbox(decoder: &mut JsonDecoder) -> &mut Inbox {
        &mut decoder.inbox
    }

    fn next_call(decoder: &mut JsonDecoder) -> Result<Option<JsonId>, DecodeError> {
        let Some(value) = decoder.next()? else { return Ok(None) };
        let JsonDecoder { inbox, method, body, .. } = decoder;
        let text = text(&inbox.whole()[value.clone()]);
        let envelope = Envelope::read(text).map_err(DecodeError::of_stream)?;
        *body = Body::of_params(envelope.params, text).behind(value.start);
        method.clear();
        method.push_str(&envelope.method.unwrap_or_default());
        Ok(Some(JsonId::of(envelope.id)))
    }

    fn method(decoder: &JsonDecoder) -> &str {
        &decoder.method
    }

    fn next_reply(decoder: &mut JsonDecoder) -> Result<Option<ReplyHead>, DecodeError> {
        let Some(value) = decoder.next()? else { return Ok(None) };
        let JsonDecoder { inbox, body, .. } = decoder;
        let text = text(&inbox.whole()[value.clone()]);
        let envelope = Envelope::read(text).map_err(DecodeError::of_stream)?;
        *body = Body::of_result(envelope.result, text).behind(value.start);
        let number = envelope.number().map_err(DecodeError::of_stream)?;
        Ok(Some(ReplyHead { number, error: envelope.failure() }))
    }

    fn skip(decoder: &mut JsonDecoder) -> Result<(), DecodeError> {
        decoder.body = Body::Missing;
        Ok(())
    }

    fn is_within(decoder: &JsonDecoder) -> bool {
        decoder.inbox.rest().iter().any(|byte| !byte.is_ascii_whitespace())
    }
}

impl JsonDecoder {
    /// The place of the next whole value, which is UTF-8.
    fn next(&mut self) -> Result<Option<Range<usize>>, DecodeError> {
        let found = self.scanner.find(self.inbox.rest()).map_err(DecodeError::of_stream)?;
        let Some(found) = found else { return Ok(None) };
        let start = self.inbox.taken() + found.start;
        let mut len = found.len();
        let value = &self.inbox.whole()[start..start + len];
        if std::str::from_utf8(value).is_err() {
            // As Go reads it.
            let text = String::from_utf8_lossy(value).into_owned();
            self.inbox.replace(start, len, text.as_bytes());
            len = text.len();
        }
        self.inbox.take(found.start + len);
        Ok(Some(start..start + len))
    }
}

/// What was found to be text.
fn text(value: &[u8]) -> &str {
    std::str::from_utf8(value).expect("UTF-8 since it was found")
}

impl<T: Serialize + ?Sized> Encode<Json> for T {
    fn encode(&self, _: &mut (), out: &mut Vec<u8>) -> Result<(), EncodeError> {
        put(out, self)
    }
}

impl<T: DeserializeOwned> Decode<Json> for T {
    fn decode(decoder: &mut JsonDecoder) -> Result<Self, DecodeError> {
        let body = std::mem::replace(&mut decoder.body, Body::Missing);
        body.read(decoder.inbox.whole()).map_err(DecodeError::of_value)
    }
}

/// Appends a value as Go would write it.
fn put<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) -> Result<(), EncodeError> {
    let mut serializer = serde_json::Serializer::with_formatter(out, GoFormatter);
    value.serialize(&mut serializer).map_err(EncodeError::new)
}
