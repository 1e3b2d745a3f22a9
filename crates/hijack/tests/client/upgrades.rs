//! Upgrades from the client's side: what opens the connection, what comes first on it, and what does not open it.

use std::pin::pin;

use hijack::{Answered, Body, Client, Error, HeadError, Mismatch, TakeOverError, Untaken};
use http::{Request, StatusCode};
use tokio::io::AsyncWriteExt;

use crate::scripted::{
    ECHO, Far, SWITCHED, Stage, answer_of, declined, expect_answer, get, pair, pipe, polled,
};
use crate::support::{GET, assert_bytes, once, pattern, read_all, read_len, soon};

/// Asks for an upgrade to `echo`, which the server answers with `answer` and then its end.
async fn upgraded(answer: impl AsRef<[u8]>) -> Result<hijack::Conn, Untaken> {
    let (connection, mut far) = pair().await;
    let server = async {
        far.expect(ECHO).await;
        far.send(answer).await;
        far.end().await;
        far
    };
    tokio::join!(soon("the upgrade", connection.upgrade(get(), ["echo"])), server).0
}

/// Behaviour 31: what comes behind the 101 in the same packet is read first, however much it is, and then the rest.
#[tokio::test]
async fn bytes_behind_the_101_come_first() {
    for len in [1, 5_000, 100 << 10, 1 << 20] {
        let data = pattern(len);
        let (connection, mut far) = pair().await;
        let server = async {
            far.expect(ECHO).await;
            far.send([SWITCHED.as_bytes(), &data].concat()).await;
            far.send("late").await;
            far.end().await;
        };
        let client = async {
            let mut conn = connection.upgrade(get(), ["echo"]).await.expect("it was granted");
            assert_eq!(conn.protocol().as_deref(), Some("echo"));
            assert_eq!(conn.answer().expect("a head").status(), StatusCode::SWITCHING_PROTOCOLS);
            let all = read_all(&mut conn).await;
            assert_bytes(all, [&data[..], b"late"].concat(), "what came behind the 101");
        };
        tokio::join!(client, server);
    }
}

/// Behaviour 31: nothing depends on how the 101 and what is behind it are cut.
#[tokio::test]
async fn a_101_may_be_cut_anywhere() {
    let bytes = format!("{SWITCHED}early bytes");
    for cut in 1..bytes.len() {
        tokio::task::yield_now().await; // a task that never waits is made to
        let (connection, mut far) = pipe(4096, |_| ());
        let mut asking = pin!(connection.upgrade(get(), ["echo"]));
        assert!(once(asking.as_mut()).await.is_none(), "nothing was answered");
        far.expect(ECHO).await;
        far.send(&bytes[..cut]).await;
        let mut conn = match once(asking.as_mut()).await {
            None => {
                assert!(cut < SWITCHED.len(), "the whole head was there at {cut}");
                far.send(&bytes[cut..]).await;
                soon("the upgrade", asking).await
            }
            Some(taken) => {
                assert!(cut >= SWITCHED.len(), "{cut} bytes are no whole head");
                far.send(&bytes[cut..]).await;
                taken
            }
        }
        .expect("it was granted");
        assert_bytes(read_len(&mut conn, 11).await, "early bytes", cut);
        far.end().await;
        assert_bytes(read_all(&mut conn).await, "", cut);
    }
}

/// Behaviour 31: byte by byte over TCP.
#[tokio::test]
async fn a_101_may_come_byte_by_byte() {
    let (connection, mut far) = pair().await;
    let server = async {
        far.expect(ECHO).await;
        for byte in format!("{SWITCHED}early").bytes() {
            far.send([byte]).await;
            tokio::task::yield_now().await;
        }
        far
    };
    let (conn, _far) = tokio::join!(soon("the upgrade", connection.upgrade(get(), ["echo"])), server);
    let mut conn = conn.expect("it was granted");
    assert_bytes(read_len(&mut conn, 5).await, "early", "early bytes");
}

/// Interim answers, with and without headers.
const INTERIMS: &str = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\nX-Step: 1\r\n\r\n\
    HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nLink: </b>\r\n\r\nHTTP/1.1 199 Odd\r\nContent-Length: 7\r\n\r\n";

