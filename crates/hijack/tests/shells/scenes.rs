//! Answers and takeovers, byte by byte, on every shell.

use hijack::EndReason::{Closed, Dropped, PeerClosed};

use crate::act::{Act, Shell, Talk};
use crate::play::Ends::{Http, Taken};
use crate::play::Step::End;
use crate::play::{Step, play, play_with, rest, see, send};
use crate::support::{GET, OK, pattern};

const SWITCHED: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
const ASKS: &str = "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n";
const CONNECT: &str = "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n";
const UPGRADE: Act = Act::Upgrade(&["echo"], Talk::Echo);

/// A `POST` to `/` with these header lines, and what follows.
fn post(lines: &str, body: &str) -> String {
    format!("POST / HTTP/1.1\r\nHost: a\r\n{lines}\r\n{body}")
}

/// Requests on one connection are answered in order, in one packet or in many.
#[tokio::test]
async fn answers_in_order() {
    play(Act::Answer, &[send(GET), see(OK), send(GET), see(OK), End, rest("")], &Http(PeerClosed)).await;
    let two = [GET, GET].concat();
    play(Act::Answer, &[send(&two), see(&[OK, OK].concat()), End, rest("")], &Http(PeerClosed)).await;
    let bytes: Vec<Step<'_>> =
        GET.as_bytes().chunks(1).map(Step::Send).chain([see(OK), End, rest("")]).collect();
    play(Act::Answer, &bytes, &Http(PeerClosed)).await;
}

/// Behaviour 20: the framing of answers to `GET`, `HEAD` and HTTP/1.0, of known and of unknown length.
#[tokio::test]
async fn frames_answers() {
    let head = GET.replace("GET", "HEAD");
    let old = "GET / HTTP/1.0\r\n\r\n";
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let body = "3\r\none\r\n5\r\nthree\r\n0\r\nX-Sum: 7\r\n\r\n";
    let chunks = [chunked, body].concat();
    let bare = OK.strip_suffix("ok").expect("its body");
    play(Act::Answer, &[send(&head), see(bare), send(GET), see(OK), End, rest("")], &Http(PeerClosed)).await;
    let closes = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
    play(Act::Answer, &[send(old), rest(closes)], &Http(Closed)).await;
    play(Act::Chunks, &[send(GET), see(&chunks), send(GET), see(&chunks), End, rest("")], &Http(PeerClosed))
        .await;
    play(Act::Chunks, &[send(&head), see("HTTP/1.1 200 OK\r\n\r\n"), End, rest("")], &Http(PeerClosed)).await;
    let closes = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nonethree";
    play(Act::Chunks, &[send(old), rest(closes)], &Http(Closed)).await;
}

