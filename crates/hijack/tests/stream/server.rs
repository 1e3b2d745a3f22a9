//! The side where the process is: frames whole from many tasks, and an end in order.

use hijack::stream::{
    ClientStreams, Error, FRAME_PAYLOAD_LEN, FrameError, Framing, ServerStreams, StreamType,
};
use hijack::{Client, Tracker, Upgrade};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Site, once, pattern, soon, tcp_pair};
use crate::wire::{conn, frame, pair};

const TASKS: u8 = 16;
const EACH: usize = 200;

/// Writers give up in the middle of their writes, the stream is narrow, and every frame is whole all the same: its
/// payload is one task's, complete.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_of_many_tasks_never_mix() {
    let (client, ServerStreams { stdin, outputs, .. }) = pair(Framing::Multiplexed, 100);
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let outputs = outputs.clone();
            tokio::spawn(async move {
                let stream = if task % 2 == 0 { StreamType::Stdout } else { StreamType::Stderr };
                let line = [&[b'a' + task; 150][..], b"\n"].concat();
                for number in 0..EACH {
                    if number % 3 == 0 {
                        // Given up, wherever it stands; the frame is sent whole or not at all.
                        let _ = once(outputs.send(stream, &line)).await;
                    }
                    outputs.send(stream, &line).await.expect("open");
                }
            })
        })
        .collect();
    let closing = tokio::spawn(async move {
        for task in tasks {
            task.await.expect("no panic");
        }
        outputs.close().await.expect("our end");
        stdin
    });
    let (mut out, mut err) = (Vec::new(), Vec::new());
    soon("the end", client.output.copy_to(&mut out, &mut err)).await.expect("only whole frames");
    soon("our end", closing).await.expect("no panic");
    let mut lines = [0_usize; TASKS as usize];
    for (parity, said) in [(0, out), (1, err)] {
        for line in said.split_inclusive(|&byte| byte == b'\n') {
            let task = line[0] - b'a';
            assert_eq!(line, [&[line[0]; 150][..], b"\n"].concat());
            assert_eq!(task % 2, parity, "on its own output");
            lines[usize::from(task)] += 1;
        }
    }
    assert!(lines.iter().all(|&count| (EACH..=EACH + EACH / 3 + 1).contains(&count)), "{lines:?}");
}

/// The bytes on the wire, as dockerd writes them.
#[tokio::test]
async fn long_writes_are_several_frames() {
    let (conn, mut far) = conn(1 << 20);
    let ServerStreams { stdin, outputs, .. } = ServerStreams::new(conn, Framing::Multiplexed);
    let data = pattern(FRAME_PAYLOAD_LEN + 10);
    outputs.send(StreamType::Stderr, &data).await.expect("taken");
    outputs.stdout().write_all(b"short").await.expect("taken");
    outputs.send(StreamType::Stdout, b"").await.expect("nothing to take");
    outputs.fail("no more").await.expect("taken");
    drop((stdin, outputs));
    let mut got = Vec::new();
    far.read_to_end(&mut got).await.expect("whole");
    let (first, second) = data.split_at(FRAME_PAYLOAD_LEN);
    assert!(got == [frame(2, first), frame(2, second), frame(1, "short"), frame(3, "no more")].concat());
}

#[tokio::test]
async fn a_terminal_is_written_as_it_is() {
    let (conn, mut far) = conn(100);
    let ServerStreams { stdin, outputs, .. } = ServerStreams::new(conn, Framing::Raw);
    outputs.stdout().write_all(b"out\r\n").await.expect("taken");
    outputs.stderr().write_all(b"err\r\n").await.expect("taken");
    drop((stdin, outputs));
    let mut got = String::new();
    far.read_to_string(&mut got).await.expect("whole");
    assert_eq!(got, "out\r\nerr\r\n");
}

/// A client that does not read holds the writer up: one frame waits here, and no more.
#[tokio::test]
async fn a_client_that_does_not_read_holds_the_process_up() {
    let (conn, mut far) = conn(1_000);
    let ServerStreams { stdin, outputs, .. } = ServerStreams::new(conn, Framing::Multiplexed);
    let mut stdout = outputs.stdout();
    let block = pattern(900);
    assert!(once(stdout.write_all(&block)).await.is_some(), "the stream takes it");
    assert!(once(stdout.write_all(&block)).await.is_some(), "the queue takes it");
    assert!(once(stdout.write_all(&block)).await.is_none(), "nobody takes it");
    let reading = tokio::spawn(async move {
        let mut got = Vec::new();
        far.read_to_end(&mut got).await.expect("whole");
        got
    });
    soon("room", stdout.write_all(&block)).await.expect("taken");
    outputs.close().await.expect("our end");
    drop((stdin, outputs, stdout));
    let got = soon("the end", reading).await.expect("no panic");
    assert!(got == frame(1, &block).repeat(3));
}

