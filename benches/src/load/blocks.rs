//! Bulk: blocks of one MiB, asked for by their number.

use std::io;
use std::sync::LazyLock;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Sends as many blocks as the peer asks for, again and again until its FIN.
pub(super) async fn send(stream: &mut TcpStream) -> io::Result<()> {
    loop {
        let blocks = match stream.read_u64().await {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            blocks => blocks?,
        };
        for _ in 0..blocks {
            stream.write_all(&BLOCK).await?;
        }
    }
}

/// Asks for `blocks` and compares every byte of them.
pub(super) async fn pull(stream: &mut TcpStream, blocks: u64) -> io::Result<()> {
    stream.write_u64(blocks).await?;
    expect(stream, &BLOCK, blocks).await
}

/// Compares every byte of so many times `block`.
pub(super) async fn expect(stream: &mut TcpStream, block: &[u8], blocks: u64) -> io::Result<()> {
    let mut buffer = vec![0; READ_LEN];
    for _ in 0..blocks {
        let mut rest = block;
        while !rest.is_empty() {
            let most = buffer.len().min(rest.len());
            let len = stream.read(&mut buffer[..most]).await?;
            if len == 0 || buffer[..len] != rest[..len] {
                let at = block.len() - rest.len();
                return Err(io::Error::other(format!("{len} wrong bytes at {at} of a block")));
            }
            rest = &rest[len..];
        }
    }
    Ok(())
}

/// No eight bytes of it are like others, so that none can be lost, repeated or moved unseen.
pub(super) static BLOCK: LazyLock<Vec<u8>> = LazyLock::new(|| {
    (0..1_u64 << 17).flat_map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()).collect()
});

/// Small enough to stay in the core's cache between the read and the comparing.
const READ_LEN: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::net::TcpListener;

    use super::*;

    /// What `pull` says of two blocks that `sender` sends.
    async fn pulled(sender: impl AsyncFnOnce(&mut TcpStream) -> io::Result<()>) -> io::Result<()> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let mut stream = TcpStream::connect(listener.local_addr()?).await?;
        let (mut far, _) = listener.accept().await?;
        let sending = async {
            sender(&mut far).await?;
            drop(far);
            io::Result::Ok(())
        };
        let pulling = async {
            let said = pull(&mut stream, 2).await;
            drop(stream);
            said
        };
        tokio::join!(sending, pulling).1
    }

    #[tokio::test]
    async fn accepts_what_was_sent_as_asked() {
        pulled(async |stream| send(stream).await).await.expect("two right blocks");
    }

    #[tokio::test]
    async fn refuses_a_changed_byte_and_an_early_end() {
        let mut changed = BLOCK.clone();
        changed[700_000] ^= 1;
        let said = pulled(async |stream| stream.write_all(&changed).await).await;
        assert!(said.is_err(), "a changed byte");
        let said = pulled(async |stream| stream.write_all(&BLOCK[1..]).await).await;
        assert!(said.is_err(), "a lost byte");
        let said = pulled(async |stream| stream.write_all(&BLOCK).await).await;
        assert!(said.is_err(), "one block of two");
    }
}