/// Behaviour 32: interim answers before a 101 are skipped, those before a 200 too.
#[tokio::test]
async fn skips_interim_answers() {
    let mut conn = upgraded(format!("{INTERIMS}{SWITCHED}early")).await.expect("it was granted");
    assert_bytes(read_all(&mut conn).await, "early", "behind the 101");
    let (mut connection, mut far) = pair().await;
    connection.send(get()).await.expect("open");
    far.expect(GET).await;
    far.send(format!("{INTERIMS}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")).await;
    expect_answer(&mut connection, 200, "ok").await;
}

/// Behaviour 32: they are reported one by one to whoever asks for them.
#[tokio::test]
async fn reports_interim_answers() {
    let (mut connection, mut far) = pair().await;
    connection.send(get()).await.expect("open");
    far.expect(GET).await;
    far.send(format!("{INTERIMS}{SWITCHED}early")).await;
    for status in [100, 102, 103, 199] {
        match soon("an answer", connection.next_answer()).await.expect("a legal answer") {
            Answered::Interim(head) => {
                assert_eq!(head.status(), status);
                assert_eq!(head.headers().get_all("link").iter().count(), if status == 103 { 2 } else { 0 });
            }
            other => panic!("expected {status}, got {other:?}"),
        }
        assert_eq!(connection.pending(), 1, "it is no final answer");
    }
    let Ok(Answered::Final(answer)) = connection.next_answer().await else { panic!("expected the 101") };
    assert_eq!(answer.status(), 101);
    let mut conn = connection.take_over().expect("nothing is under way");
    assert_bytes(read_len(&mut conn, 5).await, "early", "behind the 101");
}

/// Behaviour 32: their number is bounded, for each request anew, and the error says by what.
#[tokio::test]
async fn interim_answers_are_bounded() {
    let stage = Stage::new(|config| config.limits.interims = 3).await;
    let (mut connection, mut far) = stage.connect().await;
    let interims = "HTTP/1.1 100 Continue\r\n\r\n".repeat(3);
    for _ in 0..3 {
        connection.send(get()).await.expect("open");
        far.expect(GET).await;
        far.send(format!("{interims}HTTP/1.1 204 No Content\r\n\r\n")).await;
        expect_answer(&mut connection, 204, "").await;
    }
    connection.send(get()).await.expect("open");
    far.send(format!("{interims}HTTP/1.1 103 Early Hints\r\n\r\n")).await;
    for _ in 0..2 {
        let error = soon("an answer", connection.answer()).await.expect_err("one too many");
        assert!(matches!(error, Error::Head(HeadError::TooManyInterims { limit: 3 })), "{error:?}");
        assert_eq!(error.to_string(), "more than 3 interim answers");
    }
    assert!(!connection.is_open());
    assert!(matches!(connection.send(get()).await, Err(Error::Closing)));
}

/// Behaviour 32: without a configured limit there is one too.
#[tokio::test]
async fn a_server_cannot_answer_interim_for_ever() {
    let taken = upgraded("HTTP/1.1 100 Continue\r\n\r\n".repeat(10_000)).await;
    let untaken = taken.expect_err("no final answer");
    assert!(matches!(untaken.error, Error::Head(HeadError::TooManyInterims { limit: 16 })), "{untaken:?}");
    assert!(untaken.connection.is_none());
}

/// Design §4.9: the ways to write a 101 that grants what was asked.
#[tokio::test]
async fn a_101_is_read_as_http_reads_lists() {
    for lines in [
        "Connection: Upgrade\r\nUpgrade: echo\r\n",
        "CONNECTION: UPGRADE\r\nUPGRADE: ECHO\r\n",
        "Connection: keep-alive,\tupgrade\r\nUpgrade: Echo \r\n",
        "Connection: a\r\nConnection: upgrade\r\nUpgrade: , echo ,\r\n",
        "Connection: upgrade, close\r\nUpgrade: echo\r\n",
    ] {
        let conn = upgraded(format!("HTTP/1.1 101 Whatever\r\n{lines}\r\nearly")).await;
        let mut conn = conn.unwrap_or_else(|untaken| panic!("{lines:?}: {untaken}"));
        assert_eq!(conn.protocol().as_deref(), Some("echo"), "as it was asked for");
        assert_bytes(read_all(&mut conn).await, "early", lines);
    }
}

