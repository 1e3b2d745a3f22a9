//! Frames that are legal and frames that are not, in both roles (RFC 6455 §5).

use std::collections::HashSet;

use hijack::EndReason;
use hijack::ws::{CloseCode, Error, ReceiveError, Violation};

use crate::support::{pattern, soon};
use crate::wire::{
    BINARY, CLOSE, LAST, PING, PONG, TEXT, code, dialling, echo, frame, header, masked, open, read_frame,
    serving, site,
};

/// RFC 6455 §5: each law that a client breaks is named, told by a Close, and ends the connection in order.
#[tokio::test]
async fn a_server_fails_what_breaks_the_law() {
    let long = |len: u64| {
        let mut bytes = vec![BINARY, 0xFF];
        bytes.extend(len.to_be_bytes());
        bytes
    };
    let table: Vec<(&str, Vec<u8>, u16)> = vec![
        ("unmasked", frame(TEXT, "Hello"), 1002),
        ("5 in 16 bits", b"\x82\xfe\x00\x05".to_vec(), 1002),
        ("125 in 16 bits", b"\x82\xfe\x00\x7d".to_vec(), 1002),
        ("65535 in 64 bits", long(65_535), 1002),
        ("2^63", long(1 << 63), 1002),
        ("2^63 + 5", long((1 << 63) + 5), 1002),
        ("longer than allowed", header(BINARY, true, (64 << 20) + 1), 1009),
        ("RSV1", masked(0xC1, "x"), 1002),
        ("RSV2", masked(0xA1, "x"), 1002),
        ("RSV3", masked(0x91, "x"), 1002),
        ("opcode 3", masked(0x83, "x"), 1002),
        ("opcode B", masked(0x8B, ""), 1002),
        ("lone continuation", masked(LAST, "x"), 1002),
        ("message within a message", [masked(0x01, "a"), masked(TEXT, "b")].concat(), 1002),
        ("fragmented ping", masked(0x09, ""), 1002),
        ("ping of 126", header(PING, true, 126), 1002),
        ("text that is none", masked(TEXT, b"\xff"), 1007),
        ("half a character", masked(TEXT, b"\xe2\x82"), 1007),
    ];
    for (what, bytes, expected) in table {
        let mut site = site(|_| (), echo).await;
        let mut client = open(&site).await;
        client.send(bytes).await;
        client.expect_frame(CLOSE, code(expected)).await;
        client.expect_rest("").await;
        drop(client);
        assert_eq!(
            format!("{:?}", site.events.reason().await),
            format!("{:?}", EndReason::Protocol(expected)),
            "{what}"
        );
    }
}

/// RFC 6455 §5.1: and each that a server breaks.
#[tokio::test]
async fn a_client_fails_what_breaks_the_law() {
    let table: Vec<(Vec<u8>, Violation)> = vec![
        (masked(TEXT, "Hello"), Violation::Masked),
        (frame(0xC1, "x"), Violation::ReservedBits(4)),
        (frame(LAST, "x"), Violation::LoneContinuation),
        (frame(TEXT, b"\xff"), Violation::Utf8),
        (frame(CLOSE, "x"), Violation::CloseLength),
    ];
    for (bytes, violation) in table {
        let (mut socket, mut far) = dialling(|_| ()).await;
        far.send(bytes).await;
        let received = tokio::spawn(async move { (socket.recv().await, socket.recv().await) });
        far.expect_frame(CLOSE, code(violation.close_code().get())).await;
        far.expect_rest("").await;
        drop(far);
        let (first, second) = soon("the error", received).await.expect("no panic");
        assert!(
            matches!(first, Err(Error::Peer(ReceiveError::Violation(got))) if got == violation),
            "expected {violation:?}, got {first:?}"
        );
        assert!(matches!(second, Ok(None)), "nothing follows an error: {second:?}");
    }
}

/// RFC 6455 §5.5.2: a ping between two fragments is answered before the message ends.
#[tokio::test]
async fn answers_a_ping_within_a_message() {
    let site = site(|_| (), echo).await;
    let mut client = open(&site).await;
    client.send([masked(0x01, "Hel"), masked(PING, "now")].concat()).await;
    client.expect_frame(PONG, "now").await;
    client.send(masked(LAST, "lo")).await;
    client.expect_frame(TEXT, "Hello").await;
}

