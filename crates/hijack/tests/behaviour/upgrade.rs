//! Typed upgrades: what is agreed upon, what is refused, and what a refusal leaves.

use hijack::{Error, Exchange, Outcome, Refusal, Upgrade};
use http::{Response, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{GET, OK, Site, assert_bytes, exchange, ok, read_len};

const ECHO: &str = "GET /echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
const SWITCHED: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";

/// Upgrades to `echo` where it can, answers with the refusal where it cannot; anything else is `ok`.
async fn echo(exchange: Exchange) -> Result<Outcome, Error> {
    if exchange.uri().path() != "/echo" {
        return ok(exchange).await;
    }
    let mut conn = match exchange.upgrade(Upgrade::to(["echo"])).await {
        Ok(conn) => conn,
        Err(refused) => return refused.answer().await,
    };
    let mut data = [0; 1024];
    loop {
        match conn.read(&mut data).await? {
            0 => return conn.close().await,
            len => conn.write_all(&data[..len]).await?,
        }
    }
}

/// Behaviours 1 and 3: a 101 names the protocol, and bytes sent with the request are the protocol's first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn upgrades_and_keeps_early_bytes() {
    let site = Site::start(|_| (), echo).await;
    let mut client = site.client_with(format!("{ECHO}early")).await;
    client.expect(format!("{SWITCHED}early")).await;
    client.send("late").await;
    client.expect("late").await;
    client.end().await;
    client.expect_rest("").await;
}

/// Behaviour 5: a client that speaks as soon as it sees the 101 is heard.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hears_a_client_that_speaks_at_once() {
    let site = Site::start(|_| (), echo).await;
    for _ in 0..50 {
        let mut client = site.client_with(ECHO).await;
        client.expect(SWITCHED).await;
        client.send("x").await;
        client.expect("x").await;
    }
}

/// Behaviour 19: with keep-alive switched off the 101 is still a 101 and says nothing of `close`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keep_alive_off_still_sends_a_correct_101() {
    let site = Site::start(|config| config.keep_alive = false, echo).await;
    let mut client = site.client_with(ECHO).await;
    client.expect(SWITCHED).await;
    client.send("x").await;
    client.expect("x").await;
    let mut client = site.client_with(GET).await;
    client.expect_rest("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok").await;
}

/// Behaviour 20: headers given with an upgrade are sent, and `Connection` and `Upgrade` stay ours.
#[tokio::test]
async fn adds_headers_to_the_101() {
    let (mut client, exchange) = exchange(ECHO).await;
    let upgrade = Upgrade::to(["Echo"]).header("x-room", "lobby").header("connection", "close");
    let conn = exchange.upgrade(upgrade).await.expect("it was offered");
    assert_eq!(conn.protocol().as_deref(), Some("Echo"));
    let head = client.head().await;
    assert_eq!(head.matches("Connection:").count(), 1, "{head}");
    for line in [
        "HTTP/1.1 101 Switching Protocols\r\n",
        "X-Room: lobby\r\n",
        "Connection: Upgrade\r\n",
        "Upgrade: Echo\r\n",
    ] {
        assert!(head.contains(line), "expected {line:?} in {head}");
    }
}