/// Design §4.9: any other 101 opens nothing, and the connection is closed without a look at what is behind it.
#[tokio::test]
async fn a_101_that_was_not_asked_for_closes() {
    let table = [
        ("", Mismatch::Bare101),
        ("Upgrade: echo\r\n", Mismatch::Bare101),
        ("Connection: upgrade\r\n", Mismatch::Bare101),
        ("Connection: close\r\nUpgrade: echo\r\n", Mismatch::Bare101),
        ("Connection: upgrades\r\nUpgrade: echo\r\n", Mismatch::Bare101),
        ("Connection: upgrade\r\nUpgrade: echo, other\r\n", Mismatch::Bare101),
        ("Connection: upgrade\r\nUpgrade: echo\r\nUpgrade: echo\r\n", Mismatch::Bare101),
        ("Connection: upgrade\r\nUpgrade: other\r\n", Mismatch::Protocol),
        ("Connection: upgrade\r\nUpgrade: echo/2\r\n", Mismatch::Protocol),
        ("Connection: upgrade\r\nUpgrade: ech\r\n", Mismatch::Protocol),
        ("Connection: upgrade\r\nUpgrade: \r\n", Mismatch::Bare101),
        ("Connection: upgrade\r\nUpgrade: \"echo\"\r\n", Mismatch::Bare101),
    ];
    for (lines, mismatch) in table {
        let (connection, mut far) = pair().await;
        let server = async {
            far.expect(ECHO).await;
            far.send(format!("HTTP/1.1 101 Switching Protocols\r\n{lines}\r\nHTTP/1.1 200 OK\r\n\r\n")).await;
            far.rest_or_reset().await
        };
        let client = async {
            let (decline, connection) = declined(connection.upgrade(get(), ["echo"]).await);
            assert_eq!(decline.mismatch, mismatch, "{lines:?}");
            assert_eq!(decline.head.status(), 101);
            assert_eq!((&decline.body[..], decline.complete), (&b""[..], false), "another protocol's bytes");
            assert!(connection.is_none(), "{lines:?}");
        };
        let ((), rest) = tokio::join!(client, server);
        assert_bytes(rest, "", "nothing more was said");
    }
}

/// Design §4.9: a 101 where no upgrade was asked for is no answer that anything can follow.
#[tokio::test]
async fn a_101_to_an_ordinary_request_ends_http() {
    let (mut connection, mut far) = pair().await;
    connection.send(get()).await.expect("open");
    far.expect(GET).await;
    far.send(format!("{SWITCHED}HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")).await;
    let answer = answer_of(&mut connection).await;
    assert_eq!((answer.status().as_u16(), answer.closes), (101, true));
    assert_eq!(connection.read_to_end(9).await.expect("no body"), "");
    assert!(matches!(connection.send(get()).await, Err(Error::Closing)));
    let (connection, mut far) = pair().await;
    let server = async {
        far.head().await;
        far.send(SWITCHED).await;
        far.rest_or_reset().await;
    };
    let asked = soon("the tunnel", connection.tunnel(hijack::Tunnel::to("a:1")));
    let (decline, connection) = declined(tokio::join!(asked, server).0);
    assert_eq!(decline.mismatch, Mismatch::Status(StatusCode::SWITCHING_PROTOCOLS));
    assert!(connection.is_none());
}

/// Design §4.9: a final answer instead of the 101 leaves the connection as it is, with its body in the error.
#[tokio::test]
async fn a_final_answer_is_no_upgrade_and_the_connection_goes_on() {
    let (connection, mut far) = pair().await;
    let server = async {
        far.expect(ECHO).await;
        far.send("HTTP/1.1 426 Upgrade Required\r\nUpgrade: other\r\nContent-Length: 8\r\n\r\nnot that")
            .await;
        far.expect(GET).await;
        far.send("HTTP/1.1 200 OK\r\nConnection: upgrade\r\nUpgrade: echo\r\nContent-Length: 2\r\n\r\nok")
            .await;
        far.expect(ECHO).await;
        far.send(format!("{SWITCHED}early")).await;
        far
    };
    let client = async {
        let (decline, connection) = declined(connection.upgrade(get(), ["echo"]).await);
        assert_eq!(decline.mismatch, Mismatch::Status(StatusCode::UPGRADE_REQUIRED));
        assert_eq!(decline.head.headers()["upgrade"], "other");
        assert_eq!((&decline.body[..], decline.complete), (&b"not that"[..], true));
        assert_eq!(decline.to_string(), "the server answered 426 Upgrade Required: not that");
        let mut connection = connection.expect("it is good");
        connection.send(get()).await.expect("open");
        expect_answer(&mut connection, 200, "ok").await;
        connection.upgrade(get(), ["echo"]).await.expect("granted at last")
    };
    let (mut conn, _far) = tokio::join!(client, server);
    assert_bytes(read_len(&mut conn, 5).await, "early", "behind the 101");
}

