//! The first bytes of HTTP/2 (RFC 9113 §3.4), awaited by a server before anything is made of the connection.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use hijack::{EndReason, Timeout};
use tokio::io::AsyncReadExt;
use tokio::time::timeout;

use crate::Pipe;

pub(crate) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Waits until the preface has come; it stays to be read.
///
/// # Errors
///
/// `TimedOut`, `InvalidData` with the first byte that is another, `UnexpectedEof`, or the pipe's own.
pub(crate) async fn expect(pipe: &mut Pipe, within: Duration) -> io::Result<()> {
    let came = timeout(within, read(pipe)).await.unwrap_or_else(|_| {
        pipe.set_end_reason(EndReason::TimedOut(Timeout::Head));
        let text = format!("no preface of HTTP/2 within preface_timeout of {within:?}");
        Err(io::Error::new(io::ErrorKind::TimedOut, text))
    });
    if came.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::InvalidData) {
        pipe.set_end_reason(EndReason::Broken(io::ErrorKind::InvalidData));
    }
    came.map(|()| pipe.unshift(Bytes::from_static(PREFACE)))
}

async fn read(pipe: &mut Pipe) -> io::Result<()> {
    let mut came = [0; PREFACE.len()];
    let mut len = 0;
    while len < came.len() {
        let more = pipe.read(&mut came[len..]).await?;
        if more == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        len += more;
        if came[..len] != PREFACE[..len] {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "what came is no preface of HTTP/2"));
        }
    }
    Ok(())
}
