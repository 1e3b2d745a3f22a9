//! The first bytes of HTTP/2 (RFC 9113 §3.4), awaited before anything is made of the connection.

use std::io;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use hijack::{EndReason, HTTP2_PREFACE, Timeout};
use tokio::io::AsyncReadExt;
use tokio::time::{Instant, sleep_until};

use crate::Pipe;

/// Bytes of the head of a frame (RFC 9113 §4.1).
pub(crate) const FRAME_HEAD_LEN: usize = 9;

/// Whether this is the head of a peer's first frame, which is a SETTINGS (RFC 9113 §3.4, §6.5): of stream 0, no
/// acknowledgement, whole settings, and no longer than a frame may be before anything was settled.
pub(crate) fn is_settings(head: [u8; FRAME_HEAD_LEN]) -> bool {
    let [l2, l1, l0, kind, flags, stream @ ..] = head;
    let len = u32::from_be_bytes([0, l2, l1, l0]);
    let stream = u32::from_be_bytes(stream) & 0x7fff_ffff;
    (kind, flags & 1, stream) == (SETTINGS, 0, 0) && len.is_multiple_of(6) && len <= 16_384
}

const SETTINGS: u8 = 4;

/// The time that a peer has for its first words, all of them together; less when a shutdown begins.
#[derive(Debug)]
pub(crate) struct Patience {
    within: Duration,
    until: Instant,
    is_told: bool,
}

/// The first words that did not come in time.
#[derive(Debug)]
pub(crate) enum Late {
    /// Within `preface_timeout`.
    TimedOut(Duration),
    /// Before a shutdown.
    ShutDown,
}

impl Patience {
    /// From now on.
    pub(crate) fn new(within: Duration) -> Self {
        Self { within, until: Instant::now() + within, is_told: false }
    }

    /// What is left of it.
    pub(crate) fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    /// Whether a shutdown has begun.
    pub(crate) fn is_told(&self) -> bool {
        self.is_told
    }

    /// Waits for `coming`; no longer than a second once `told` has completed. What is on its way then is still served: its
    /// client could not know whether it was.
    pub(crate) async fn wait<T>(
        &mut self,
        told: impl Future<Output = ()>,
        coming: impl Future<Output = T>,
    ) -> Result<T, Late> {
        let (mut told, mut coming) = (pin!(told), pin!(coming));
        loop {
            tokio::select! {
                biased;
                came = &mut coming => return Ok(came),
                () = &mut told, if !self.is_told => {
                    self.is_told = true;
                    self.until = self.until.min(Instant::now() + LATE);
                }
                () = sleep_until(self.until) => {
                    return Err(if self.is_told { Late::ShutDown } else { Late::TimedOut(self.within) });
                }
            }
        }
    }
}

/// Time for first words that were on their way when a shutdown began.
const LATE: Duration = Duration::from_secs(1);

impl Late {
    pub(crate) fn reason(&self) -> EndReason {
        match self {
            Self::TimedOut(_) => EndReason::TimedOut(Timeout::Head),
            Self::ShutDown => EndReason::ShutDown,
        }
    }

    pub(crate) fn into_error(self) -> io::Error {
        match self {
            Self::TimedOut(within) => {
                let text = format!("no preface of HTTP/2 within preface_timeout of {within:?}");
                io::Error::new(io::ErrorKind::TimedOut, text)
            }
            Self::ShutDown => {
                io::Error::new(io::ErrorKind::ConnectionAborted, "shut down before a preface of HTTP/2 came")
            }
        }
    }
}

/// Waits until the preface has come; it stays to be read.
///
/// # Errors
///
/// [`Late`]'s, `InvalidData` with the first byte that is another, `UnexpectedEof`, or the pipe's own.
pub(crate) async fn expect(
    pipe: &mut Pipe,
    patience: &mut Patience,
    told: impl Future<Output = ()>,
) -> io::Result<()> {
    let came = patience.wait(told, read(pipe)).await.unwrap_or_else(|late| {
        pipe.set_end_reason(late.reason());
        Err(late.into_error())
    });
    if came.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::InvalidData) {
        pipe.set_end_reason(EndReason::Broken(io::ErrorKind::InvalidData));
    }
    came.map(|()| pipe.unshift(Bytes::from_static(HTTP2_PREFACE)))
}

async fn read(pipe: &mut Pipe) -> io::Result<()> {
    let mut came = [0; HTTP2_PREFACE.len()];
    let mut len = 0;
    while len < came.len() {
        let more = pipe.read(&mut came[len..]).await?;
        if more == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        len += more;
        if came[..len] != HTTP2_PREFACE[..len] {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "what came is no preface of HTTP/2"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9113 §3.4, §6.5.
    #[test]
    fn the_first_frame_is_a_settings() {
        for (head, expected) in [
            ([0, 0, 0, 4, 0, 0, 0, 0, 0], true),
            ([0, 0, 18, 4, 0, 0, 0, 0, 0], true),
            ([0, 0, 6, 4, 0, 0x80, 0, 0, 0], true), // a reserved bit, which is ignored
            ([0, 0, 7, 4, 0, 0, 0, 0, 0], false),   // no whole settings
            ([0, 0x40, 2, 4, 0, 0, 0, 0, 0], false), // too long
            ([0, 0, 0, 4, 1, 0, 0, 0, 0], false),   // an acknowledgement
            ([0, 0, 0, 4, 0, 0, 0, 0, 1], false),   // of a stream
            ([0, 0, 8, 6, 0, 0, 0, 0, 0], false),   // a ping
            (*b"HTTP/1.1 ", false),
            (*b"PRI * HTT", false),
        ] {
            assert_eq!(is_settings(head), expected, "{head:?}");
        }
    }
}
