//! MessagePack as `hashicorp/net-rpc-msgpackrpc` writes it: a header, then the arguments or the reply.

use std::fmt;
use std::ops::Range;

use hijack_proto::rpc::msgpack::Scanner;
use serde::de::{DeserializeOwned, Deserializer, Visitor};
use serde::{Deserialize, Serialize};

use super::codec::whole;
use super::{Codec, Config, Decode, DecodeError, Encode, EncodeError, Inbox, ReplyHead};

/// The codec of `hashicorp/net-rpc-msgpackrpc`, which Consul and Nomad use.
///
/// Values are serde's; structs travel as maps of their fields' names. `[]byte` is what serde calls bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct MsgPack;

/// Reads values out of a stream.
#[derive(Debug)]
pub struct MsgPackDecoder {
    inbox: Inbox,
    scanner: Scanner,
    /// The header whose body is not whole yet.
    head: Option<HeadIn>,
    method: String,
    body: Range<usize>,
}

/// `rpc.Request`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct CallHead<'a> {
    service_method: &'a str,
    seq: u64,
}

/// `rpc.Response`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ReplyHeadOut<'a> {
    service_method: &'a str,
    seq: u64,
    error: &'a str,
}

/// Either of them, as it comes.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct HeadIn {
    service_method: Text,
    seq: u64,
    error: Text,
}

/// What stands where the value of a call that failed would: `struct{}{}`.
const NOTHING: u8 = 0x80;

impl Codec for MsgPack {
    type Encoder = ();
    type Decoder = MsgPackDecoder;
    type Id = u64;

    fn encoder(&self, _: &Config) {}

    fn decoder(&self, config: &Config) -> MsgPackDecoder {
        MsgPackDecoder {
            inbox: Inbox::default(),
            scanner: Scanner::new(config.message_len),
            head: None,
            method: String::new(),
            body: 0..0,
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
            put(out, &CallHead { service_method: method, seq: number })?;
            args.encode(encoder, out)
        })
    }

    fn put_reply<T: Encode<Self> + ?Sized>(
        encoder: &mut (),
        out: &mut Vec<u8>,
        method: &str,
        id: &u64,
        reply: &T,
    ) -> Result<(), EncodeError> {
        whole(out, |out| {
            put(out, &ReplyHeadOut { service_method: method, seq: *id, error: "" })?;
            reply.encode(encoder, out)
        })
    }

    fn put_error(_: &mut (), out: &mut Vec<u8>, method: &str, id: &u64, error: &str) {
        let head = ReplyHeadOut { service_method: method, seq: *id, error };
        put(out, &head).expect("two texts and a number can be encoded");
        out.push(NOTHING);
    }

    fn inbox(decoder: &mut MsgPackDecoder) -> &mut Inbox {
        &mut decoder.inbox
    }

    fn next_call(decoder: &mut MsgPackDecoder) -> Result<Option<u64>, DecodeError> {
        let Some(head) = decoder.next()? else { return Ok(None) };
        decoder.method = head.service_method.0;
        Ok(Some(head.seq))
    }

    fn method(decoder: &MsgPackDecoder) -> &str {
        &decoder.method
    }

    fn next_reply(decoder: &mut MsgPackDecoder) -> Result<Option<ReplyHead>, DecodeError> {
        let head = decoder.next()?;
        Ok(head.map(|head| ReplyHead {
            number: head.seq,
            error: Some(head.error.0).filter(|text| !text.is_empty()),
        }))
    }

    fn skip(decoder: &mut MsgPackDecoder) -> Result<(), DecodeError> {
        decoder.body = 0..0;
        Ok(())
    }

    fn is_within(decoder: &MsgPackDecoder) -> bool {
        decoder.head.is_some() || !decoder.inbox.rest().is_empty()
    }
}

impl MsgPackDecoder {
    /// The next header, once its body is whole as well.
    fn next(&mut self) -> Result<Option<HeadIn>, DecodeError> {
        if self.head.is_none() {
            let Some(head) = self.value()? else { return Ok(None) };
            self.head = Some(read(&self.inbox.whole()[head]).map_err(DecodeError::of_stream)?);
        }
        let Some(body) = self.value()? else { return Ok(None) };
        self.body = body;
        Ok(self.head.take())
    }

    /// The place of the next whole value.
    fn value(&mut self) -> Result<Option<Range<usize>>, DecodeError> {
        let found = self.scanner.find(self.inbox.rest()).map_err(DecodeError::of_stream)?;
        Ok(found.map(|len| {
            let start = self.inbox.taken();
            self.inbox.take(len);
            start..start + len
        }))
    }
}

