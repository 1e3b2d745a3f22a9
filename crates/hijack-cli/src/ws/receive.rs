//! Messages become output. Pieces are written as they come, so a message may be of any size.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::task::Poll;

use hijack::ws::{CloseFrame, Error, MessageKind, Reader};
use tokio::io::{AsyncWriteExt, Stdout};

use super::progress::Meter;
use super::screen::{Lines, Screen};
use crate::exit::Failure;

/// How receiving ended.
pub(super) enum Received {
    /// Both sides are done; what the server said.
    Closed(Option<CloseFrame>),
    /// The connection failed.
    Failed(Error),
    /// Nobody reads what is printed any more.
    Unread,
}

/// Prints everything that comes.
pub(super) async fn print_all(
    mut reader: Reader,
    screen: &Screen,
    meter: &Meter,
) -> Result<Received, Failure> {
    let mut output = Output { stdout: tokio::io::stdout(), bytes: Vec::new() };
    let mut lines = screen.lines();
    loop {
        // What came at once is written at once.
        let next = at_once(next_piece(&mut reader, &mut lines, meter, &mut output.bytes)).await;
        let next = match next {
            Some(next) if output.bytes.len() < WRITE_LEN => next,
            next => match (output.write().await, next) {
                (Err(error), _) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(Received::Unread),
                (Err(error), _) => return Err(Failure::system("write to stdout", &error)),
                (Ok(()), Some(next)) => next,
                (Ok(()), None) => next_piece(&mut reader, &mut lines, meter, &mut output.bytes).await,
            },
        };
        let received = match next {
            Ok(Some(())) => continue,
            Ok(None) => Received::Closed(reader.close_frame()),
            Err(error) => Received::Failed(error),
        };
        // The end is told whether the last words can be written or not.
        let _ = output.write().await;
        return Ok(received);
    }
}

/// Bytes that are gathered before they are written.
const WRITE_LEN: usize = 256 * 1024;

async fn next_piece(
    reader: &mut Reader,
    lines: &mut Lines,
    meter: &Meter,
    bytes: &mut Vec<u8>,
) -> Result<Option<()>, Error> {
    let show = |kind: MessageKind, piece: &[u8], last: bool| {
        meter.count_received(piece.len());
        lines.put(kind, piece, last, bytes);
    };
    reader.recv_pieces(show).await
}

struct Output {
    stdout: Stdout,
    bytes: Vec<u8>,
}

impl Output {
    async fn write(&mut self) -> io::Result<()> {
        if !self.bytes.is_empty() {
            self.stdout.write_all(&self.bytes).await?;
            self.bytes.clear();
            self.stdout.flush().await?;
        }
        Ok(())
    }
}

/// What `future` gives without waiting.
async fn at_once<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        Poll::Ready(match future.as_mut().poll(cx) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        })
    })
    .await
}
