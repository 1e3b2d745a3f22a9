//! Docker's streams over a taken-over connection: stdin, stdout and stderr of a process elsewhere.
//!
//! ```text
//! client: ClientStreams ─ stdin:  Stdin  ─────────── raw bytes ──→ Input   ─ stdin   ServerStreams :server
//!                       └ output: Output ←─ frames, or raw bytes ─ Outputs ─ outputs ┘
//! ```
//!
//! Whether the outputs are framed the bytes do not tell: [`Framing`] is given by whoever made the connection, from the
//! answer's media type where the daemon speaks version 1.42 of Docker's API or a later one, and from what the container
//! is before. `hijack-docker` does so.
//!
//! A process that several clients may be attached to at once has a [`Broadcast`] in front of its outputs.
//!
//! No task runs behind any of these types, and nothing is read ahead of its reader but what one read gave: whoever does
//! not read holds the process up, whoever does not take its input holds the writer up. Read and write at the same time,
//! or two pipes that are full wait for each other.
//!
//! ```
//! use hijack::stream::{ClientStreams, Framing, ServerStreams};
//! use hijack::{Body, Client, Error, Exchange, Listener, Server, Upgrade};
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Error> {
//! # let listener = Listener::bind("127.0.0.1:0").await?;
//! # let endpoint = listener.local_address().parse()?;
//! // A process that says how long its input was.
//! let process = |exchange: Exchange| async {
//!     let conn = exchange.upgrade(Upgrade::to(["tcp"])).await?;
//!     let ServerStreams { mut stdin, outputs, .. } = ServerStreams::new(conn, Framing::Multiplexed);
//!     let mut text = String::new();
//!     stdin.read_to_string(&mut text).await?;
//!     outputs.stdout().write_all(format!("{} bytes", text.len()).as_bytes()).await?;
//!     outputs.stderr().write_all(b"done").await?;
//!     stdin.close().await
//! };
//! # tokio::spawn(async move { Server::new().serve(listener, process).await });
//!
//! let connection = Client::new().connect(&endpoint).await?;
//! let request = http::Request::post("/containers/x/attach").body(Body::empty()).expect("a request");
//! let conn = connection.upgrade(request, ["tcp"]).await?;
//! let ClientStreams { mut stdin, output, .. } = ClientStreams::new(conn, Framing::Multiplexed);
//! stdin.write_all(b"hello").await?;
//! stdin.close().await?; // our end; output goes on
//! let (mut out, mut err) = (Vec::new(), Vec::new());
//! output.copy_to(&mut out, &mut err).await?;
//! assert_eq!((&out[..], &err[..]), (&b"5 bytes"[..], &b"done"[..]));
//! # Ok(()) }
//! ```

mod broadcast;
mod error;
mod halves;
mod output;
mod server;
mod stdin;

use crate::Conn;
use crate::conn::ReadHalf;
use crate::transport::{Stream, Transport};

pub use broadcast::{Broadcast, Member, Visit, Wanted};
pub use error::Error;
pub use halves::{HALF_LEN, OutputHalf};
pub use hijack_proto::stream::{
    DetachKeys, DetachKeysError, DetachMatcher, FRAME_PAYLOAD_LEN, FrameError, FrameHeader, Framing, Limits,
    MULTIPLEXED_STREAM, RAW_STREAM, StreamType,
};
pub use output::{Chunk, Copied, Output};
pub use server::{Input, OutputWriter, Outputs, ServerStreams};
pub use stdin::{InputEnd, Stdin};

/// A process's streams, from the side of whoever looks at it.
///
/// - **Who closes?** The connection closes when both fields are dropped. The server ends it when the process ends.
/// - **Deadlines?** Those of the [`Conn`]: [`Conn::set_limits`] before.
/// - **Unread bytes?** What was read ahead comes first.
/// - **Shutdown and cancellation?** As the [`Conn`] says; each method says what is safe.
#[derive(Debug)]
#[non_exhaustive]
pub struct ClientStreams<Io: Stream = Transport> {
    /// What the process reads.
    pub stdin: Stdin<Io>,
    /// What it writes.
    pub output: Output<ReadHalf<Io>>,
}

impl<Io: Stream> ClientStreams<Io> {
    /// The streams on `conn`, with the default [`Limits`].
    #[must_use]
    pub fn new(conn: Conn<Io>, framing: Framing) -> Self {
        Self::with_limits(conn, framing, Limits::default())
    }

    /// The streams on `conn`.
    #[must_use]
    pub fn with_limits(conn: Conn<Io>, framing: Framing, limits: Limits) -> Self {
        let (read, write) = conn.into_split();
        Self { stdin: Stdin::new(write), output: Output::with_limits(read, framing, limits) }
    }

    /// The connection itself, and how the output on it is framed: for whoever carries bytes in a way of his own. What
    /// was read ahead is unread again; none, and the connection closes, where output was read into the middle of a
    /// frame.
    #[must_use]
    pub fn into_conn(self) -> Option<(Conn<Io>, Framing)> {
        let framing = self.output.framing();
        let (read, unread) = self.output.into_unread()?;
        let mut conn = Conn::reunite(read, self.stdin.into_write()).ok()?;
        conn.unshift(unread);
        Some((conn, framing))
    }

    /// All three streams by themselves, for as many tasks.
    #[must_use]
    pub fn into_halves(self) -> Halves<Io> {
        let (stdout, stderr) = self.output.split();
        Halves { stdin: self.stdin, stdout, stderr }
    }
}

/// What [`ClientStreams::into_halves`] gives. The connection closes when all three are dropped.
#[derive(Debug)]
#[non_exhaustive]
pub struct Halves<Io: Stream = Transport> {
    /// What the process reads.
    pub stdin: Stdin<Io>,
    /// What it writes; all of it, if it has a terminal.
    pub stdout: OutputHalf<ReadHalf<Io>>,
    /// What it writes of errors.
    pub stderr: OutputHalf<ReadHalf<Io>>,
}
