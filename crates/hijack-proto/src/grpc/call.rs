//! One call, as it is seen from outside.

use super::message::MessageScan;
use super::{Sender, Status};

/// A call inside a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The number of its stream.
    pub stream: u32,
    /// As `/package.Service/Method`; cut at [`Limits::text_len`](super::Limits::text_len).
    pub method: Box<str>,
    /// When it began, in the milliseconds of whoever asks.
    pub began_ms: u64,
    /// When and how it ended; none while it is under way.
    pub end: Option<CallEnd>,
    /// Messages that the client of the connection sent, and the server.
    pub messages: [u64; 2],
    pub(super) scans: [MessageScan; 2],
    /// The `:status` of the answer, once its head was seen.
    pub(super) http_status: Option<Box<[u8]>>,
}

/// The end of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallEnd {
    /// When it was.
    pub at_ms: u64,
    /// How it came out. For a stream that was reset this is what the reset's code means.
    pub status: Status,
    /// `grpc-message`, still with its percent signs; cut at [`Limits::text_len`](super::Limits::text_len).
    pub message: Option<Box<str>>,
    /// Who reset its stream, if it was reset.
    pub reset_by: Option<Sender>,
}

impl Call {
    pub(super) fn new(stream: u32, method: Box<str>, began_ms: u64) -> Self {
        Self {
            stream,
            method,
            began_ms,
            end: None,
            messages: [0; 2],
            scans: Default::default(),
            http_status: None,
        }
    }

    /// How long it took, or has taken until now.
    #[must_use]
    pub fn duration_ms(&self, now_ms: u64) -> u64 {
        self.end.as_ref().map_or(now_ms, |end| end.at_ms).saturating_sub(self.began_ms)
    }

    pub(super) fn see(&mut self, from: Sender, bytes: &[u8]) {
        self.messages[from.index()] += self.scans[from.index()].see(bytes);
    }

    pub(super) fn skip(&mut self, from: Sender, len: u64) {
        self.messages[from.index()] += self.scans[from.index()].skip(len);
    }
}
