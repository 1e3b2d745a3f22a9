//! What a client sends in a call: its messages are measured before anything is collected of them.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tonic::Status;

use super::status;

/// The body of a call's request on the server.
pub(crate) struct Requested {
    body: Incoming,
    messages: Messages,
}

impl Requested {
    pub(crate) fn new(body: Incoming, max_message_len: usize) -> Self {
        Self { body, messages: Messages::new(max_message_len) }
    }
}

impl Body for Requested {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        let frame = match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
            Some(Ok(frame)) => frame,
            Some(Err(error)) => return Poll::Ready(Some(Err(status::of_client(&error)))),
            None => return Poll::Ready(None),
        };
        if let Some(data) = frame.data_ref() {
            this.messages.measure(data, |_| ())?;
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Where the messages in a stream of bytes begin: each has a flag and a length of four bytes in front.
pub(crate) struct Messages {
    max_len: usize,
    /// What came of a prefix; `have < 5`.
    prefix: [u8; 5],
    have: usize,
    /// Bytes of the message under way that are still to come.
    left: u32,
}

impl Messages {
    pub(crate) fn new(max_len: usize) -> Self {
        Self { max_len, prefix: [0; 5], have: 0, left: 0 }
    }

    /// Looks at more bytes, and tells of each message that begins whether it is compressed; the error is
    /// `RESOURCE_EXHAUSTED`.
    pub(crate) fn measure(&mut self, mut data: &[u8], mut begins: impl FnMut(bool)) -> Result<(), Status> {
        loop {
            let inside = data.len().min(self.left as usize);
            // As long as `data`, which is shorter than `left`, or `left` itself.
            self.left -= u32::try_from(inside).unwrap_or(self.left);
            data = &data[inside..];
            if data.is_empty() {
                return Ok(());
            }
            let taken = data.len().min(self.prefix.len() - self.have);
            self.prefix[self.have..self.have + taken].copy_from_slice(&data[..taken]);
            self.have += taken;
            data = &data[taken..];
            if self.have < self.prefix.len() {
                return Ok(());
            }
            let [flag, length @ ..] = self.prefix;
            begins(flag != 0);
            self.have = 0;
            self.left = u32::from_be_bytes(length);
            if self.left as usize > self.max_len {
                return Err(Status::resource_exhausted(format!(
                    "message of {} bytes exceeds max_message_len {}",
                    self.left, self.max_len
                )));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three messages, of 3, 0 and 6 bytes.
    const STREAM: &[u8] = b"\0\0\0\0\x03abc\x01\0\0\0\0\0\0\0\0\x06abcdef";

    #[test]
    fn measures_every_message_at_every_split() {
        for split in 0..=STREAM.len() {
            let (a, b) = STREAM.split_at(split);
            let mut enough = Messages::new(6);
            let mut flags = Vec::new();
            enough.measure(a, |flag| flags.push(flag)).expect("no message is longer");
            enough.measure(b, |flag| flags.push(flag)).expect("no message is longer");
            assert_eq!(flags, [false, true, false]);
            let mut short = Messages::new(5);
            let error = short
                .measure(a, drop)
                .and_then(|()| short.measure(b, drop))
                .expect_err("the third is longer");
            assert_eq!(error.code(), tonic::Code::ResourceExhausted);
            assert_eq!(error.message(), "message of 6 bytes exceeds max_message_len 5");
        }
        let mut bytewise = Messages::new(6);
        for byte in STREAM.chunks(1) {
            bytewise.measure(byte, drop).unwrap();
        }
        assert_eq!((bytewise.left, bytewise.have), (0, 0));
    }
}
