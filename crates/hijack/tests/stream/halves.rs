//! stdout and stderr in two tasks.

use std::time::Duration;

use hijack::stream::{ClientStreams, FrameError, Framing, HALF_LEN};
use hijack::{ConnLimits, EndReason, Timeout, ended_by};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{once, pattern, soon};
use crate::wire::{client, conn, frame, pair};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_outputs_come_to_their_readers() {
    let (client, server) = pair(Framing::Multiplexed, 3_000);
    let (out, err) = (pattern(1_000_000), pattern(700_000));
    let mut writers = Vec::new();
    for (mut writer, data) in [(server.outputs.stdout(), out.clone()), (server.outputs.stderr(), err.clone())]
    {
        writers.push(tokio::spawn(async move {
            for part in data.chunks(777) {
                writer.write_all(part).await.expect("taken");
            }
            writer.flush().await.expect("taken");
        }));
    }
    let mut halves = client.into_halves();
    let reading = tokio::spawn(async move {
        let mut said = Vec::new();
        halves.stderr.read_to_end(&mut said).await.expect("whole");
        said
    });
    let ending = tokio::spawn(async move {
        for writer in writers {
            writer.await.expect("no panic");
        }
        server.outputs.close().await.expect("our end");
        server
    });
    let mut said = Vec::new();
    soon("the end", halves.stdout.read_to_end(&mut said)).await.expect("whole");
    assert!(said == out);
    assert!(soon("the end", reading).await.expect("no panic") == err);
    soon("the server's end", ending).await.expect("no panic");
}

/// What is the other's waits for it, up to a bound; beyond it the process waits, until the other is read.
#[tokio::test]
async fn an_unread_half_holds_a_bounded_amount() {
    let (client, mut far) = client(Framing::Multiplexed);
    let mut halves = client.into_halves();
    let len = 20_000;
    let frames = 2 * HALF_LEN / len;
    for _ in 0..frames {
        far.write_all(&frame(1, vec![7; len])).await.expect("there is room");
    }
    far.write_all(&frame(2, "at last")).await.expect("there is room");
    let mut byte = [0];
    let waits = tokio::time::timeout(Duration::from_millis(50), halves.stderr.read(&mut byte)).await;
    assert!(waits.is_err(), "stdout must be read first");
    let reading = tokio::spawn(async move {
        let mut said = [0; 7];
        halves.stderr.read_exact(&mut said).await.expect("whole");
        said
    });
    let mut all = vec![0; frames * len];
    soon("stdout", halves.stdout.read_exact(&mut all)).await.expect("whole");
    assert_eq!(&soon("stderr", reading).await.expect("no panic"), b"at last");
}

#[tokio::test]
async fn a_dropped_half_holds_nobody_up() {
    let (client, mut far) = client(Framing::Multiplexed);
    let mut halves = client.into_halves();
    drop(halves.stdout);
    let writing = tokio::spawn(async move {
        for _ in 0..100 {
            far.write_all(&frame(1, vec![0; 60_000])).await.expect("taken");
        }
        far.write_all(&frame(2, "done")).await.expect("taken");
    });
    let mut said = String::new();
    soon("the end", halves.stderr.read_to_string(&mut said)).await.expect("whole");
    assert_eq!(said, "done");
    writing.await.expect("no panic");
}

/// A reader that was the last to ask, and never comes back, was not the only one to be woken.
#[tokio::test]
async fn a_reader_that_gave_up_holds_nobody_up() {
    let (client, mut far) = client(Framing::Multiplexed);
    let mut halves = client.into_halves();
    let reading = tokio::spawn(async move {
        let mut said = [0; 2];
        halves.stderr.read_exact(&mut said).await.map(|_| said)
    });
    tokio::task::yield_now().await;
    let mut byte = [0];
    assert!(once(halves.stdout.read(&mut byte)).await.is_none(), "asked last, and never again");
    far.write_all(&frame(2, "hi")).await.expect("there is room");
    assert_eq!(&soon("stderr", reading).await.expect("no panic").expect("whole"), b"hi");
}

/// Both are told how it ended, behind everything that came.
#[tokio::test]
async fn both_halves_are_told_of_an_error() {
    let (client, mut far) = client(Framing::Multiplexed);
    let mut halves = client.into_halves();
    let sent = [frame(1, "out"), frame(2, "err"), frame(3, "broken")].concat();
    far.write_all(&sent).await.expect("there is room");
    for (half, expected) in [(&mut halves.stderr, "err"), (&mut halves.stdout, "out")] {
        let mut said = Vec::new();
        let error = soon("the end", half.read_to_end(&mut said)).await.expect_err("broken");
        assert_eq!(said.escape_ascii().to_string(), expected);
        let inner = error.get_ref().and_then(|error| error.downcast_ref::<FrameError>());
        assert_eq!(inner, Some(&FrameError::Daemon("broken".to_owned())));
    }
}

#[tokio::test]
async fn a_terminal_is_all_stdout() {
    let (ClientStreams { output, .. }, mut far) = client(Framing::Raw);
    let (mut stdout, mut stderr) = output.split();
    far.write_all(b"\x01prompt$ ").await.expect("there is room");
    let mut said = [0; 9];
    stdout.read_exact(&mut said).await.expect("whole");
    assert_eq!(&said, b"\x01prompt$ ");
    drop(far);
    assert_eq!(soon("the end", stderr.read(&mut said)).await.expect("whole"), 0);
    assert_eq!(soon("the end", stdout.read(&mut said)).await.expect("whole"), 0);
}

/// Both halves tell why we ended the connection, as the whole does.
#[tokio::test]
async fn both_halves_know_the_limit_that_was_reached() {
    let (mut conn, _far) = conn(100);
    conn.set_limits(ConnLimits { idle: Some(Duration::from_millis(100)), ..ConnLimits::default() });
    let mut halves = ClientStreams::new(conn, Framing::Multiplexed).into_halves();
    for half in [&mut halves.stdout, &mut halves.stderr] {
        let error = soon("the limit", half.read_u8()).await.expect_err("ended");
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
        assert_eq!(ended_by(&error), Some(EndReason::TimedOut(Timeout::Idle)), "{error}");
    }
}
