//! One connection of the load.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::answer::Answer;

/// A connection on which every answer is read whole before anything else is sent; so nothing waits for an
/// acknowledgement, and `TCP_NODELAY` would change nothing.
#[derive(Debug)]
pub(crate) struct Client {
    stream: TcpStream,
}

impl Client {
    pub(super) async fn connect(address: SocketAddr) -> io::Result<Self> {
        Ok(Self { stream: TcpStream::connect(address).await? })
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Reads a head of which nothing is known yet, byte by byte so as to leave what follows.
    pub(super) async fn read_head(&mut self) -> io::Result<Vec<u8>> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if head.len() == ANSWER_MAX {
                return Err(io::Error::other(format!("head exceeds limit {ANSWER_MAX}")));
            }
            head.push(self.stream.read_u8().await?);
        }
        Ok(head)
    }

    /// Reads this answer and nothing else; fails at the first wrong byte.
    pub(super) async fn expect(&mut self, answer: &Answer) -> io::Result<()> {
        let mut buffer = [0; ANSWER_MAX];
        let mut filled = 0;
        while filled < answer.len() {
            match self.stream.read(&mut buffer[filled..]).await? {
                0 => {
                    return Err(io::Error::other(format!("closed after {filled} of {} bytes", answer.len())));
                }
                n => filled += n,
            }
            answer.check(&buffer[..filled])?;
        }
        Ok(())
    }

    /// Sends FIN and waits for the server's, before which nothing may come.
    pub(super) async fn finish(mut self) -> io::Result<()> {
        self.stream.shutdown().await?;
        match self.stream.read(&mut [0; 1]).await? {
            0 => Ok(()),
            _ => Err(io::Error::other("end expected, got more bytes")),
        }
    }
}

/// No answer of the servers comes near.
const ANSWER_MAX: usize = 1024;
