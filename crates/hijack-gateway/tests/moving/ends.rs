//! What is at the two ends of a WebSocket: a client and an upstream that send frames in one of four ways, and compare what
//! comes with what was sent, byte by byte.

use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// How the ends talk while their conversation is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Both send in pieces of any length, and read slowly.
    Busy,
    /// Both send, nobody reads.
    Stalled,
    /// After a few messages both have sent a part of a header.
    MidHeader,
    /// After a few messages both are silent.
    Idle,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Busy, Self::Stalled, Self::MidHeader, Self::Idle];

    /// Blocks of messages that are sent before the move, and the bytes of the next one.
    fn before(self, number: usize, block: &Block) -> (usize, usize) {
        match self {
            Self::Busy | Self::Stalled => (20, number % 997),
            Self::MidHeader => {
                let header = &block.headers[number % block.headers.len()];
                (0, header.start + 1 + number / 7 % (header.len() - 1))
            }
            Self::Idle => (0, block.headers[3].start),
        }
    }
}

pub(crate) struct Ends {
    number: usize,
    kind: Kind,
    client: TcpStream,
    upstream: TcpStream,
}

impl Ends {
    /// Opens a WebSocket through the gateway, to an upstream that is found at `listener`.
    pub(crate) async fn open(number: usize, gateway: &str, listener: &TcpListener) -> Self {
        let mut client = TcpStream::connect(gateway).await.expect("connected");
        client.write_all(REQUEST).await.expect("sent");
        let (mut upstream, _) = listener.accept().await.expect("accepted");
        read_head(&mut upstream).await;
        upstream.write_all(ANSWER).await.expect("sent");
        assert!(read_head(&mut client).await.starts_with(b"HTTP/1.1 101 "));
        for socket in [&client, &upstream] {
            SockRef::from(socket).set_recv_buffer_size(32 * 1024).expect("a socket");
        }
        Self { number, kind: Kind::ALL[number % Kind::ALL.len()], client, upstream }
    }

    /// Messages that each end sends.
    pub(crate) fn messages(&self) -> u64 {
        let block = Block::new(self.number, true);
        let (blocks, _) = self.kind.before(self.number, &block);
        ((blocks + BLOCKS_AFTER) * LENS.len()) as u64
    }

    /// Talks until both directions have ended, and panics if a byte is missing, doubled or changed. The last words are
    /// said when the conversation has moved.
    pub(crate) async fn converse(self, moved: watch::Receiver<bool>) {
        let Self { number, kind, client, upstream } = self;
        let (from_client, to_client) = client.into_split();
        let (from_upstream, to_upstream) = upstream.into_split();
        let up = Direction { number, kind, is_masked: true };
        let down = Direction { number, kind, is_masked: false };
        tokio::join!(
            up.send(to_client, moved.clone()),
            up.receive(from_upstream, moved.clone()),
            down.send(to_upstream, moved.clone()),
            down.receive(from_client, moved),
        );
    }
}

const REQUEST: &[u8] = b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const ANSWER: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

async fn read_head(from: &mut TcpStream) -> Vec<u8> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(from.read_u8().await.expect("a head"));
    }
    head
}

/// The payloads of one block, so that every form of a header is in it.
const LENS: [usize; 6] = [3, 125, 126, 700, 65_537, 0];

const BLOCKS_AFTER: usize = 2;

/// Some messages, sent time and again.
struct Block {
    bytes: Vec<u8>,
    /// Where headers stand in them.
    headers: Vec<std::ops::Range<usize>>,
}