/// What is queued leaves while the input is read, though nobody flushes.
#[tokio::test]
async fn reading_the_input_sends_the_queue() {
    let (conn, mut far) = conn(10);
    let ServerStreams { mut stdin, outputs, .. } = ServerStreams::new(conn, Framing::Multiplexed);
    let mut stdout = outputs.stdout();
    assert_eq!(once(stdout.write(b"prompt$ ")).await.expect("queued").expect("open"), 8);
    let reading = tokio::spawn(async move { stdin.read_u8().await });
    let mut got = vec![0; 16];
    soon("the prompt", far.read_exact(&mut got)).await.expect("whole");
    assert_eq!(got, frame(1, "prompt$ "));
    far.write_all(b"x").await.expect("there is room");
    assert_eq!(soon("a key", reading).await.expect("no panic").expect("open"), b'x');
}

/// The same for a reader that was waiting before there was a queue.
#[tokio::test]
async fn waiting_for_input_sends_what_is_queued_later() {
    let (conn, mut far) = conn(10);
    let ServerStreams { mut stdin, outputs, .. } = ServerStreams::new(conn, Framing::Multiplexed);
    let reading = tokio::spawn(async move { stdin.read_u8().await });
    tokio::task::yield_now().await; // It waits now.
    let mut stdout = outputs.stdout();
    assert_eq!(once(stdout.write(b"prompt$ ")).await.expect("queued").expect("open"), 8);
    let mut got = vec![0; 16];
    soon("the prompt", far.read_exact(&mut got)).await.expect("whole");
    assert_eq!(got, frame(1, "prompt$ "));
    far.write_all(b"x").await.expect("there is room");
    assert_eq!(soon("a key", reading).await.expect("no panic").expect("open"), b'x');
}

/// A failure without words is one all the same.
#[tokio::test]
async fn every_failure_is_told() {
    let (client, ServerStreams { stdin, outputs, .. }) = pair(Framing::Multiplexed, 100);
    outputs.fail("").await.expect("taken");
    drop((stdin, outputs));
    let (mut out, mut err) = (Vec::new(), Vec::new());
    match soon("the end", client.output.copy_to(&mut out, &mut err)).await {
        Err(Error::Frame(FrameError::Daemon(text))) => assert_eq!(text, "no reason given"),
        other => panic!("{other:?}"),
    }
}

/// Input that nobody read must not turn the end into a reset that destroys the last output.
#[tokio::test]
async fn an_end_in_order_saves_the_last_output() {
    let (mut far, near) = tcp_pair().await;
    let near = Tracker::default().adopt(near);
    let ServerStreams { stdin, outputs, .. } = ServerStreams::new(near, Framing::Multiplexed);
    far.send(pattern(100_000)).await;
    let data = pattern(30_000);
    outputs.send(StreamType::Stdout, &data).await.expect("taken");
    let closing = tokio::spawn(stdin.close());
    far.expect_rest(frame(1, &data)).await;
    far.end().await;
    let _ = soon("the end", closing).await.expect("no panic").expect("in order");
    assert!(outputs.send(StreamType::Stdout, b"late").await.is_err(), "behind the end");
}

/// The whole way: a handler that upgrades, with the client's early bytes as its input.
#[tokio::test]
async fn a_handler_hosts_a_process() {
    let site = Site::start(
        |_| (),
        |exchange| async {
            let conn = exchange.upgrade(Upgrade::to(["tcp"])).await?;
            let ServerStreams { mut stdin, outputs, .. } = ServerStreams::new(conn, Framing::Multiplexed);
            tokio::io::copy(&mut stdin, &mut outputs.stdout()).await?;
            outputs.send(StreamType::Stderr, b"bye").await?;
            stdin.close().await
        },
    )
    .await;
    let endpoint = site.address.parse().expect("an address");
    let connection = Client::new().connect(&endpoint).await.expect("it listens");
    let request = http::Request::post("/attach").body(hijack::Body::empty()).expect("a request");
    let conn = connection.upgrade(request, ["tcp"]).await.expect("granted");
    let ClientStreams { mut stdin, output, .. } = ClientStreams::new(conn, Framing::Multiplexed);
    stdin.write_all(b"hello").await.expect("open");
    stdin.close().await.expect("open");
    let (mut out, mut err) = (Vec::new(), Vec::new());
    soon("the end", output.copy_to(&mut out, &mut err)).await.expect("whole");
    assert_eq!((&out[..], &err[..]), (&b"hello"[..], &b"bye"[..]));
}
