//! The conversation on a taken-over connection, the same code for every server in Rust.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::wire::MESSAGE_LEN;

/// Sends every byte back until the peer's FIN.
///
/// The buffer lives in the task and is counted in the memory of a held connection, so it is small; yet it is twice
/// a message, because a read that fills its buffer makes tokio ask the socket again.
///
/// # Errors
/// When the stream fails.
pub async fn echo(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> io::Result<()> {
    let mut buffer = [0; 2 * MESSAGE_LEN];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            n => stream.write_all(&buffer[..n]).await?,
        }
    }
}