/// RFC 6455 §5.5.3: of very many pings at once the first 64 and the last are answered, and no more is held.
#[tokio::test]
async fn answers_a_flood_of_pings_within_bounds() {
    let (mut socket, mut client) = serving(|_| ()).await;
    let pings: Vec<u8> = (0..1_000_u32).flat_map(|number| masked(PING, number.to_string())).collect();
    client.send([pings, masked(TEXT, "end")].concat()).await;
    let message = soon("the message behind them", socket.recv()).await.expect("open");
    assert_eq!(message, Some("end".into()));
    socket.send("done").await.expect("open");
    let mut answers: Vec<u32> = Vec::new();
    loop {
        let got = read_frame(&mut client.0).await;
        if got.first == TEXT {
            break;
        }
        answers.push(String::from_utf8(got.payload).expect("a number").parse().expect("a number"));
    }
    if answers.last() != Some(&999) {
        client.expect_frame(PONG, "999").await;
        answers.push(999);
    }
    assert!(answers.len() <= 200, "few of a thousand: {answers:?}");
    assert!(answers.is_sorted(), "in order: {answers:?}");
    assert!(answers.starts_with(&(0..64).collect::<Vec<_>>()), "the first ones all: {answers:?}");
}

/// RFC 6455 §5.5.3: a pong that nobody asked for is nothing.
#[tokio::test]
async fn ignores_unsolicited_pongs() {
    let site = site(|_| (), echo).await;
    let mut client = open(&site).await;
    client.send([masked(PONG, "unasked"), masked(TEXT, "x"), masked(PONG, "")].concat()).await;
    client.expect_frame(TEXT, "x").await;
    client.send(masked(PING, "p")).await;
    client.expect_frame(PONG, "p").await;
}

/// RFC 6455 §8.1: the first bad byte of an unfinished frame is enough.
#[tokio::test]
async fn closes_at_the_first_bad_byte() {
    let site = site(|_| (), echo).await;
    let text = "Hello-µ@ßöäüàá-UTF-8!!".as_bytes();
    for bad in [&b"\xf4\x90"[..], b"\xed\xa0", b"\xc0", b"\x80"] {
        let mut client = open(&site).await;
        let whole = masked(TEXT, [text, bad, b"and much more that never comes"].concat());
        let until_bad = whole.len() - b"and much more that never comes".len();
        client.send(&whole[..until_bad]).await;
        client.expect_frame(CLOSE, code(1007)).await;
    }
}

/// RFC 6455 §5.4: fragments, empty ones among them, are one message.
#[tokio::test]
async fn assembles_fragments() {
    let site = site(|_| (), echo).await;
    let mut client = open(&site).await;
    let fragments =
        [masked(0x01, ""), masked(0x00, &"µ".as_bytes()[..1]), masked(0x00, &"µ".as_bytes()[1..])];
    client.send([fragments.concat(), masked(LAST, "")].concat()).await;
    client.expect_frame(TEXT, "µ").await;
    let data = pattern(300_000);
    let parts: Vec<u8> = data
        .chunks(1_000)
        .enumerate()
        .flat_map(|(at, part)| masked(if at == 0 { 2 } else { 0 }, part))
        .collect();
    client.send([parts, masked(LAST, "")].concat()).await;
    client.expect_frame(BINARY, data).await;
    client.send(masked(TEXT, "")).await;
    client.expect_frame(TEXT, "").await;
}

/// RFC 6455 §5.3 and §10.3: a client masks every frame by a key of its own, a server none.
#[tokio::test]
async fn masks_every_frame_by_a_fresh_key() {
    const FRAMES: usize = 20_000;
    let (mut socket, mut far) = dialling(|_| ()).await;
    let reading = tokio::spawn(async move {
        let mut keys = HashSet::new();
        let mut io = tokio::io::BufReader::new(&mut far.0);
        for _ in 0..FRAMES {
            keys.insert(read_frame(&mut io).await.key.expect("a client's frame"));
        }
        keys
    });
    for _ in 0..FRAMES {
        socket.feed("x").await.expect("open");
    }
    socket.flush().await.expect("open");
    let keys = soon("all frames", reading).await.expect("no panic");
    // Of 2^32 keys drawn at random, two of these are the same with a chance of 5 %, four with one of 10^-5.
    assert!(keys.len() > FRAMES - 4, "{} different keys of {FRAMES}", keys.len());
    for at in 0..4 {
        let values: HashSet<u8> = keys.iter().map(|key| key[at]).collect();
        assert_eq!(values.len(), 256, "byte {at} takes every value");
    }
    let (mut socket, mut client) = serving(|_| ()).await;
    socket.send("x").await.expect("open");
    assert_eq!(read_frame(&mut client.0).await.key, None);
}

/// The error that tells of a broken law says its code.
#[tokio::test]
async fn an_error_knows_its_close_code() {
    let (mut socket, mut client) = serving(|_| ()).await;
    client.send(masked(TEXT, b"\xff")).await;
    drop(client);
    let error = soon("the error", socket.recv()).await.expect_err("no text");
    assert_eq!(error.close_code(), Some(CloseCode::INVALID_PAYLOAD));
    assert_eq!(error.to_string(), "text is not UTF-8");
}