/// Several protocols are offered best first, and the server chooses.
#[tokio::test]
async fn offers_several_protocols() {
    let (connection, mut far) = pair().await;
    let server = async {
        far.expect(
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: chat/2, chat/1, echo\r\n\r\n",
        )
        .await;
        far.send("HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: CHAT/1\r\n\r\n").await;
        far
    };
    let (conn, _far) = tokio::join!(connection.upgrade(get(), ["chat/2", "chat/1", "echo"]), server);
    assert_eq!(conn.expect("granted").protocol().as_deref(), Some("chat/1"));
}

/// `Connection` and `Upgrade` of the request are ours, other headers are the caller's.
#[tokio::test]
async fn writes_the_upgrade_itself() {
    let (connection, mut far) = pair().await;
    let request = Request::get("http://a/chat?x=1")
        .header("connection", "close")
        .header("upgrade", "other")
        .header("x-room", "lobby")
        .body(Body::empty())
        .expect("a request");
    let server = async {
        let head = "GET /chat?x=1 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\nX-Room: lobby\r\n\r\n";
        far.expect(head).await;
        far.send(SWITCHED).await;
        far
    };
    let (conn, _far) = tokio::join!(connection.upgrade(request, ["echo"]), server);
    conn.expect("granted");
}

/// A request with a body is sent whole before its upgrade, and what follows is the protocol's.
#[tokio::test]
async fn upgrades_behind_a_body() {
    let (connection, mut far) = pair().await;
    let data = pattern(300_000);
    let server = async {
        let head = "POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 300000\r\n\r\n";
        far.expect(head).await;
        far.expect(&data).await;
        far.send("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n").await;
        far.expect("and then").await;
    };
    let request = Request::post("http://a/").body(Body::from(data.clone())).expect("a request");
    let client = async {
        let mut conn = connection.upgrade(request, ["tcp"]).await.expect("granted");
        conn.write_all(b"and then").await.expect("open");
        conn
    };
    tokio::join!(client, server);
}

/// Behaviour 33: the bare 200 of Docker's daemon opens the stream as a 101 does, with what came behind it.
#[tokio::test]
async fn a_bare_200_opens_a_stream_where_it_is_allowed() {
    const RAW: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n";
    let answers = [
        (RAW.to_owned(), None),
        ("HTTP/1.0 200 OK\r\n\r\n".to_owned(), None),
        ("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_owned(), None),
        (SWITCHED.to_owned(), Some("echo")),
    ];
    for (answer, protocol) in answers {
        let (connection, mut far) = pair().await;
        let server = async {
            far.expect(ECHO).await;
            far.send(format!("{answer}\x01\0\0\0\0\0\0\x02hi")).await;
            far.expect("stdin").await;
            far.end().await;
        };
        let client = async {
            let mut conn = connection.upgrade_or_stream(get(), ["echo"]).await.expect("granted");
            assert_eq!(conn.protocol().as_deref(), protocol);
            assert_bytes(conn.answer().expect("a head").raw(), &answer, "the head behind which it was taken");
            conn.write_all(b"stdin").await.expect("open");
            assert_bytes(read_all(&mut conn).await, b"\x01\0\0\0\0\0\0\x02hi", &answer);
        };
        tokio::join!(client, server);
    }
}

/// Behaviour 33: an answer with a length or in chunks is an ordinary one, also where a bare one would open a stream.
#[tokio::test]
async fn a_framed_200_is_no_stream() {
    let table = [
        ("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nreason", Mismatch::Framed, "reason"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Mismatch::Framed, ""),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nrea\r\n3\r\nson\r\n0\r\n\r\n",
            Mismatch::Framed,
            "reason",
        ),
        (
            "HTTP/1.1 404 Not Found\r\nContent-Length: 6\r\n\r\nreason",
            Mismatch::Status(StatusCode::NOT_FOUND),
            "reason",
        ),
        ("HTTP/1.1 204 No Content\r\n\r\n", Mismatch::Status(StatusCode::NO_CONTENT), ""),
    ];
    for (answer, mismatch, body) in table {
        let (connection, mut far) = pair().await;
        let server = async {
            far.expect(ECHO).await;
            far.send(answer).await;
            far.expect(GET).await;
            far.send("HTTP/1.1 204 No Content\r\n\r\n").await;
            far
        };
        let client = async {
            let (decline, connection) = declined(connection.upgrade_or_stream(get(), ["echo"]).await);
            assert_eq!(decline.mismatch, mismatch, "{answer:?}");
            assert_eq!((decline.body.as_ref(), decline.complete), (body.as_bytes(), true), "{answer:?}");
            let mut connection =
                connection.unwrap_or_else(|| panic!("{answer:?} leaves the connection good"));
            connection.send(get()).await.expect("open");
            expect_answer(&mut connection, 204, "").await;
        };
        tokio::join!(client, server);
    }
}

