//! What is read of a process's output, from bytes that are given.

use std::io;

use hijack::stream::{ClientStreams, Error, FrameError, Framing, Limits, Output, StreamType};
use tokio::io::{AsyncWriteExt, duplex};

use crate::support::{once, soon};
use crate::wire::{client, conn, frame};

/// All output of `bytes`, by stream, and how it ended.
async fn read(framing: Framing, bytes: &[u8]) -> (Vec<u8>, Vec<u8>, Result<(), Error>) {
    let mut output = Output::new(bytes, framing);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    loop {
        match output.next().await {
            Ok(Some(chunk)) if chunk.stream == StreamType::Stdout => out.extend_from_slice(&chunk.data),
            Ok(Some(chunk)) => err.extend_from_slice(&chunk.data),
            Ok(None) => return (out, err, Ok(())),
            Err(error) => return (out, err, Err(error)),
        }
    }
}

#[tokio::test]
async fn frames_are_told_apart_and_stdin_is_stdout() {
    let stream =
        [frame(1, "a"), frame(2, "b"), frame(1, ""), frame(0, "c"), frame(2, vec![b'd'; 70_000])].concat();
    let (out, err, end) = read(Framing::Multiplexed, &stream).await;
    end.expect("whole");
    assert_eq!((&out[..], &err[0..3], err.len()), (&b"ac"[..], &b"bdd"[..], 70_001));
}

/// A terminal may begin with what looks like a frame, and is never taken for one.
#[tokio::test]
async fn raw_output_is_as_it_comes() {
    let stream = [frame(1, "a"), b"\x01".to_vec()].concat();
    let (out, err, end) = read(Framing::Raw, &stream).await;
    end.expect("whole");
    assert_eq!((out, err), (stream, Vec::new()));
}

#[tokio::test]
async fn a_cut_frame_is_no_end() {
    let mut stream = [frame(1, "whole"), frame(2, "cut")].concat();
    stream.pop();
    let (out, err, end) = read(Framing::Multiplexed, &stream).await;
    assert_eq!((&out[..], &err[..]), (&b"whole"[..], &b"cu"[..]));
    let end = end.expect_err("cut");
    assert!(matches!(end, Error::Frame(FrameError::Truncated { missing: 1 })), "{end:?}");
    assert_eq!(io::Error::from(end).kind(), io::ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn the_daemons_error_comes_behind_the_output() {
    let stream = [frame(1, "before"), frame(3, "it broke\n"), frame(1, "never")].concat();
    let (out, _, end) = read(Framing::Multiplexed, &stream).await;
    assert_eq!(out, b"before");
    assert_eq!(end.expect_err("it broke").to_string(), "error from daemon in stream: it broke");
}

/// Nothing is kept for what a header promises; what is no frame is refused at once, though more may never come.
#[tokio::test]
async fn a_hostile_server_meets_limits() {
    let promise = [&frame(1, "ok")[..], &[1, 0, 0, 0, 255, 255, 255, 255]].concat();
    let empty = frame(1, "").repeat(2_000);
    let table: [(&[u8], &str); 4] = [
        (&promise, "frame of 4294967295 bytes exceeds limit frame_len 16777216"),
        (b"\x09", "frame of stream 9, which does not exist (a terminal's output is not framed)"),
        (b"hello", "frame of stream 104, which does not exist (a terminal's output is not framed)"),
        (&empty, "more than empty_frames 1024 without a payload"),
    ];
    for (stream, expected) in table {
        let (ClientStreams { mut output, .. }, mut far) = client(Framing::Multiplexed);
        far.write_all(stream).await.expect("there is room");
        let error = loop {
            match soon("the error", output.next()).await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("no end was sent"),
                Err(error) => break error,
            }
        };
        assert_eq!(error.to_string(), expected);
        assert_eq!(soon("the error", output.next()).await.expect_err("it stays").to_string(), expected);
    }
}

#[tokio::test]
async fn limits_are_the_callers() {
    let mut limits = Limits::default();
    limits.frame_len = 3;
    let stream = [frame(1, "abc"), frame(1, "abcd")].concat();
    let mut output = Output::with_limits(&stream[..], Framing::Multiplexed, limits);
    assert_eq!(output.next().await.expect("allowed").expect("output").data, "abc");
    assert!(output.next().await.is_err());
}

/// A read that is given up loses nothing.
#[tokio::test]
async fn output_is_cancel_safe() {
    let (ClientStreams { mut output, .. }, mut far) = client(Framing::Multiplexed);
    let mut got = [Vec::new(), Vec::new()];
    for byte in [frame(2, "hi"), frame(1, "there"), frame(2, "!")].concat() {
        assert!(once(output.next()).await.is_none());
        far.write_all(&[byte]).await.expect("there is room");
        if let Some(chunk) = once(output.next()).await {
            let chunk = chunk.expect("whole").expect("output");
            got[usize::from(chunk.stream == StreamType::Stderr)].extend_from_slice(&chunk.data);
        }
    }
    drop(far);
    assert_eq!(soon("the end", output.next()).await.expect("whole"), None);
    assert_eq!(got, [&b"there"[..], b"hi!"]);
}

/// What was read ahead of the takeover is output like all else.
#[tokio::test]
async fn unread_bytes_come_first() {
    let (mut conn, mut far) = conn(100);
    conn.unshift(frame(1, "early")[..10].to_vec());
    far.write_all(&frame(1, "early")[10..]).await.expect("there is room");
    drop(far);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let output = ClientStreams::new(conn, Framing::Multiplexed).output;
    let copied = output.copy_to(&mut out, &mut err).await.expect("whole");
    assert_eq!((&out[..], copied.stdout, copied.stderr), (&b"early"[..], 5, 0));
}

/// A sink that breaks is the caller's failure, not the connection's.
#[tokio::test]
async fn a_broken_sink_is_told_apart() {
    let stream = frame(1, "hello");
    let (mut sink, gone) = duplex(100);
    drop(gone);
    let copied = Output::new(&stream[..], Framing::Multiplexed).copy_to(&mut sink, &mut Vec::new()).await;
    assert!(matches!(copied, Err(Error::Sink(_))), "{copied:?}");
}

/// What was read and not taken is unread again; within a frame there is no way back.
#[tokio::test]
async fn streams_are_a_connection_again() {
    let (mut conn, mut far) = conn(100);
    conn.unshift([frame(1, "out"), frame(2, "err")].concat());
    let mut streams = ClientStreams::new(conn, Framing::Multiplexed);
    assert_eq!(streams.output.next().await.expect("whole").expect("output").data, "out");
    let (conn, framing) = streams.into_conn().expect("at the edge of a frame");
    assert_eq!((conn.unread(), framing), (&frame(2, "err")[..], Framing::Multiplexed));

    let mut streams = ClientStreams::new(conn, framing);
    far.write_all(&frame(1, "more")[..10]).await.expect("there is room");
    for expected in ["err", "mo"] {
        assert_eq!(streams.output.next().await.expect("whole").expect("output").data, expected);
    }
    assert!(streams.into_conn().is_none());
}
