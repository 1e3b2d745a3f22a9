//! WebSocket echoes on connections that stay open: prebuilt frames go out, exactly their messages must come back.

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use hijack_bench::lanes::{all, share};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::task::JoinSet;

use super::Workload;
use super::connection::Connection;
use super::frames::{BINARY, COMPRESSED, Echo, TEXT};
use super::question::Question;
use crate::launch::Launch;
use crate::program::Program;

/// 32 bytes there and back.
pub(crate) type WsSmall = WebSockets<200, 1, 32, BINARY>;

/// 32 bytes of text, which the server has to judge, there and back.
pub(crate) type WsText = WebSockets<200, 1, 32, TEXT>;

/// 32 bytes there and back on many connections.
pub(crate) type WsSmallMany = WebSockets<2_000, 1, 32, BINARY>;

/// 16 KiB there and back.
pub(crate) type WsLarge = WebSockets<200, 1, { 16 << 10 }, BINARY>;

/// 16 KiB there and back on many connections.
pub(crate) type WsLargeMany = WebSockets<2_000, 1, { 16 << 10 }, BINARY>;

/// Sixteen messages of 32 bytes in one write, and all of them back.
pub(crate) type WsBurst = WebSockets<200, 16, 32, BINARY>;

/// 1 MiB there and back on a few connections.
pub(crate) type WsHuge = WebSockets<4, 1, { 1 << 20 }, BINARY>;

/// Compressed JSON of so many bytes there and back.
pub(crate) type WsDeflated<const LEN: usize> = WebSockets<200, 1, LEN, COMPRESSED>;

/// `BATCH` messages of `LEN` bytes at a time on each of `CONNECTIONS`; `OPCODE` says what they are.
#[derive(Debug)]
pub(crate) struct WebSockets<const CONNECTIONS: u64, const BATCH: u64, const LEN: usize, const OPCODE: u8> {
    server: Program,
    question: Question,
    echoes: Arc<[Echo]>,
    /// Connections that stay open from one run to the next.
    busy: Vec<Connection>,
    held: Vec<Connection>,
}

impl<const CONNECTIONS: u64, const BATCH: u64, const LEN: usize, const OPCODE: u8> Workload
    for WebSockets<CONNECTIONS, BATCH, LEN, OPCODE>
{
    const CONNECTIONS: u64 = CONNECTIONS;
    const WARM_UP: u64 = match OPCODE {
        COMPRESSED => 1_000,
        _ if LEN < MANY_BYTES => 4_000,
        _ => 50,
    };
    const COUNTED_OPS: u64 = if LEN < MANY_BYTES { 10_000 } else { 100 };
    const HELD_BEFORE: u32 = if LEN < MANY_BYTES { 1_000 } else { 500 };
    const MOST_HELD: u32 = if LEN < MANY_BYTES { u32::MAX } else { 2_000 };
    const RESIDENT_RUNS: usize = if LEN < MANY_BYTES { 3 } else { 1 };

    async fn open(launch: &Launch) -> io::Result<Self> {
        let mut server = launch.start()?;
        let address = server.address().await?;
        let (question, mut first) = open_first(address, &address.to_string(), OPCODE == COMPRESSED).await?;
        let mut echoes = Vec::new();
        for variant in 0..VARIANTS {
            echoes.push(match OPCODE {
                COMPRESSED => Echo::learn(variant, LEN, &mut first).await?,
                _ => Echo::new(variant, BATCH, LEN, OPCODE),
            });
        }
        let (busy, held) = (vec![first], Vec::new());
        let mut load = Self { server, question, echoes: echoes.into(), busy, held };
        for _ in 1..CONNECTIONS {
            load.busy.push(load.question.open().await?);
        }
        Ok(load)
    }

    fn program(&mut self) -> &mut Program {
        &mut self.server
    }

    async fn run(&mut self, ops: u64) -> io::Result<()> {
        let mut tasks = JoinSet::new();
        for (lane, connection) in (0..).zip(self.busy.drain(..)) {
            tasks.spawn(converse(connection, Arc::clone(&self.echoes), lane, share(ops, lane, CONNECTIONS)));
        }
        self.busy = all(tasks).await?;
        Ok(())
    }

    async fn hold(&mut self, count: u32) -> io::Result<()> {
        for lane in 0..count.into() {
            let connection = self.question.open().await?;
            self.held.push(converse(connection, Arc::clone(&self.echoes), lane, 1).await?);
        }
        Ok(())
    }
}

impl<const CONNECTIONS: u64, const BATCH: u64, const LEN: usize, const OPCODE: u8>
    WebSockets<CONNECTIONS, BATCH, LEN, OPCODE>
{
    /// Bytes of an answer, its frame's head included.
    pub(crate) fn answer_len(&self) -> f64 {
        let bytes: usize = self.echoes.iter().map(|echo| echo.answer.len()).sum();
        bytes as f64 / VARIANTS as f64
    }
}

/// Does `ops` echoes, each time others and not those of the connection beside it.
async fn converse(
    mut connection: Connection,
    echoes: Arc<[Echo]>,
    lane: u64,
    ops: u64,
) -> io::Result<Connection> {
    for (_, echo) in (0..ops).zip(echoes.iter().cycle().skip((lane % VARIANTS) as usize)) {
        connection.send(&echo.frames).await?;
        connection.expect_all(&echo.answer).await?;
    }
    Ok(connection)
}

/// The first connection, whose handshake is checked.
pub(super) async fn open_first(
    address: SocketAddr,
    host: &str,
    compressed: bool,
) -> io::Result<(Question, Connection)> {
    let headers =
        [("connection", "upgrade"), ("upgrade", "websocket"), ("sec-websocket-accept", SAMPLE_ACCEPT)];
    Question::first(address, &request(host, compressed), &headers).await
}

impl Connection {
    /// Reads `answer` and nothing else; fails at the first wrong byte.
    pub(super) async fn expect_all(&mut self, answer: &[u8]) -> io::Result<()> {
        let mut rest = answer;
        while !rest.is_empty() {
            let len = std::future::poll_fn(|cx| self.poll_compare(cx, rest)).await?;
            rest = &rest[len..];
        }
        Ok(())
    }

    /// Reads once and compares; the buffer belongs to all connections, so that it stays in the core's cache.
    fn poll_compare(&mut self, cx: &mut Context<'_>, rest: &[u8]) -> Poll<io::Result<usize>> {
        thread_local! {
            static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_LEN]);
        }
        BUFFER.with_borrow_mut(|buffer| {
            let mut read = ReadBuf::new(buffer);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut read))?;
            let got = read.filled();
            if got.is_empty() || !rest.starts_with(got) {
                let (len, due) = (got.len(), rest.len());
                return Poll::Ready(Err(io::Error::other(format!("{len} wrong bytes of {due} expected"))));
            }
            Poll::Ready(Ok(got.len()))
        })
    }
}

/// The handshake that RFC 6455 §1.3 shows. Compressed, messages are to be independent of each other.
fn request(host: &str, compressed: bool) -> String {
    let extensions = if compressed {
        "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n"
    } else {
        ""
    };
    format!(
        "GET / HTTP/1.1\r\nHost: {host}\r\nUser-Agent: hijack-bench\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {SAMPLE_KEY}\r\n{extensions}\r\n"
    )
}

pub(super) const SAMPLE_KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
pub(super) const SAMPLE_ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Different contents of the messages.
pub(super) const VARIANTS: u64 = 8;

/// So much in one message that few of them warm a server up.
const MANY_BYTES: usize = 1 << 20;

const READ_LEN: usize = 256 * 1024;