/// Behaviour 33: a bare 200 is no upgrade for those who did not allow it.
#[tokio::test]
async fn a_bare_200_is_no_upgrade() {
    let (decline, connection) = declined(upgraded("HTTP/1.1 200 OK\r\n\r\nsome text").await);
    assert_eq!(decline.mismatch, Mismatch::Status(StatusCode::OK));
    assert_eq!((decline.body.as_ref(), decline.complete), (&b"some text"[..], true));
    assert!(connection.is_none(), "the server ended it");
}

/// Design §4.10: behind the request nothing is sent before its answer is read.
#[tokio::test]
async fn nothing_is_sent_ahead_of_the_answer() {
    let (connection, mut far) = pair().await;
    let mut asking = pin!(connection.upgrade(get(), ["echo"]));
    assert!(polled(50, asking.as_mut()).await.is_none());
    far.expect(ECHO).await;
    assert!(polled(50, asking.as_mut()).await.is_none());
    assert!(far.is_silent().await, "the server has not answered");
    far.send("HTTP/1.1 100 Continue\r\n\r\n").await;
    assert!(polled(50, asking.as_mut()).await.is_none());
    assert!(far.is_silent().await, "that was no final answer");
    far.send(SWITCHED).await;
    let mut conn = soon("the upgrade", asking).await.expect("granted");
    assert!(far.is_silent().await, "nothing but what the owner writes");
    conn.write_all(b"x").await.expect("open");
    far.expect("x").await;
}

/// A request for an upgrade by hand, for those who send ahead of its answer.
fn by_hand() -> Request<Body> {
    let request = get();
    let (mut head, body) = request.into_parts();
    head.headers.insert("connection", "Upgrade".parse().expect("a value"));
    head.headers.insert("upgrade", "echo".parse().expect("a value"));
    Request::from_parts(head, body)
}

/// A connection that has sent bytes ahead of the answer.
async fn ahead() -> (hijack::ClientConnection, Far) {
    let (mut connection, mut far) = pair().await;
    connection.send(by_hand()).await.expect("open");
    connection.put_ahead(b"early ").expect("a request is under way");
    connection.put_ahead(b"bird").expect("a request is under way");
    assert!(polled(3, connection.answer()).await.is_none());
    far.expect("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nearly bird").await;
    (connection, far)
}

/// Design §4.10: what is sent ahead by its name goes out behind the request, and is the conversation's if it is granted.
#[tokio::test]
async fn bytes_put_ahead_are_sent_early() {
    let (mut connection, mut far) = ahead().await;
    far.send(format!("{SWITCHED}reply")).await;
    assert_eq!(answer_of(&mut connection).await.status(), 101);
    let mut conn = connection.take_over().expect("nothing is under way");
    assert_bytes(read_len(&mut conn, 5).await, "reply", "behind the 101");
    conn.write_all(b" more").await.expect("open");
    far.expect(" more").await;
}

/// Design §4.10: where it is not granted, the server may have read them as a request: no other one follows.
#[tokio::test]
async fn bytes_put_ahead_in_vain_poison_the_connection() {
    let (mut connection, mut far) = ahead().await;
    assert!(!connection.is_open());
    far.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno").await;
    let answer = expect_answer(&mut connection, 400, "no").await;
    assert!(answer.closes, "for us it is the last one");
    assert!(!connection.is_open());
    assert!(matches!(connection.send(get()).await, Err(Error::Closing)));
    let untaken = connection.upgrade(get(), ["echo"]).await.expect_err("poisoned");
    assert!(matches!(untaken.error, Error::Closing), "{untaken:?}");
    assert!(untaken.connection.is_none());
    assert_bytes(far.rest_or_reset().await, "", "nothing more was said");
}

