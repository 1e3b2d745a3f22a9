//! One connection of the load, at either end.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::expected::Expected;

/// A connection on which every message is read whole before anything else is sent; so nothing waits for an
/// acknowledgement, and `TCP_NODELAY` would change nothing.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(super) stream: TcpStream,
}

impl Connection {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream }
    }

    pub(super) async fn connect(address: SocketAddr) -> io::Result<Self> {
        Ok(Self::new(TcpStream::connect(address).await?))
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Reads a head of which nothing is known yet, byte by byte so as to leave what follows.
    pub(super) async fn read_head(&mut self) -> io::Result<Vec<u8>> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if head.len() == MESSAGE_MAX {
                return Err(io::Error::other(format!("head exceeds limit {MESSAGE_MAX}")));
            }
            head.push(self.stream.read_u8().await?);
        }
        Ok(head)
    }

    /// Reads this message and nothing else; fails at the first wrong byte.
    pub(super) async fn expect(&mut self, message: &Expected) -> io::Result<()> {
        if self.expect_or_end(message).await? { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    /// As [`expect`](Self::expect), but the peer may end the connection before the first byte; says whether the
    /// message came.
    pub(super) async fn expect_or_end(&mut self, message: &Expected) -> io::Result<bool> {
        let mut buffer = [0; MESSAGE_MAX];
        let mut filled = 0;
        while filled < message.len() {
            match self.stream.read(&mut buffer[filled..]).await? {
                0 if filled == 0 => return Ok(false),
                0 => {
                    return Err(io::Error::other(format!(
                        "closed after {filled} of {} bytes",
                        message.len()
                    )));
                }
                n => filled += n,
            }
            message.check(&buffer[..filled])?;
        }
        Ok(true)
    }

    /// Sends FIN and waits for the peer's, before which nothing may come.
    pub(super) async fn finish(mut self) -> io::Result<()> {
        self.stream.shutdown().await?;
        match self.stream.read(&mut [0; 1]).await? {
            0 => Ok(()),
            _ => Err(io::Error::other("end expected, got more bytes")),
        }
    }
}

/// No message comes near.
const MESSAGE_MAX: usize = 1024;
