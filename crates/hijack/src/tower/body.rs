//! The body of a request, for services: it owns its way to the connection.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hijack_proto::body::{BodyEvent, BodyLength};
use http_body::{Body, Frame, SizeHint};

use super::slot::Slot;
use crate::Error;
use crate::incoming::PART_LEN;

/// The body of a request, read from the connection as far as it is asked for.
///
/// A client that waits for `100 Continue` gets it with the first read. What is not read is read and thrown away
/// behind the answer, or is handed over raw by a takeover. Behind the exchange, and behind a takeover, reading fails
/// with [`Error::TakeOver`].
pub struct IncomingBody {
    slot: Arc<Slot>,
    /// Bytes still to come, if the head told.
    left: Option<u64>,
    ended: bool,
}

impl IncomingBody {
    pub(super) fn new(slot: Arc<Slot>, length: BodyLength) -> Self {
        let left = match length {
            BodyLength::Exact(len) => Some(len),
            BodyLength::Chunked | BodyLength::UntilClose => None,
        };
        Self { slot, left, ended: left == Some(0) }
    }
}

impl Body for IncomingBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let event = ready!(self.slot.poll_body(cx, PART_LEN)).inspect_err(|_| self.ended = true)?;
        Poll::Ready(match event {
            BodyEvent::Data(data) => {
                if let Some(left) = &mut self.left {
                    *left -= data.len() as u64;
                }
                self.ended = self.left == Some(0);
                Some(Ok(Frame::data(data)))
            }
            BodyEvent::End(trailers) => {
                self.ended = true;
                trailers.map(|trailers| Ok(Frame::trailers(trailers)))
            }
            BodyEvent::NeedInput => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl fmt::Debug for IncomingBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IncomingBody").field("left", &self.left).field("ended", &self.ended).finish()
    }
}