/// How deep a value may be nested, as in the other codecs.
const MOST_DEPTH: usize = 128;

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, rmp_serde::decode::Error> {
    let mut deserializer = rmp_serde::Deserializer::from_read_ref(bytes);
    deserializer.set_max_depth(MOST_DEPTH);
    T::deserialize(&mut deserializer)
}

fn put<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) -> Result<(), EncodeError> {
    value.serialize(&mut rmp_serde::Serializer::new(out).with_struct_map()).map_err(EncodeError::new)
}

impl<T: Serialize + ?Sized> Encode<MsgPack> for T {
    fn encode(&self, _: &mut (), out: &mut Vec<u8>) -> Result<(), EncodeError> {
        put(out, self)
    }
}

impl<T: DeserializeOwned> Decode<MsgPack> for T {
    fn decode(decoder: &mut MsgPackDecoder) -> Result<Self, DecodeError> {
        let body = std::mem::take(&mut decoder.body);
        read(&decoder.inbox.whole()[body]).map_err(DecodeError::of_value)
    }
}

/// A string of Go's, which is mostly UTF-8.
#[derive(Debug, Default)]
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_string(TextVisitor)
    }
}

struct TextVisitor;

impl Visitor<'_> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E>(self, text: &str) -> Result<Text, E> {
        Ok(Text(text.to_owned()))
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Text, E> {
        Ok(Text(String::from_utf8_lossy(bytes).into_owned()))
    }

    fn visit_unit<E>(self) -> Result<Text, E> {
        Ok(Text::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What net-rpc-msgpackrpc writes for `Arith.Multiply` with `{A: 7, B: 8}` as its call number 3.
    const CALL: &[u8] = b"\x82\xadServiceMethod\xaeArith.Multiply\xa3Seq\x03\x82\xa1A\x07\xa1B\x08";

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "UPPERCASE")]
    struct Args {
        a: i64,
        b: i64,
    }

    #[test]
    fn a_call_is_written_and_read_in_any_pieces() {
        let mut out = Vec::new();
        MsgPack::put_call(&mut (), &mut out, "Arith.Multiply", 3, &Args { a: 7, b: 8 }).expect("sent");
        assert_eq!(out, CALL);
        for len in [1, 5, CALL.len()] {
            let mut decoder = MsgPack.decoder(&Config::default());
            let mut id = None;
            for piece in CALL.chunks(len) {
                assert!(id.is_none(), "only a whole call is given out");
                MsgPack::inbox(&mut decoder).feed(piece);
                id = MsgPack::next_call(&mut decoder).expect("a call");
            }
            assert_eq!((id, MsgPack::method(&decoder)), (Some(3), "Arith.Multiply"));
            assert_eq!(
                <Args as Decode<MsgPack>>::decode(&mut decoder).expect("arguments"),
                Args { a: 7, b: 8 }
            );
            assert!(!MsgPack::is_within(&decoder));
        }
    }

    #[test]
    fn an_answer_with_nil_for_no_error() {
        let mut decoder = MsgPack.decoder(&Config::default());
        MsgPack::inbox(&mut decoder).feed(b"\x83\xa5Error\xc0\xadServiceMethod\xa1x\xa3Seq\x09\x2a");
        let head = MsgPack::next_reply(&mut decoder).expect("an answer");
        assert_eq!(head, Some(ReplyHead { number: 9, error: None }));
        assert_eq!(<i64 as Decode<MsgPack>>::decode(&mut decoder).expect("a number"), 42);
    }

    #[test]
    fn depth_fails_one_call_and_length_the_stream() {
        let mut decoder = MsgPack.decoder(&Config::default());
        let deep = [&b"\x81\xa3Seq\x01"[..], &[0x91; 100_000], b"\x00"].concat();
        MsgPack::inbox(&mut decoder).feed(&deep);
        assert_eq!(MsgPack::next_call(&mut decoder).expect("a call"), Some(1));
        let error = <serde::de::IgnoredAny as Decode<MsgPack>>::decode(&mut decoder).expect_err("too deep");
        assert!(!error.is_fatal());
        MsgPack::inbox(&mut decoder).feed(b"\x81\xa3Seq\x01\xdd\xff\xff\xff\xff");
        assert!(MsgPack::next_call(&mut decoder).expect_err("too long").is_fatal());
    }
}