/// Bodies are read whole, in one packet or byte by byte, with their trailers; behaviour 12: the client that waits for
/// 100 gets it when the body is read.
#[tokio::test]
async fn echoes_bodies() {
    let plain = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    let trailers =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-End: yes\r\n\r\n";
    let table = [
        (post("Content-Length: 5\r\n", "hello"), plain),
        (post("Transfer-Encoding: chunked\r\n", "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"), plain),
        (post("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\nX-End: yes\r\n\r\n"), trailers),
        (post("Content-Length: 0\r\n", ""), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ];
    for (request, answer) in &table {
        play(Act::Echo, &[send(request), see(answer), End, rest("")], &Http(PeerClosed)).await;
    }
}

/// A client that waits for 100 gets it when the body is read, and never when it is not (behaviour 12).
#[tokio::test]
async fn says_continue_to_whoever_reads() {
    let waits = post("Content-Length: 5\r\nExpect: 100-continue\r\n", "");
    let go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    let echoed = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    let steps = [send(&waits), see(go_on), send("hello"), see(echoed), End, rest("")];
    play(Act::Echo, &steps, &Http(PeerClosed)).await;
    let unread = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
    play(Act::Answer, &[send(&waits), rest(unread)], &Http(Closed)).await;
    play(Act::Raw(Talk::Say("raw")), &[send(&waits), rest("raw")], &Taken(Closed)).await;
}

/// An answer that does not wait for the body: the rest of it is read behind the answer, and the connection goes on.
#[tokio::test]
async fn answers_early() {
    let (head, body) = (post("Content-Length: 5\r\n", ""), "hello");
    let late = [send(&head), see(OK), send(body), send(GET), see(OK), End, rest("")];
    play(Act::Answer, &late, &Http(PeerClosed)).await;
    let chunked = post("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n");
    play(Act::Answer, &[send(&chunked), see(OK), send(GET), see(OK), End, rest("")], &Http(PeerClosed)).await;
}

/// An answer that fails is cut where it failed, and what came before is sent; an exchange that a handler gives up sends
/// nothing. Both end the connection.
#[tokio::test]
async fn failed_answers_are_cut() {
    let begun = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n";
    play(Act::Broken, &[send(GET), rest(begun)], &Http(Dropped)).await;
    play(Act::Fail, &[send(GET), rest("")], &Http(Dropped)).await;
}

/// Behaviours 1 and 3: a takeover that writes nothing, with bytes in the request's packet.
#[tokio::test]
async fn takes_over_raw() {
    play(Act::Raw(Talk::Say("hello")), &[send(GET), rest("hello")], &Taken(Closed)).await;
    let early = [GET, "early"].concat();
    let steps = [send(&early), see("early"), send(" late"), see(" late"), End, rest("")];
    play(Act::Raw(Talk::Echo), &steps, &Taken(Closed)).await;
    let bytes: Vec<Step<'_>> =
        early.as_bytes().chunks(1).map(Step::Send).chain([End, rest("early")]).collect();
    play(Act::Raw(Talk::Echo), &bytes, &Taken(Closed)).await;
}

/// Behaviours 1, 2 and 20: the heads behind which a connection is raw, as they are given.
#[tokio::test]
async fn takes_over_behind_a_head() {
    let docker = Act::After(200, &[("content-type", "application/vnd.docker.raw-stream")], Talk::Echo);
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n";
    let request = post("", "stdin");
    let steps = [send(&request), see(head), see("stdin"), send("more"), see("more"), End, rest("")];
    play(docker, &steps, &Taken(Closed)).await;
    let framed = Act::After(404, &[("content-length", "5")], Talk::Say("short"));
    play(
        framed,
        &[send(GET), rest("HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nshort")],
        &Taken(Closed),
    )
    .await;
    let by_hand = Act::After(101, &[("connection", "upgrade"), ("upgrade", "echo")], Talk::Echo);
    let head = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n";
    play(by_hand, &[send(ASKS), see(head), send("x"), see("x"), End, rest("")], &Taken(Closed)).await;
}

/// Behaviours 1, 3, 5 and 20: typed upgrades and tunnels, with early bytes and with some that follow the answer at once.
#[tokio::test]
async fn upgrades_and_tunnels() {
    let early = [ASKS, "early"].concat();
    let steps = [send(&early), see(SWITCHED), see("early"), send("late"), see("late"), End, rest("")];
    play(UPGRADE, &steps, &Taken(Closed)).await;
    let connected = "HTTP/1.1 200 OK\r\n\r\n";
    let steps = [send(CONNECT), see(connected), send("x"), see("x"), End, rest("")];
    play(Act::Tunnel(Talk::Echo), &steps, &Taken(Closed)).await;
    let rpc = "CONNECT /_goRPC_ HTTP/1.0\n\nearly";
    play(Act::Tunnel(Talk::Echo), &[send(rpc), see(connected), see("early"), End, rest("")], &Taken(Closed))
        .await;
}

/// Behaviour 19: with keep-alive switched off a 101 is still a correct one.
#[tokio::test]
async fn keep_alive_off_upgrades() {
    let steps = [send(ASKS), see(SWITCHED), send("x"), see("x"), End, rest("")];
    play_with(|config| config.keep_alive = false, UPGRADE, &steps, &Taken(Closed)).await;
    let closes = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
    play_with(
        |config| config.keep_alive = false,
        UPGRADE,
        &[send("GET /ok HTTP/1.1\r\nHost: a\r\n\r\n"), rest(closes)],
        &Http(Closed),
    )
    .await;
}

/// Behaviour 4: 100 KiB of early data, in the request's write and behind the answer.
#[tokio::test]
async fn early_data_arrives_whole() {
    let data = pattern(100 << 10);
    let together = [GET.as_bytes(), &data].concat();
    let back = Talk::Return(data.len());
    play(Act::Raw(back), &[send(&together), rest(&data)], &Taken(Closed)).await;
    let together = [ASKS.as_bytes(), &data].concat();
    play(Act::Upgrade(&["echo"], back), &[send(&together), see(SWITCHED), rest(&data)], &Taken(Closed)).await;
}

/// Behaviour 6: the parts of a connection have every byte once.
#[tokio::test]
async fn parts_have_every_byte() {
    let early = [GET, "early "].concat();
    for shell in Shell::ALL {
        let site = shell.start(|_| (), Act::Raw(Talk::Parts)).await;
        let mut client = site.client_with(&early).await;
        client.expect("early ").await;
        client.send("late").await;
        client.end().await;
        client.expect_rest("late").await;
    }
}

/// Behaviours 10 and 11: of a body that was read in part the rest is handed over raw, framing and all.
#[tokio::test]
async fn hands_over_the_rest_of_a_body() {
    let exact = post("Content-Length: 10\r\n", "hello");
    let steps = [send(&exact), see("raw: "), send("world!"), see("world!"), End, rest("")];
    play(Act::ReadThen(Talk::Greet), &steps, &Taken(Closed)).await;
    let together = post("Content-Length: 5\r\n", "helloraw");
    play(Act::ReadThen(Talk::Echo), &[send(&together), see("raw"), End, rest("")], &Taken(Closed)).await;
    let chunked = post("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n3;x=y\r\nyou\r\n0\r\n\r\nraw");
    let raw = "\r\n3;x=y\r\nyou\r\n0\r\n\r\nraw";
    play(Act::ReadThen(Talk::Echo), &[send(&chunked), see(raw), End, rest("")], &Taken(Closed)).await;
    let unread = post("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n");
    play(
        Act::Raw(Talk::Echo),
        &[send(&unread), see("5\r\nhello\r\n0\r\n\r\n"), End, rest("")],
        &Taken(Closed),
    )
    .await;
}

/// Behaviour 22: the second request of a connection is taken over as the first would be.
#[tokio::test]
async fn takes_over_the_second_request() {
    let first = "GET /ok HTTP/1.1\r\nHost: a\r\n\r\n";
    let steps = [send(first), see(OK), send(ASKS), see(SWITCHED), send("x"), see("x"), End, rest("")];
    play(UPGRADE, &steps, &Taken(Closed)).await;
    let together = [first, ASKS, "early"].concat();
    let answer = [OK, SWITCHED, "early"].concat();
    play(UPGRADE, &[send(&together), see(&answer), End, rest("")], &Taken(Closed)).await;
}

/// Behaviours 21 and 24: a refused takeover is answered with its reason, and HTTP goes on.
#[tokio::test]
async fn refusals_leave_http_usable() {
    let refused = |status: &str, headers: &str, words: &str| {
        let kind = "Content-Type: text/plain; charset=utf-8\r\n";
        format!("HTTP/1.1 {status}\r\n{kind}{headers}Content-Length: {}\r\n\r\n{words}\n", words.len() + 1)
    };
    let asks = |protocol: &str| ASKS.replace("Upgrade: echo", &format!("Upgrade: {protocol}"));
    let supported = "Upgrade: echo\r\nConnection: upgrade\r\n";
    let after = |headers| Act::After(101, headers, Talk::Drop);
    let mistake = "500 Internal Server Error";
    let table = [
        (
            UPGRADE,
            GET.to_owned(),
            refused("426 Upgrade Required", supported, "the request offers no upgrade"),
        ),
        (
            UPGRADE,
            asks("other"),
            refused("426 Upgrade Required", supported, "none of the offered protocols is supported here"),
        ),
        (
            Act::Tunnel(Talk::Drop),
            GET.to_owned(),
            refused("405 Method Not Allowed", "Allow: CONNECT\r\n", "only CONNECT opens a tunnel"),
        ),
        (
            after(&[]),
            asks("echo"),
            refused(mistake, "", "101 needs connection: upgrade and one protocol in upgrade"),
        ),
        (
            after(&[("connection", "upgrade"), ("upgrade", "other")]),
            asks("echo"),
            refused(mistake, "", "the client did not offer the protocol of the answer"),
        ),
        (
            Act::After(103, &[], Talk::Drop),
            GET.to_owned(),
            refused(mistake, "", "interim status 103 ends no exchange"),
        ),
    ];
    let next = "GET /ok HTTP/1.1\r\nHost: a\r\n\r\n";
    for (act, request, answer) in &table {
        let steps = [send(request), see(answer), send(next), see(OK), End, rest("")];
        play(*act, &steps, &Http(PeerClosed)).await;
    }
    let old = ASKS.replace("HTTP/1.1", "HTTP/1.0");
    let answer = refused("426 Upgrade Required", supported, "an upgrade needs HTTP/1.1");
    let answer = answer.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
    play(UPGRADE, &[send(&old), rest(&answer)], &Http(Closed)).await;
}
