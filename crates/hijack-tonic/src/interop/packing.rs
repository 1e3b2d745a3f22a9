//! Compresses an answer by gzip, message by message.

use std::collections::VecDeque;
use std::io::Write;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{BufMut, Bytes, BytesMut};
use flate2::write::GzEncoder;
use http::header::HeaderValue;
use http::{HeaderMap, Response};
use http_body::{Body, Frame};
use tonic::Status;

/// Of each message of an answer: whether it is to go compressed. Among the answer's extensions.
#[derive(Debug, Clone)]
pub(super) struct Packed(pub(super) VecDeque<bool>);

/// Whether a client with these headers takes compressed messages.
pub(super) fn is_welcome(headers: &HeaderMap) -> bool {
    let accepted = headers.get("grpc-accept-encoding").and_then(|value| value.to_str().ok());
    accepted.is_some_and(|accepted| accepted.split(',').any(|name| name.trim() == "gzip"))
}

/// An answer that nothing else compresses.
pub(super) fn pack(mut answer: Response<tonic::body::Body>, packed: Packed) -> Response<tonic::body::Body> {
    answer.headers_mut().insert("grpc-encoding", HeaderValue::from_static("gzip"));
    answer.map(|body| tonic::body::Body::new(Packing { body, packed }))
}

struct Packing {
    body: tonic::body::Body,
    packed: Packed,
}

impl Body for Packing {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
        Poll::Ready(frame.map(|frame| Ok(frame?.map_data(|data| this.packed.pack(data)))))
    }
}

impl Packed {
    /// Takes the messages in `data`, which are whole: tonic never sends parts of one.
    fn pack(&mut self, mut data: Bytes) -> Bytes {
        let mut out = BytesMut::with_capacity(data.len());
        while let Some(&[_, a, b, c, d]) = data.first_chunk() {
            let whole = PREFIX_LEN + u32::from_be_bytes([a, b, c, d]) as usize;
            let message = data.split_to(whole.min(data.len()));
            match self.0.pop_front() {
                Some(true) => put_packed(&mut out, &message[PREFIX_LEN..]),
                _ => out.put(message),
            }
        }
        out.freeze()
    }
}

/// The flag and the length in front of a message.
const PREFIX_LEN: usize = 5;

fn put_packed(out: &mut BytesMut, message: &[u8]) {
    let mut gzip = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let packed = gzip.write_all(message).and_then(|()| gzip.finish()).expect("memory takes everything");
    out.put_u8(1);
    out.put_u32(u32::try_from(packed.len()).expect("little more than the limit of a payload"));
    out.put_slice(&packed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_message_goes_as_it_is_wanted() {
        let mut packed = Packed([false, true].into());
        let sent = packed.pack(Bytes::from_static(b"\0\0\0\0\x03abc\0\0\0\0\0\0\0\0\0\x01d"));
        let (first, second) = sent.split_at(8);
        assert_eq!(first, b"\0\0\0\0\x03abc");
        // Even of nothing gzip makes something, which begins as RFC 1952 §2.3.1 says.
        let len = usize::from(second[4]);
        assert_eq!(second[..7], [1, 0, 0, 0, second[4], 0x1f, 0x8b]);
        assert_eq!(second[PREFIX_LEN + len..], *b"\0\0\0\0\x01d");
    }
}
