//! Servers that mean no good, and networks that cut where they like.

use hijack::{Answered, ClientConnection, Error, Stream};
use http::Request;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt};

use crate::scripted::{
    Far, SWITCHED, Stage, answered, declined, get, in_the_end, pair, pipe, polled, post, source,
};
use crate::support::{assert_bytes, pattern, read_all, soon};

/// Small numbers that look random and are the same at each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % most
    }
}

/// What a server says to an upgrade.
fn granted() -> String {
    format!("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n{SWITCHED}")
}

/// What it says to `GET`, `HEAD`, `POST` and `GET` before that.
fn script() -> String {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=\"\\\"\"\r\none\r\n005\r\n, two\r\n0\r\nX: y\r\n\r\n";
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n";
    let interim = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    format!("{chunked}{head}{interim}{}{}", answered("to post"), answered(""))
}

/// Asks everything that [`script`] and [`granted`] answer, giving up and beginning again at random; gives the conversation behind it.
async fn play<Io: Stream>(mut connection: ClientConnection<Io>, dice: &mut Dice) -> Vec<u8> {
    let head = Request::head("http://a/").body(hijack::Body::empty()).expect("a request");
    let (body, feed) = source();
    connection.send(get()).await.expect("open");
    connection.send(head).await.expect("open");
    connection.send(post(body)).await.expect("open");
    for piece in [0, 10, 9_000, 1] {
        feed.data(vec![b'x'; piece]);
    }
    drop(feed);
    let polls = 1 + dice.below(4);
    in_the_end(polls, async || connection.send(get()).await).await.expect("open");
    for expected in ["one, two", "", "to post", ""] {
        loop {
            let polls = 1 + dice.below(4);
            match in_the_end(polls, async || connection.next_answer().await).await.expect("legal") {
                Answered::Interim(head) => assert_eq!(head.status(), 103),
                Answered::Final(answer) => {
                    assert_eq!(answer.status(), 200);
                    break;
                }
            }
        }
        // Some bodies are left for the next answer to skip.
        if dice.below(4) == 0 {
            continue;
        }
        let mut got = Vec::new();
        let polls = 1 + dice.below(4);
        while let Some(data) =
            in_the_end(polls, async || connection.body().data().await).await.expect("legal")
        {
            got.extend_from_slice(&data);
        }
        assert_bytes(got, expected, "a body");
    }
    let mut conn = connection.upgrade(get(), ["echo"]).await.expect("granted");
    read_all(&mut conn).await
}

/// Says `script` and then `data` in random pieces; the upgrade is granted once it was asked for.
async fn say(far: Far<tokio::io::DuplexStream>, data: &[u8], dice: &mut Dice) {
    let bytes = [script().as_bytes(), granted().as_bytes(), data].concat();
    let granted_at = script().len();
    let (read, mut write) = tokio::io::split(far.0);
    let mut read = tokio::io::BufReader::new(read);
    let (asked, heard) = tokio::sync::oneshot::channel();
    let hearing = async {
        let mut line = String::new();
        while !line.starts_with("Upgrade:") {
            line.clear();
            assert_ne!(read.read_line(&mut line).await.expect("open"), 0, "it never asked");
        }
        asked.send(()).expect("somebody listens");
        tokio::io::copy(&mut read, &mut tokio::io::sink()).await
    };
    let saying = async {
        let (mut at, mut heard) = (0, Some(heard));
        while at < bytes.len() {
            let mut end = (at + 1 + dice.below(40)).min(bytes.len());
            if at < granted_at {
                end = end.min(granted_at);
            } else if let Some(heard) = heard.take() {
                heard.await.expect("it asks");
            }
            write.write_all(&bytes[at..end]).await.expect("open");
            at = end;
            tokio::task::yield_now().await;
        }
        write.shutdown().await
    };
    let (heard, said) = tokio::join!(hearing, saying);
    assert!(heard.is_ok() && said.is_ok());
}

/// Behaviours 31, 32 and 36: whatever is cut where, and whatever is given up when, the same is read.
#[tokio::test]
async fn no_cut_makes_a_difference() {
    let data = pattern(3_000);
    for seed in 1..150 {
        let (dice, pieces) = (&mut Dice(seed * 0x9e37_79b9), &mut Dice(seed));
        let (connection, far) = pipe(1 + dice.below(300), |_| ());
        let all = async { tokio::join!(play(connection, dice), say(far, &data, pieces)) };
        let (got, ()) = soon(&format!("the play of seed {seed}"), all).await;
        assert_bytes(got, &data, seed);
    }
}

/// Reads answers and bodies until nothing is left to be read.
async fn exhaust<Io: Stream>(connection: &mut ClientConnection<Io>, seed: u64) -> Error {
    for _ in 0..100 {
        match connection.answer().await {
            Ok(_) if seed.is_multiple_of(3) => {}
            Ok(_) => {
                if let Err(error) = connection.read_to_end(10_000).await {
                    return error;
                }
            }
            Err(error) => return error,
        }
    }
    panic!("answers without end to few requests")
}