/// Behaviours 21 and 40: what is asked for, and the upgrade to `echo` or `chat/2` or the refusal that follows. RFC 9110
/// §7.8.
#[tokio::test]
async fn chooses_or_refuses() {
    let table: [(&str, &str, Result<&str, Refusal>); 17] = [
        ("HTTP/1.1", "Connection: Upgrade\r\nUpgrade: echo\r\n", Ok("echo")),
        ("HTTP/1.1", "connection: UPGRADE\r\nupgrade: ECHO\r\n", Ok("echo")),
        ("HTTP/1.1", "Connection: keep-alive,\tupgrade\r\nUpgrade: a, chat/2\r\n", Ok("chat/2")),
        ("HTTP/1.1", "Connection: a\r\nConnection: upgrade\r\nUpgrade: a\r\nUpgrade: echo\r\n", Ok("echo")),
        ("HTTP/1.1", "Connection: upgrade\r\nUpgrade: chat/2, echo\r\n", Ok("echo")),
        ("HTTP/1.1", "Connection: ,, upgrade ,\r\nUpgrade: , echo\r\n", Ok("echo")),
        ("HTTP/1.0", "Connection: upgrade\r\nUpgrade: echo\r\n", Err(Refusal::Http10)),
        ("HTTP/1.1", "", Err(Refusal::NoOffer)),
        ("HTTP/1.1", "Upgrade: echo\r\n", Err(Refusal::NoOffer)),
        ("HTTP/1.1", "Connection: upgrade\r\n", Err(Refusal::NoOffer)),
        ("HTTP/1.1", "Connection: upgrades\r\nUpgrade: echo\r\n", Err(Refusal::NoOffer)),
        ("HTTP/1.1", "Connection: xupgrade, upgrade-x\r\nUpgrade: echo\r\n", Err(Refusal::NoOffer)),
        ("HTTP/1.1", "Connection: \"upgrade\"\r\nUpgrade: echo\r\n", Err(Refusal::NoOffer)),
        ("HTTP/1.1", "Connection: upgrade\r\nUpgrade: ech, echo2, chat\r\n", Err(Refusal::NoCommonProtocol)),
        ("HTTP/1.1", "Connection: upgrade\r\nUpgrade: chat/2/echo\r\n", Err(Refusal::NoCommonProtocol)),
        // A Kelvin sign is no k, a dotless i no i.
        ("HTTP/1.1", "Connection: upgrade\r\nUpgrade: ech\u{f6}\r\n", Err(Refusal::NoCommonProtocol)),
        (
            "HTTP/1.1",
            "Connection: upgrade\r\nUpgrade: echo\r\nContent-Length: 1\r\n",
            Err(Refusal::BodyUnread),
        ),
    ];
    for (version, lines, expected) in table {
        let (mut client, exchange) = exchange(format!("GET / {version}\r\nHost: a\r\n{lines}\r\n")).await;
        let got = exchange.upgrade(Upgrade::to(["echo", "chat/2"])).await;
        match (got, expected) {
            (Ok(conn), Ok(protocol)) => {
                assert_eq!(conn.protocol().as_deref(), Some(protocol), "{lines:?}");
                let head = client.head().await;
                assert!(head.ends_with(&format!("\r\nUpgrade: {protocol}\r\n\r\n")), "{lines:?}: {head}");
            }
            (Err(refused), Err(refusal)) => assert_eq!(refused.refusal(), &refusal, "{lines:?}"),
            (got, expected) => panic!("{lines:?}: expected {expected:?}, got {got:?}"),
        }
    }
}

/// Behaviour 40: tokens compare in ASCII only. The kelvin sign lower-cases to `k` in Unicode, and is none here.
#[tokio::test]
async fn compares_tokens_in_ascii_only() {
    let (_client, exchange) =
        exchange("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: to\u{212a}en\r\n\r\n").await;
    let refused = exchange.upgrade(Upgrade::to(["token"])).await.expect_err("other bytes");
    assert_eq!(refused.refusal(), &Refusal::NoCommonProtocol);
}

/// A body in front of the upgraded protocol is read first (RFC 9110 §7.8).
#[tokio::test]
async fn upgrades_behind_a_body_that_was_read() {
    let request = "POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\nContent-Length: 4\r\n\r\nbodynext";
    let (mut client, mut exchange) = exchange(request).await;
    assert_bytes(exchange.read_to_end(10).await.expect("a legal body"), "body", "the body");
    let mut conn = exchange.upgrade(Upgrade::to(["echo"])).await.expect("the body was read");
    assert_bytes(read_len(&mut conn, 4).await, "next", "behind the body");
    client.expect(SWITCHED).await;
}

fn head(status: u16, lines: &[(&str, &str)]) -> Response<()> {
    let builder = lines
        .iter()
        .fold(Response::builder().status(status), |builder, (name, value)| builder.header(*name, *value));
    builder.body(()).expect("a head")
}