impl Block {
    fn new(number: usize, is_masked: bool) -> Self {
        let mut random = 0x9e37_79b9_7f4a_7c15_u64 ^ (number as u64) << 1 ^ u64::from(is_masked);
        let mut next = || {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random.to_le_bytes()[0]
        };
        let (mut bytes, mut headers) = (Vec::new(), Vec::new());
        for len in LENS {
            let start = bytes.len();
            let mask = if is_masked { 0x80 } else { 0 };
            bytes.push(0x82);
            match u16::try_from(len) {
                Ok(len @ ..126) => bytes.push(mask | len.to_be_bytes()[1]),
                Ok(len) => {
                    bytes.push(mask | 126);
                    bytes.extend(len.to_be_bytes());
                }
                Err(_) => {
                    bytes.push(mask | 127);
                    bytes.extend((len as u64).to_be_bytes());
                }
            }
            if is_masked {
                bytes.extend([next(), next(), next(), next()]);
            }
            headers.push(start..bytes.len());
            bytes.extend(std::iter::repeat_with(&mut next).take(len));
        }
        Self { bytes, headers }
    }
}

/// One direction of the talk.
#[derive(Debug, Clone, Copy)]
struct Direction {
    number: usize,
    kind: Kind,
    is_masked: bool,
}

impl Direction {
    /// All that is sent, as pieces that are lent in turn: blocks, and a Close.
    fn text(self) -> Text {
        let block = Block::new(self.number, self.is_masked);
        let (blocks, more) = self.kind.before(self.number, &block);
        let close: &[u8] =
            if self.is_masked { b"\x88\x82\x01\x02\x03\x04\x02\xea" } else { b"\x88\x02\x03\xe8" };
        let before = blocks * block.bytes.len() + more;
        let len = (blocks + BLOCKS_AFTER) * block.bytes.len();
        Text { block: block.bytes, len, before, close }
    }

    async fn send(self, mut to: OwnedWriteHalf, mut moved: watch::Receiver<bool>) {
        let text = self.text();
        text.send_part(&mut to, 0..text.before, self.number).await;
        moved.wait_for(|moved| *moved).await.expect("the test goes on");
        text.send_part(&mut to, text.before..text.whole(), self.number).await;
        to.shutdown().await.expect("ended");
    }

    async fn receive(self, mut from: OwnedReadHalf, mut moved: watch::Receiver<bool>) {
        let text = self.text();
        let (mut at, mut buffer) = (0, vec![0; 16 * 1024]);
        if self.kind == Kind::Stalled {
            moved.wait_for(|moved| *moved).await.expect("the test goes on");
        }
        loop {
            let read = from.read(&mut buffer).await;
            let len = read.unwrap_or_else(|error| panic!("{self:?} broke at {at}: {error}"));
            if len == 0 {
                break;
            }
            let mut came = &buffer[..len];
            while !came.is_empty() {
                let expected = text.at(at, came.len());
                assert!(!expected.is_empty(), "{self:?}: more than was sent");
                assert!(came.starts_with(expected), "{self:?}: wrong bytes behind {at}");
                at += expected.len();
                came = &came[expected.len()..];
            }
            if self.kind == Kind::Busy && !*moved.borrow() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        assert_eq!(at, text.whole(), "{self:?} ended early");
    }
}

/// What a direction sends.
struct Text {
    block: Vec<u8>,
    /// Of all blocks.
    len: usize,
    /// Sent before the move.
    before: usize,
    close: &'static [u8],
}

impl Text {
    fn whole(&self) -> usize {
        self.len + self.close.len()
    }

    fn at(&self, at: usize, most: usize) -> &[u8] {
        let piece = match at.checked_sub(self.len) {
            Some(in_close) => &self.close[in_close..],
            None => &self.block[at % self.block.len()..],
        };
        &piece[..piece.len().min(most)]
    }

    async fn send_part(&self, to: &mut OwnedWriteHalf, part: std::ops::Range<usize>, number: usize) {
        let (mut at, mut turn) = (part.start, number);
        while at < part.end {
            // Every other piece is of a few bytes, so that headers come in parts.
            let most = if turn.is_multiple_of(2) { 1 + turn % 7 } else { 40_000 };
            let piece = self.at(at, (part.end - at).min(most));
            at +=
                to.write(piece).await.unwrap_or_else(|error| panic!("pair {number} broke at {at}: {error}"));
            turn += 1;
        }
    }
}