/// Whatever bytes come, the client ends with an error or an answer, never with a panic or a wait for ever; and an error
/// stays one.
#[tokio::test]
async fn broken_answers_are_errors_at_the_worst() {
    let whole = (script() + &granted()).into_bytes();
    for seed in 1..600 {
        let mut dice = Dice(seed * 0x9e37_79b9);
        let mut bytes = whole.clone();
        for _ in 0..=dice.below(4) {
            let at = dice.below(bytes.len());
            match dice.below(4) {
                0 => bytes[at] = u8::try_from(dice.below(256)).expect("a byte"),
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, b"\r\n\0 :;0fH"[dice.below(9)]),
                _ => bytes.truncate(at.max(1)),
            }
        }
        let (mut connection, mut far) = pipe(64, |_| ());
        let serving = async {
            let (mut read, mut write) = tokio::io::split(&mut far.0);
            let saying = async {
                // The client may have gone.
                let _ = write.write_all(&bytes).await;
                let _ = write.shutdown().await;
            };
            let mut sink = tokio::io::sink();
            tokio::join!(tokio::io::copy(&mut read, &mut sink), saying)
        };
        let asking = async {
            for _ in 0..4 {
                let _ = connection.send(get()).await;
            }
            exhaust(&mut connection, seed).await;
            exhaust(&mut connection, seed).await;
            assert!(connection.request(get()).await.is_err(), "the server has ended");
            connection.take_over().map(drop).unwrap_or_default();
        };
        let _ = soon(&format!("the end of seed {seed}"), async { tokio::join!(asking, serving) }).await;
    }
}

/// The same for what decides on takeovers: nothing but a whole and exact 101 is one.
#[tokio::test]
async fn a_broken_101_is_no_upgrade() {
    for at in 0..SWITCHED.len() {
        for byte in [b'\0', b' ', b'\r', b'\n', b'x', 0xff] {
            let mut bytes = SWITCHED.as_bytes().to_vec();
            bytes[at] = byte;
            let (connection, mut far) = pipe(4096, |config| {
                config.declined_timeout = std::time::Duration::from_millis(1);
            });
            let serving = async {
                far.head().await;
                far.send(&bytes).await;
                far.end().await;
            };
            let (taken, ()) = tokio::join!(soon("an answer", connection.upgrade(get(), ["echo"])), serving);
            let text = String::from_utf8_lossy(&bytes);
            if taken.is_ok() {
                let lines: Vec<_> = text.split('\n').map(|line| line.trim_end_matches('\r')).collect();
                assert!(
                    lines[0].starts_with("HTTP/1.1 101") || lines[0].starts_with("HTTP/1.0 101"),
                    "{text:?}"
                );
                let lines: Vec<_> = lines[1..4].iter().map(|line| line.trim_end()).collect();
                assert_eq!(lines, ["Connection: Upgrade", "Upgrade: echo", ""], "{text:?}");
            }
        }
    }
}

/// A head without end, a body without end that is to be skipped, interim answers without end: all are bounded.
#[tokio::test]
async fn nothing_without_end_is_read_to_its_end() {
    let endless = [
        ("HTTP/1.1 200 OK\r\n", "X: y\r\n"),
        ("HTTP/1.1 200 OK\r\nX: ", "yyyyyyyyyyyyyyyy"),
        ("", "\r\n"),
        ("", "HTTP/1.1 100 Continue\r\n\r\n"),
        ("HTTP/1.1 200 OK\r\n\r\n", "body without end "),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1;extension=long\r\nx\r\n"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "Trailer: x\r\n"),
    ];
    let stage = Stage::new(|_| ()).await;
    let tracker = stage.client.tracker();
    for (start, again) in endless {
        let (mut connection, mut far) = stage.connect().await;
        let serving = async {
            far.head().await;
            far.head().await;
            far.send(start).await;
            let more = again.repeat(1_000);
            while far.0.write_all(more.as_bytes()).await.is_ok() {}
        };
        let asking = async {
            connection.send(get()).await.expect("open");
            connection.send(get()).await.expect("open");
            let first = connection.answer().await;
            if first.is_ok() {
                connection.answer().await.expect_err("it has no end");
            }
            let bytes_in = tracker.get(connection.id()).expect("it lives").bytes_in;
            drop(connection);
            bytes_in
        };
        let all = async { tokio::join!(asking, serving) };
        let (read, ()) = soon("an error", all).await;
        // Chunks of one byte are six on the wire.
        assert!(read < 2 << 20, "{start:?} {again:?}: {read} bytes");
    }
}

/// A server that switches to another protocol without being asked gets nothing, and one that declines with a page is
/// quoted.
#[tokio::test]
async fn another_service_on_the_port_is_told_by_what_it_says() {
    for said in [
        "220 mail.example.org ESMTP\r\n",
        "SSH-2.0-OpenSSH_9.9\r\n",
        "\x15\x03\x01\x00\x02\x02F",
        "PRI * HTTP/2.0\r\n\r\n",
    ] {
        let (connection, mut far) = pair().await;
        let serving = async {
            far.send(said).await;
            far.end().await;
        };
        let (taken, ()) = tokio::join!(soon("an error", connection.upgrade(get(), ["echo"])), serving);
        let untaken = taken.expect_err("that is no HTTP/1.1");
        assert!(matches!(untaken.error, Error::Head(_)), "{said:?}: {untaken:?}");
        assert!(untaken.connection.is_none());
    }
    let (connection, mut far) = pair().await;
    let page = "<html>welcome to nginx</html>";
    let serving = async {
        far.head().await;
        far.send(answered(page)).await;
    };
    let (decline, _) = declined(tokio::join!(connection.upgrade(get(), ["echo"]), serving).0);
    assert_eq!(decline.to_string(), format!("the server answered 200 OK: {page}"));
    let (mut connection, _far) = pair().await;
    assert!(polled(3, connection.request(get())).await.is_none(), "a silent one is waited for");
}