/// Bytes can be put ahead only behind a request that is sent whole and unanswered.
#[tokio::test]
async fn bytes_are_put_ahead_behind_a_whole_request_only() {
    let (mut connection, mut far) = pair().await;
    let error = connection.put_ahead(b"x").expect_err("nothing was asked");
    assert!(matches!(error, Error::TakeOver(TakeOverError::NoExchange)), "{error:?}");
    let (body, feed) = crate::scripted::source();
    connection.send(crate::scripted::post(body)).await.expect("open");
    let error = connection.put_ahead(b"x").expect_err("half sent");
    assert!(matches!(error, Error::TakeOver(TakeOverError::RequestUnsent)), "{error:?}");
    assert!(connection.is_open());
    feed.data("a");
    drop(feed);
    assert!(polled(3, connection.answer()).await.is_none());
    far.expect("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n").await;
    connection.put_ahead(b"x").expect("a whole request is under way");
    far.send("HTTP/1.1 204 No Content\r\n\r\n").await;
    expect_answer(&mut connection, 204, "").await;
    let error = connection.put_ahead(b"x").expect_err("it was answered");
    assert!(matches!(error, Error::TakeOver(TakeOverError::NoExchange)), "{error:?}");
    far.expect("x").await;
}

/// An upgrade needs a connection of its own: with answers to come it is refused, and nothing is lost.
#[tokio::test]
async fn an_upgrade_with_answers_to_come_is_refused() {
    let (mut connection, mut far) = pair().await;
    connection.send(get()).await.expect("open");
    let untaken = connection.upgrade(get(), ["echo"]).await.expect_err("an answer is to come");
    assert!(matches!(untaken.error, Error::AnswersPending(1)), "{untaken:?}");
    let mut connection = untaken.connection.expect("nothing was sent");
    far.expect(GET).await;
    assert!(far.is_silent().await);
    far.send("HTTP/1.1 204 No Content\r\n\r\n").await;
    expect_answer(&mut connection, 204, "").await;
}

/// A server that ends instead of answering, or within its answer.
#[tokio::test]
async fn an_end_instead_of_the_answer_is_told_apart() {
    let error = upgraded("").await.expect_err("no answer").error;
    assert!(matches!(error, Error::Unanswered(1)), "{error:?}");
    let error = upgraded(&SWITCHED[..SWITCHED.len() - 1]).await.expect_err("half an answer").error;
    assert!(matches!(error, Error::Head(HeadError::Truncated)), "{error:?}");
    let error = upgraded("HTTP/1.1 100 Continue\r\n\r\n").await.expect_err("no final answer").error;
    assert!(matches!(error, Error::Head(HeadError::Truncated)), "{error:?}");
    let error = upgraded("220 mail.example.org ESMTP\r\n").await.expect_err("another protocol").error;
    assert!(matches!(error, Error::Head(_)), "{error:?}");
}

/// The client is one object for many connections, and its upgrade gives the same type as the server's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn talks_to_our_own_server() {
    let site = crate::support::Site::start(
        |_| (),
        |exchange: hijack::Exchange| async {
            let mut conn = match exchange.upgrade(hijack::Upgrade::to(["echo"])).await {
                Ok(conn) => conn,
                Err(refused) => return refused.answer().await,
            };
            let (mut read, mut write) = tokio::io::split(&mut conn);
            tokio::io::copy(&mut read, &mut write).await?;
            conn.close().await
        },
    )
    .await;
    let client = Client::new();
    let endpoint = site.address.parse().expect("an address");
    let data = pattern(3_000_000);
    for _ in 0..3 {
        let connection = client.connect(&endpoint).await.expect("it listens");
        let (decline, connection) = declined(connection.upgrade(get(), ["other"]).await);
        assert_eq!(decline.head.status(), StatusCode::UPGRADE_REQUIRED);
        assert_eq!(decline.head.headers()["upgrade"], "echo");
        let conn = connection.expect("still good").upgrade(get(), ["echo"]).await.expect("granted");
        let (mut read, mut write) = conn.into_split();
        let writing = async {
            write.write_all(&data).await.expect("open");
            write.shutdown().await.expect("open");
        };
        let (got, ()) = tokio::join!(read_all(&mut read), writing);
        assert_bytes(got, &data, "echoed");
    }
}
