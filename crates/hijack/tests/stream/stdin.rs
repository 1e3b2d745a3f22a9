//! What a process is given to read.

use hijack::stream::{ClientStreams, DetachKeys, Error, Framing, InputEnd};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use crate::support::{pattern, soon};
use crate::wire::{client, frame};

/// The source's end is the process's; output goes on behind it.
#[tokio::test]
async fn the_end_of_the_source_is_the_end_of_stdin() {
    let (ClientStreams { mut stdin, mut output, .. }, mut far) = client(Framing::Multiplexed);
    let typed = pattern(200_000);
    assert_eq!(stdin.copy_from(&mut &typed[..], None).await.expect("sent"), InputEnd::Closed);
    let mut got = Vec::new();
    soon("our end", far.read_to_end(&mut got)).await.expect("whole");
    assert!(got == typed);
    far.write_all(&frame(1, "late")).await.expect("there is room");
    drop(far);
    assert_eq!(output.next().await.expect("whole").expect("output").data, "late");
    assert_eq!(output.next().await.expect("whole"), None);
}

/// What is typed piece by piece, what arrives by then, and whether that detached.
async fn type_in(pieces: &[&[u8]], keys: Option<DetachKeys>) -> (Vec<u8>, InputEnd) {
    let (ClientStreams { mut stdin, output, .. }, mut far) = client(Framing::Raw);
    let (mut keyboard, mut source) = duplex(100);
    let copying = tokio::spawn(async move {
        let end = stdin.copy_from(&mut source, keys).await.expect("sent");
        (end, stdin, output)
    });
    for piece in pieces {
        keyboard.write_all(piece).await.expect("there is room");
        tokio::task::yield_now().await;
    }
    drop(keyboard);
    let (end, stdin, output) = soon("the end of the copy", copying).await.expect("no panic");
    drop((stdin, output));
    let mut got = Vec::new();
    far.read_to_end(&mut got).await.expect("whole");
    (got, end)
}

#[tokio::test]
async fn detach_keys_detach_and_are_not_sent() {
    let keys = || Some(DetachKeys::default());
    type Row = (&'static [&'static [u8]], &'static [u8], InputEnd);
    let table: [Row; 5] = [
        (&[b"ls\n", b"\x10", b"\x11"], b"ls\n", InputEnd::Detached),
        (&[b"ls\n\x10\x11more"], b"ls\n", InputEnd::Detached),
        (&[b"a\x10", b"x"], b"a\x10x", InputEnd::Closed),
        (&[b"a\x10", b"\x10", b"\x11"], b"a\x10", InputEnd::Detached),
        (&[b"a", b"\x10"], b"a\x10", InputEnd::Closed),
    ];
    for (pieces, got, end) in table {
        assert_eq!(type_in(pieces, keys()).await, (got.to_vec(), end), "{pieces:?}");
    }
    assert_eq!(type_in(&[b"\x10\x11"], None).await, (b"\x10\x11".to_vec(), InputEnd::Closed));
}

/// A sequence of which the beginning was typed is not sent before the next key.
#[tokio::test]
async fn a_partial_sequence_is_held_back() {
    let (ClientStreams { mut stdin, .. }, mut far) = client(Framing::Raw);
    let (mut keyboard, mut source) = duplex(100);
    let copying =
        tokio::spawn(async move { stdin.copy_from(&mut source, Some(DetachKeys::default())).await });
    keyboard.write_all(b"a\x10").await.expect("there is room");
    assert_eq!(soon("a key", far.read_u8()).await.expect("open"), b'a');
    keyboard.write_all(b"b").await.expect("there is room");
    let mut got = [0; 2];
    soon("both keys", far.read_exact(&mut got)).await.expect("open");
    assert_eq!(&got, b"\x10b");
    drop(keyboard);
    assert_eq!(soon("the end", copying).await.expect("no panic").expect("sent"), InputEnd::Closed);
}

/// A process that is gone is told apart from a source that fails.
#[tokio::test]
async fn a_process_that_is_gone_breaks_the_connection() {
    let (ClientStreams { mut stdin, .. }, far) = client(Framing::Multiplexed);
    drop(far);
    let copied = stdin.copy_from(&mut &b"hello"[..], None).await;
    assert!(matches!(copied, Err(Error::Io(_))), "{copied:?}");
}
