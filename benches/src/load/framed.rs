//! WebSockets through gateways, at both ends: echoes of small messages, and blocks in messages of 16 KiB.

use std::io;
use std::ops::Range;
use std::sync::LazyLock;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::blocks::{self, BLOCK};
use super::connection::Connection;
use super::frames::{BINARY, Echo, FIN, MASKED, put_head, put_masked};
use super::websockets::VARIANTS;

/// Does `ops` echoes, each time others and not those of the connection beside it.
pub(super) async fn converse(connection: &mut Connection, lane: u64, ops: u64) -> io::Result<()> {
    for (_, echo) in (0..ops).zip(ECHOES.iter().cycle().skip((lane % VARIANTS) as usize)) {
        connection.send(&echo.frames).await?;
        connection.expect_all(&echo.answer).await?;
    }
    Ok(())
}

/// Answers echoes until the end.
pub(super) async fn echo(stream: &mut TcpStream) -> io::Result<()> {
    let mut messages = Messages::default();
    while let Some(payload) = messages.next(stream).await? {
        // Both bytes of an answer's head stand in front of its payload.
        let known = ECHOES.iter().find(|echo| echo.answer[2..] == messages.buffer[payload.clone()]);
        let Some(echo) = known else {
            let got = messages.buffer[payload].escape_ascii();
            return Err(io::Error::other(format!("no message of the load's: \"{got}\"")));
        };
        stream.write_all(&echo.answer).await?;
    }
    Ok(())
}

/// Asks for `blocks` and compares every byte of them and of their frames' heads.
pub(super) async fn pull(stream: &mut TcpStream, blocks: u64) -> io::Result<()> {
    let mut frame = Vec::new();
    put_masked(BINARY, &blocks.to_be_bytes(), blocks, &mut frame);
    stream.write_all(&frame).await?;
    blocks::expect(stream, &FRAMED_BLOCK, blocks).await
}

/// Sends as many blocks as the peer asks for, again and again until the end.
pub(super) async fn send(stream: &mut TcpStream) -> io::Result<()> {
    let mut messages = Messages::default();
    while let Some(payload) = messages.next(stream).await? {
        let number = messages.buffer[payload].try_into();
        let blocks = u64::from_be_bytes(number.map_err(|_| io::Error::other("a number of blocks expected"))?);
        for _ in 0..blocks {
            stream.write_all(&FRAMED_BLOCK).await?;
        }
    }
    Ok(())
}

/// Short masked messages as they come in, which gateways may have masked anew.
struct Messages {
    buffer: [u8; 4 * (HEAD_LEN + MESSAGE_LEN)],
    /// Those of the last message, and those behind it.
    taken: usize,
    filled: usize,
}

impl Default for Messages {
    fn default() -> Self {
        Self { buffer: [0; 4 * (HEAD_LEN + MESSAGE_LEN)], taken: 0, filled: 0 }
    }
}

impl Messages {
    /// Where the next payload stands, unmasked; none at the end, be it a Close or that of the stream.
    async fn next(&mut self, stream: &mut TcpStream) -> io::Result<Option<Range<usize>>> {
        self.buffer.copy_within(self.taken..self.filled, 0);
        self.filled -= self.taken;
        self.taken = 0;
        loop {
            if let Some(frame) = self.frame()? {
                return Ok(frame);
            }
            match stream.read(&mut self.buffer[self.filled..]).await? {
                0 if self.filled == 0 => return Ok(None),
                0 => return Err(io::Error::other("the stream ends within a message")),
                len => self.filled += len,
            }
        }
    }

    /// The first frame, if it is whole; none in it if it is a Close.
    fn frame(&mut self) -> io::Result<Option<Option<Range<usize>>>> {
        let [first, second, ..] = self.buffer[..self.filled] else { return Ok(None) };
        if first == FIN | CLOSE {
            return Ok(Some(None));
        }
        let len = usize::from(second & !MASKED);
        if first != FIN | BINARY || second & MASKED == 0 || len > MESSAGE_LEN {
            return Err(io::Error::other(format!(
                "a short masked message expected, got {first:#x} {second:#x}"
            )));
        }
        let end = HEAD_LEN + len;
        if self.filled < end {
            return Ok(None);
        }
        let (head, payload) = self.buffer.split_at_mut(HEAD_LEN);
        let key = head[HEAD_LEN - KEY_LEN..].iter().cycle();
        payload[..len].iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
        self.taken = end;
        Ok(Some(Some(HEAD_LEN..end)))
    }
}

/// The block, in messages.
static FRAMED_BLOCK: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut framed = Vec::new();
    for payload in BLOCK.chunks(LARGE_LEN) {
        put_head(BINARY, payload.len(), 0, &mut framed);
        framed.extend_from_slice(payload);
    }
    framed
});

static ECHOES: LazyLock<Vec<Echo>> =
    LazyLock::new(|| (0..VARIANTS).map(|variant| Echo::new(variant, 1, MESSAGE_LEN, BINARY)).collect());

/// Bytes of a small message.
pub(super) const MESSAGE_LEN: usize = 64;

/// Bytes of a message of a block.
const LARGE_LEN: usize = 16 << 10;

/// Bytes of the head of a small masked message (RFC 6455 §5.2).
const HEAD_LEN: usize = 2 + KEY_LEN;
const KEY_LEN: usize = 4;
const CLOSE: u8 = 8;

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::net::TcpListener;

    use super::*;

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a listener");
        let near = TcpStream::connect(listener.local_addr().expect("its address")).await.expect("connected");
        (near, listener.accept().await.expect("accepted").0)
    }

    #[tokio::test]
    async fn echoes_come_back_also_in_pieces() {
        let (mut near, mut far) = pair().await;
        let frames = [&ECHOES[0].frames[..], &ECHOES[5].frames].concat();
        let speaking = async {
            for byte in frames {
                near.write_all(&[byte]).await?;
                tokio::task::yield_now().await;
            }
            let mut connection = Connection::new(near);
            connection.expect_all(&ECHOES[0].answer).await?;
            connection.expect_all(&ECHOES[5].answer).await?;
            drop(connection);
            io::Result::Ok(())
        };
        let (spoken, echoed) = tokio::join!(speaking, echo(&mut far));
        spoken.and(echoed).expect("two echoes");
    }

    #[tokio::test]
    async fn blocks_are_compared_with_their_heads() {
        let (near, mut far) = pair().await;
        let pulling = async move {
            let mut near = near;
            pull(&mut near, 2).await
        };
        let (pulled, sent) = tokio::join!(pulling, send(&mut far));
        pulled.and(sent).expect("two blocks");

        let (near, mut far) = pair().await;
        let mut changed = FRAMED_BLOCK.clone();
        changed[LARGE_LEN + 4] ^= 1;
        let pulling = async move {
            let mut near = near;
            pull(&mut near, 1).await
        };
        let (pulled, _) = tokio::join!(pulling, far.write_all(&changed));
        assert!(pulled.is_err(), "a changed head");
    }

    #[tokio::test]
    async fn refuses_a_message_that_nobody_sent() {
        let (mut near, mut far) = pair().await;
        let mut changed = ECHOES[0].frames.clone();
        changed[40] ^= 1;
        near.write_all(&changed).await.expect("sent");
        assert!(echo(&mut far).await.is_err());
    }
}