/// Behaviour 21: a head by hand is held to the same rules: no bare 101, no protocol that was not offered, nothing to
/// HTTP/1.0, no interim status. The refused exchange can still be answered.
#[tokio::test]
async fn refuses_heads_that_are_no_last_words() {
    let upgrade = [("connection", "upgrade"), ("upgrade", "echo")];
    let table = [
        (ECHO, head(101, &[]), Refusal::Bare101),
        (ECHO, head(101, &[("upgrade", "echo")]), Refusal::Bare101),
        (ECHO, head(101, &[("connection", "upgrade")]), Refusal::Bare101),
        (ECHO, head(101, &[("connection", "upgrade"), ("upgrade", "echo, chat")]), Refusal::Bare101),
        (ECHO, head(101, &[("connection", "upgrade"), ("upgrade", "")]), Refusal::Bare101),
        (ECHO, head(101, &[("connection", "upgrade"), ("upgrade", "chat")]), Refusal::NotOffered),
        (GET, head(101, &upgrade), Refusal::NotOffered),
        (
            "GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n",
            head(101, &upgrade),
            Refusal::Http10,
        ),
        (ECHO, head(100, &[]), Refusal::Interim(StatusCode::CONTINUE)),
        (ECHO, head(103, &[]), Refusal::Interim(StatusCode::EARLY_HINTS)),
    ];
    for (request, head, refusal) in table {
        let (mut client, exchange) = exchange(request).await;
        let what = format!("{request:?}: {head:?}");
        let refused = exchange.take_over_after(head).expect_err(&what);
        assert_eq!(refused.refusal(), &refusal, "{what}");
        let answer = Response::new(hijack::Body::from("still HTTP"));
        drop(refused.into_exchange().respond(answer).await.expect("open"));
        assert!(client.rest().await.ends_with(b"\r\n\r\nstill HTTP"), "{what}");
    }
    let (mut client, exchange) = exchange(ECHO).await;
    let conn = exchange.take_over_after(head(101, &upgrade)).expect("a correct 101");
    assert_eq!(conn.protocol().as_deref(), Some("echo"));
    let (mut io, _, unsent) = conn.into_parts().detach();
    io.write_all(&unsent).await.expect("open");
    client.expect(SWITCHED.replace("Upgrade\r", "upgrade\r")).await;
}

/// Behaviours 24 and 42: a refused upgrade is answered with what is supported, and what follows it on the
/// connection is framed as HTTP: a request in the same packet, one behind a body, and an upgrade that is right.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_follows_a_refused_upgrade_is_http() {
    let site = Site::start(|_| (), echo).await;
    let wrong = ECHO.replace("Upgrade: echo", "Upgrade: h2c");
    let refused = |text: &str| {
        let mut lines: Vec<String> = vec![
            "HTTP/1.1 426 Upgrade Required".into(),
            "Content-Type: text/plain; charset=utf-8".into(),
            "Upgrade: echo".into(),
            "Connection: upgrade".into(),
        ];
        lines.push(format!("Content-Length: {}\r\n\r\n{text}", text.len()));
        lines.join("\r\n")
    };
    let mut client = site.client_with(format!("{wrong}{GET}")).await;
    client.expect(refused("none of the offered protocols is supported here\n")).await;
    client.expect(OK).await;
    let with_body = "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\nContent-Length: 18\r\n\r\n";
    client.send(format!("{with_body}GET / HTTP/1.1\r\n\r\n{GET}")).await;
    let unread = "the request's body is to be read before the upgrade\n";
    client
        .expect(format!(
            "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n\r\n{unread}",
            unread.len()
        ))
        .await;
    client.expect(OK).await;
    client.send(format!("{ECHO}early")).await;
    client.expect(format!("{SWITCHED}early")).await;
}

/// Behaviour 21: under HTTP/1.0 the refusal is an ordinary answer too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refuses_an_upgrade_of_http10() {
    let site = Site::start(|_| (), echo).await;
    let request = "GET /echo HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n";
    let answer = site.client_with(request).await.rest().await;
    let answer = String::from_utf8(answer).expect("text");
    assert!(answer.starts_with("HTTP/1.1 426 Upgrade Required\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nan upgrade needs HTTP/1.1\n"), "{answer}");
}

/// A refusal that a handler passes on with `?` is an error that says why.
#[tokio::test]
async fn a_refusal_is_an_error_that_says_why() {
    let (_client, exchange) = exchange(GET).await;
    let refused = exchange.upgrade(Upgrade::to(["echo"])).await.expect_err("nothing was offered");
    assert_eq!(refused.to_string(), "the request offers no upgrade");
    let error = Error::from(refused);
    assert!(matches!(error, Error::Refused(Refusal::NoOffer)), "got {error:?}");
}
