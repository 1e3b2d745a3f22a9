//! One process for several clients: who gets what, who waits for whom, and how a client's stay ends.

use hijack::stream::{
    Broadcast, ClientStreams, DetachKeys, Framing, Member, ServerStreams, StreamType, Visit, Wanted,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use crate::support::{once, pattern, soon};
use crate::wire::{client, conn, frame, pair};

const MUCH: usize = 1 << 20;

/// A client that only looks; its own end, as raw bytes.
fn looking(
    broadcast: &Broadcast<DuplexStream>,
    wanted: Wanted,
    room: usize,
) -> (Member<DuplexStream>, DuplexStream) {
    let (conn, far) = conn(room);
    let streams = ServerStreams::new(conn, Framing::Multiplexed);
    (broadcast.join(streams.outputs, wanted), far)
}

async fn come(far: &mut DuplexStream, expected: &[u8]) {
    let mut got = vec![0; expected.len()];
    soon("the output", far.read_exact(&mut got)).await.expect("whole");
    assert!(got == expected, "{} is not {}", got.escape_ascii(), expected.escape_ascii());
}

#[tokio::test]
async fn all_get_what_they_want_from_their_joining_on() {
    let broadcast = Broadcast::new();
    broadcast.send(StreamType::Stdout, b"nobody hears it").await;
    let (both, mut both_far) = looking(&broadcast, Wanted::ALL, MUCH);
    let (errors, mut errors_far) = looking(&broadcast, Wanted { stdout: false, stderr: true }, MUCH);
    broadcast.send(StreamType::Stdout, b"one").await;
    broadcast.send(StreamType::Stderr, b"two").await;
    let (late, mut late_far) = looking(&broadcast, Wanted::ALL, MUCH);
    broadcast.send(StreamType::Stdout, b"three").await;
    drop(errors);
    broadcast.send(StreamType::Stderr, b"four").await;
    assert!(once(both.ended()).await.is_none() && once(late.ended()).await.is_none());
    broadcast.end();
    soon("the end", both.ended()).await;
    soon("the end", late.ended()).await;
    broadcast.send(StreamType::Stdout, b"nobody hears it").await;
    drop((both, late));
    for (far, expected) in [
        (&mut both_far, [frame(1, "one"), frame(2, "two"), frame(1, "three"), frame(2, "four")].concat()),
        (&mut errors_far, frame(2, "two")),
        (&mut late_far, [frame(1, "three"), frame(2, "four")].concat()),
    ] {
        let mut got = Vec::new();
        soon("the end", far.read_to_end(&mut got)).await.expect("whole");
        assert!(got == expected, "{}", got.escape_ascii());
    }
}

/// The slow are waited for, until they leave; those whose connection breaks are not.
#[tokio::test]
async fn the_slow_hold_all_up_until_they_leave() {
    let broadcast = Broadcast::new();
    let (slow, mut slow_far) = looking(&broadcast, Wanted::ALL, 10);
    let (_quick, mut quick_far) = looking(&broadcast, Wanted::ALL, MUCH);
    let sending = tokio::spawn({
        let broadcast = broadcast.clone();
        async move { broadcast.send(StreamType::Stdout, b"more than ten bytes").await }
    });
    come(&mut slow_far, &frame(1, "more than ten bytes")[..8]).await;
    // It has taken more by now, and waits again: the other one got nothing yet.
    assert!(once(quick_far.read_u8()).await.is_none() && !sending.is_finished());
    drop(slow);
    soon("the others", sending).await.expect("no panic");
    come(&mut quick_far, &frame(1, "more than ten bytes")).await;

    let (broken, broken_far) = looking(&broadcast, Wanted::ALL, 10);
    drop(broken_far);
    soon("the others", broadcast.send(StreamType::Stdout, b"on")).await;
    come(&mut quick_far, &frame(1, "on")).await;
    soon("its end", broken.ended()).await;
}

/// Who comes while the process ends is not left waiting for output that never comes.
#[tokio::test]
async fn whoever_joins_behind_the_end_is_told() {
    let broadcast = Broadcast::new();
    broadcast.end();
    let (client, server) = pair(Framing::Multiplexed, MUCH);
    let visit = Visit { wanted: Wanted::ALL, stdin: None::<DuplexStream>, detach: None, closes_stdin: false };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let ClientStreams { stdin, output, .. } = client;
    let looking = async {
        let copied = soon("the end", output.copy_to(&mut out, &mut err)).await;
        drop(stdin);
        copied
    };
    let (attended, copied) = tokio::join!(soon("the stay", broadcast.attend(server, visit)), looking);
    assert!(attended.is_ok() && copied.is_ok());
    assert!(out.is_empty() && err.is_empty());
    assert!(format!("{broadcast:?}").contains("clients: 0"), "{broadcast:?}");
}

/// A send that waits for one client does not hold the connection of another one that has left.
#[tokio::test]
async fn whoever_leaves_is_gone_at_once() {
    let broadcast = Broadcast::new();
    let (_slow, mut slow_far) = looking(&broadcast, Wanted::ALL, 10);
    let (leaving, mut leaving_far) = looking(&broadcast, Wanted::ALL, MUCH);
    let sending = tokio::spawn({
        let broadcast = broadcast.clone();
        async move { broadcast.send(StreamType::Stdout, b"more than ten bytes").await }
    });
    come(&mut slow_far, &frame(1, "more than ten bytes")[..8]).await;
    drop(leaving);
    let mut got = Vec::new();
    soon("the end", leaving_far.read_to_end(&mut got)).await.expect("whole");
    assert!(got.is_empty() && !sending.is_finished());
    come(&mut slow_far, &frame(1, "more than ten bytes")[8..]).await;
    soon("the others", sending).await.expect("no panic");
}

/// A client's stay at a process without input, or with one: `stdin` is what comes into the process.
struct Stay {
    client: ClientStreams<DuplexStream>,
    broadcast: Broadcast<DuplexStream>,
    stdin: DuplexStream,
    host: tokio::task::JoinHandle<()>,
}

impl Stay {
    async fn new(framing: Framing, detach: Option<DetachKeys>, closes_stdin: bool) -> Self {
        let (client, server) = pair(framing, MUCH);
        let (input, stdin) = duplex(1_000);
        let broadcast = Broadcast::new();
        let host = tokio::spawn({
            let broadcast = broadcast.clone();
            let visit = Visit { wanted: Wanted::ALL, stdin: Some(input), detach, closes_stdin };
            async move { drop(broadcast.attend(server, visit).await.expect("in order")) }
        });
        joined(&broadcast).await;
        Self { client, broadcast, stdin, host }
    }

    /// All that comes, and the end.
    async fn rest(self) -> Vec<u8> {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let ClientStreams { stdin, output, .. } = self.client;
        soon("the end", output.copy_to(&mut out, &mut err)).await.expect("whole");
        drop(stdin);
        soon("the end of the stay", self.host).await.expect("no panic");
        out
    }
}

/// `StdinOnce`, or an exec: the process's input ends, and its output goes on.
#[tokio::test]
async fn the_end_of_input_closes_stdin() {
    let mut stay = Stay::new(Framing::Multiplexed, None, true).await;
    let sent = pattern(100_000);
    let mut source = &sent[..];
    let typing = stay.client.stdin.copy_from(&mut source, None);
    let mut got = Vec::new();
    let (typed, read) = tokio::join!(typing, soon("the end of stdin", stay.stdin.read_to_end(&mut got)));
    assert!(typed.is_ok() && read.is_ok() && got == sent);
    stay.broadcast.send(StreamType::Stdout, b"late").await;
    stay.broadcast.end();
    assert_eq!(stay.rest().await, b"late");
}

/// Otherwise it detaches: the process's input goes on for others.
#[tokio::test]
async fn the_end_of_input_detaches() {
    let mut stay = Stay::new(Framing::Multiplexed, None, false).await;
    stay.client.stdin.copy_from(&mut &b"line\n"[..], None).await.expect("open");
    let (broadcast, mut got) = (stay.broadcast.clone(), [0; 5]);
    soon("the line", stay.stdin.read_exact(&mut got)).await.expect("whole");
    assert_eq!(stay.rest().await, b"");
    broadcast.send(StreamType::Stdout, b"nobody hears it").await;
}

#[tokio::test]
async fn keys_detach_a_terminal() {
    let mut stay = Stay::new(Framing::Raw, Some(DetachKeys::default()), false).await;
    stay.broadcast.send(StreamType::Stdout, b"$ ").await;
    stay.client.stdin.write_all(b"a\x10b\x10").await.expect("open");
    let mut got = [0; 3];
    soon("what is no keys", stay.stdin.read_exact(&mut got)).await.expect("whole");
    assert_eq!(&got, b"a\x10b");
    stay.client.stdin.write_all(b"\x11never seen").await.expect("open");
    let mut rest = Vec::new();
    soon("the end", stay.stdin.read_to_end(&mut rest)).await.expect("whole");
    assert_eq!(rest, b"", "the keys are the client's");
    assert_eq!(stay.rest().await, b"$ ");
}

/// A process that reads no more, and writes on.
#[tokio::test]
async fn unread_input_is_thrown_away() {
    let mut stay = Stay::new(Framing::Multiplexed, None, true).await;
    let (closed, other) = duplex(1);
    drop((std::mem::replace(&mut stay.stdin, closed), other));
    soon("all of it", stay.client.stdin.copy_from(&mut &pattern(3 * MUCH)[..], None)).await.expect("open");
    stay.broadcast.send(StreamType::Stdout, b"I go on").await;
    stay.broadcast.end();
    assert_eq!(stay.rest().await, b"I go on");
}

/// A client that wants no stdin half-closes at once, as Docker's own does; that is no end.
#[tokio::test]
async fn a_client_without_stdin_stays() {
    let (conn, mut far) = conn(MUCH);
    let broadcast = Broadcast::new();
    let visit = Visit { wanted: Wanted::ALL, stdin: None::<DuplexStream>, detach: None, closes_stdin: false };
    let host = tokio::spawn({
        let broadcast = broadcast.clone();
        async move {
            let streams = ServerStreams::new(conn, Framing::Multiplexed);
            drop(broadcast.attend(streams, visit).await.expect("in order"));
        }
    });
    far.shutdown().await.expect("our end");
    joined(&broadcast).await;
    broadcast.send(StreamType::Stderr, b"still here").await;
    broadcast.end();
    let mut got = Vec::new();
    soon("the end", far.read_to_end(&mut got)).await.expect("whole");
    assert_eq!(got, frame(2, "still here"));
    soon("the end of the stay", host).await.expect("no panic");
}

/// Waits for the first client.
async fn joined(broadcast: &Broadcast<DuplexStream>) {
    let nobody = || format!("{broadcast:?}").contains("clients: 0");
    soon("a client", async {
        while nobody() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// Frames that one client gets are whole, though others leave while they are sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_are_whole_though_clients_come_and_go() {
    let broadcast = Broadcast::new();
    let (client, far) = client(Framing::Multiplexed);
    let staying = broadcast.join(
        ServerStreams::new(hijack::Tracker::default().adopt(far), Framing::Multiplexed).outputs,
        Wanted::ALL,
    );
    let senders: Vec<_> = (0..4_u8)
        .map(|task| {
            let broadcast = broadcast.clone();
            tokio::spawn(async move {
                let stream = if task % 2 == 0 { StreamType::Stdout } else { StreamType::Stderr };
                let line = [&[b'a' + task; 99][..], b"\n"].concat();
                for _ in 0..200 {
                    broadcast.send(stream, &line).await;
                }
            })
        })
        .collect();
    let guests = tokio::spawn({
        let broadcast = broadcast.clone();
        async move {
            for _ in 0..100 {
                let (guest, mut far) = looking(&broadcast, Wanted::ALL, 50);
                let _ = tokio::time::timeout(std::time::Duration::from_millis(1), far.read_u8()).await;
                drop(guest);
            }
        }
    });
    let ending = tokio::spawn(async move {
        for sender in senders {
            sender.await.expect("no panic");
        }
        broadcast.end();
        drop(staying);
    });
    let (mut out, mut err) = (Vec::new(), Vec::new());
    soon("the end", client.output.copy_to(&mut out, &mut err)).await.expect("only whole frames");
    for said in [out, err] {
        assert_eq!(said.len(), 2 * 200 * 100);
        assert!(
            said.chunks(100).all(|line| line[..99].iter().all(|byte| *byte == line[0]) && line[99] == b'\n')
        );
    }
    soon("guests", guests).await.expect("no panic");
    soon("senders", ending).await.expect("no panic");
}
