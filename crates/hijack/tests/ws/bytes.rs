//! A WebSocket as a stream of bytes.

use std::io::ErrorKind;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::soon;
use crate::wire::{BINARY, CLOSE, LAST, TEXT, code, masked, pair, serving};

fn pattern(len: usize) -> Vec<u8> {
    (0..=250).cycle().step_by(31).take(len).collect()
}

/// Much at once in both directions, whose readers and writers are tasks of their own.
#[tokio::test]
async fn all_bytes_both_ways_from_many_tasks() {
    const LEN: usize = 4 << 20;
    let (client, server) = pair(|_| (), |_| ()).await;
    let mut tasks = Vec::new();
    for socket in [client, server] {
        let (mut reader, mut writer) = tokio::io::split(socket.into_byte_stream());
        tasks.push(tokio::spawn(async move {
            for chunk in pattern(LEN).chunks(77_777) {
                writer.write_all(chunk).await.expect("open");
            }
            writer.flush().await.expect("open");
        }));
        tasks.push(tokio::spawn(async move {
            let mut came = vec![0; LEN];
            reader.read_exact(&mut came).await.expect("all of it");
            assert!(came == pattern(LEN), "in order");
        }));
    }
    for task in tasks {
        soon("both directions", task).await.expect("whole");
    }
}

/// The edges between frames and messages mean nothing (RFC 6455 §5.4), and an empty message is not the end.
#[tokio::test]
async fn edges_mean_nothing() {
    let (socket, mut client) = serving(|_| ()).await;
    let mut bytes = socket.into_byte_stream();
    for frame in [masked(BINARY, "ab"), masked(BINARY, ""), masked(BINARY & 0x7F, "c"), masked(LAST, "def")] {
        client.send(frame).await;
    }
    bytes.unshift("first ");
    let mut came = [0; 12];
    soon("twelve bytes", bytes.read_exact(&mut came)).await.expect("open");
    assert_eq!(&came, b"first abcdef");
    client.send(masked(BINARY, "longer than the buffer")).await;
    let mut came = [0; 4];
    for expected in [*b"long", *b"er t", *b"han "] {
        soon("four bytes", bytes.read_exact(&mut came)).await.expect("open");
        assert_eq!(came, expected);
    }
}

/// Its end is the peer's Close; a connection that ends without one, and text, are no end.
#[tokio::test]
async fn only_a_close_is_the_end() {
    let (socket, mut client) = serving(|_| ()).await;
    let mut bytes = socket.into_byte_stream();
    client.send(masked(BINARY, "last")).await;
    client.send(masked(CLOSE, code(1000))).await;
    let mut all = String::new();
    soon("the end", bytes.read_to_string(&mut all)).await.expect("in order");
    assert_eq!(all, "last");
    client.expect_frame(CLOSE, code(1000)).await;

    let (socket, client) = serving(|_| ()).await;
    let mut bytes = socket.into_byte_stream();
    drop(client);
    let cut = soon("the cut", bytes.read(&mut [0; 8])).await.expect_err("no Close");
    assert!(matches!(cut.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset), "{cut}");

    let (socket, mut client) = serving(|_| ()).await;
    let mut bytes = socket.into_byte_stream();
    client.send(masked(TEXT, "words")).await;
    let text = soon("an error", bytes.read(&mut [0; 8])).await.expect_err("text");
    assert_eq!(text.kind(), ErrorKind::InvalidData);
}

/// The end of our direction is a Close of 1000, behind what was written; the peer's last bytes are still read.
#[tokio::test]
async fn shutting_down_closes() {
    let (socket, mut client) = serving(|_| ()).await;
    let mut bytes = socket.into_byte_stream();
    bytes.write_all(b"goodbye").await.expect("open");
    soon("our end", bytes.shutdown()).await.expect("open");
    client.expect_frame(BINARY, "goodbye").await;
    client.expect_frame(CLOSE, code(1000)).await;
    assert!(bytes.write_all(b"more").await.is_err(), "nothing goes out behind a Close");
    client.send(masked(BINARY, "and you")).await;
    client.send(masked(CLOSE, code(1000))).await;
    let mut all = String::new();
    soon("the end", bytes.read_to_string(&mut all)).await.expect("in order");
    assert_eq!(all, "and you");
    soon("again", bytes.shutdown()).await.expect("ended twice is ended");
}
