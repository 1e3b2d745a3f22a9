//! Limits, each with its cause named; and the gateway's own pings, and its end.

use std::time::{Duration, Instant};

use hijack::ws::{CloseCode, Message};
use hijack_gateway::{RatePolicy, SlowReader};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Site, until};

const OPENING: &[u8] = b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

#[tokio::test]
async fn a_message_beyond_the_limit_is_1009_to_its_sender() {
    let site = Site::start(|route| route.limits.message_len = Some(1_024)).await;
    let mut socket = site.websocket("/ws").await;
    let fits = Message::Binary(vec![1; 1_024]);
    socket.send(fits.clone()).await.expect("sent");
    assert_eq!(socket.recv().await.expect("answered"), Some(fits));
    socket.send(Message::Binary(vec![1; 1_025])).await.expect("sent");
    assert_eq!(socket.recv().await.expect("an orderly end"), None);
    assert_eq!(socket.close_frame().expect("a Close").code, CloseCode::TOO_BIG);
    drop(socket);
    let ended = site.found("state=closed").await;
    let cause = "message of 1025 bytes exceeds the limit message_len of 1024";
    assert_eq!((ended.closed_by.as_deref(), ended.reason.as_deref()), (Some("gateway"), Some(cause)));
    assert_eq!(ended.messages_in, 1);
}

#[tokio::test]
async fn messages_beyond_the_rate_are_1008_where_the_policy_is_to_close() {
    let site = Site::start(|route| {
        route.limits.messages_per_second = Some(10);
        route.limits.rate_policy = RatePolicy::Close;
    })
    .await;
    let mut socket = site.websocket("/ws").await;
    let mut sent = 0;
    while sent < 40 && socket.send(Message::Text("quick".into())).await.is_ok() {
        sent += 1;
    }
    while let Ok(Some(_)) = socket.recv().await {}
    assert_eq!(socket.close_frame().expect("a Close").code, CloseCode::POLICY);
    drop(socket);
    assert!(site.found("state=closed").await.messages_in < 40);
}

#[tokio::test]
async fn a_flood_of_empty_fragments_is_1008_at_the_rate_of_frames() {
    let site = Site::start(|route| {
        route.limits.messages_per_second = Some(10);
        route.limits.frames_per_second = Some(100);
        route.limits.rate_policy = RatePolicy::Close;
    })
    .await;
    for flood in [[0x00, 0x80, 0, 0, 0, 0], [0x8a, 0x80, 0, 0, 0, 0]] {
        let mut client = site.connect().await;
        client.send(OPENING).await;
        client.head().await;
        client.send(&[0x01, 0x80, 0, 0, 0, 0]).await;
        client.send(&flood.repeat(1_000)).await;
        let close = client.rest().await;
        assert_eq!((close[0], &close[2..4]), (0x88, &1008_u16.to_be_bytes()[..]), "{close:x?}");
    }
    let ended = site.found("state=closed").await;
    assert_eq!(ended.reason.as_deref(), Some("more than frames_per_second of 100"));
}

#[tokio::test]
async fn a_close_is_no_frame_too_many() {
    let site = Site::start(|route| {
        route.limits.frames_per_second = Some(3);
        route.limits.rate_policy = RatePolicy::Close;
    })
    .await;
    let mut client = site.connect().await;
    client.send(OPENING).await;
    client.head().await;
    // All that a second may bring, and a Close with 1000 behind it.
    client.send(&[0x8a, 0x80, 0, 0, 0, 0].repeat(3)).await;
    client.send(&[0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8]).await;
    let close = client.rest().await;
    assert_eq!((close[0], &close[2..4]), (0x88, &1000_u16.to_be_bytes()[..]), "{close:x?}");
    let ended = site.found("state=closed").await;
    assert_eq!(ended.closed_by.as_deref(), Some("client"), "{ended:?}");
}

#[tokio::test]
async fn messages_beyond_the_rate_are_delayed_otherwise() {
    let site = Site::start(|route| route.limits.messages_per_second = Some(20)).await;
    let mut socket = site.websocket("/ws").await;
    let begun = Instant::now();
    for number in 0..40 {
        let message = Message::Text(format!("{number}"));
        socket.send(message.clone()).await.expect("sent");
        assert_eq!(socket.recv().await.expect("answered"), Some(message));
    }
    // A second's worth at once, the rest in another second.
    assert!(begun.elapsed() >= Duration::from_millis(800), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn one_more_of_a_peer_is_429() {
    let site = Site::start(|route| route.limits.per_peer = Some(1)).await;
    let _first = site.websocket("/ws").await;
    let mut client = site.connect().await;
    client.send(OPENING).await;
    let head = client.head().await;
    assert!(head.starts_with("HTTP/1.1 429 "), "{head}");
    assert!(head.to_ascii_lowercase().contains("retry-after: "), "{head}");
}

#[tokio::test]
async fn a_foreign_origin_is_403_and_a_program_passes() {
    let site = Site::start(|route| route.origins = vec!["https://a".into()]).await;
    for (origin, status) in
        [("Origin: https://evil.example\r\n", 403), ("Origin: https://a\r\n", 101), ("", 101)]
    {
        let mut client = site.connect().await;
        let opening =
            String::from_utf8_lossy(OPENING).replacen("Host: a\r\n", &format!("Host: a\r\n{origin}"), 1);
        client.send(opening.as_bytes()).await;
        let head = client.head().await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{origin}: {head}");
    }
}

#[tokio::test]
async fn idle_ones_are_1001() {
    let site = Site::start(|route| route.limits.idle = Some(Duration::from_millis(700))).await;
    let mut socket = site.websocket("/ws").await;
    assert_eq!(socket.recv().await.expect("an orderly end"), None);
    let close = socket.close_frame().expect("a Close");
    assert_eq!((close.code, &*close.reason), (CloseCode::GOING_AWAY, "idle limit"));
}

/// The pings go to both sides, and their pongs to neither.
#[tokio::test]
async fn pings_keep_a_silent_connection_and_their_pongs_stay_here() {
    let site = Site::start(|route| {
        route.limits.ping_after = Some(Duration::from_millis(300));
        route.limits.idle = Some(Duration::from_millis(1_500));
    })
    .await;
    let mut client = site.connect().await;
    client.send(OPENING).await;
    assert!(client.head().await.starts_with("HTTP/1.1 101 "));
    let mut pings = 0;
    let until = Instant::now() + Duration::from_secs(3);
    while Instant::now() < until {
        // A ping of sixteen bytes is all that comes; it is answered by hand.
        let mut ping = [0; 18];
        client.0.read_exact(&mut ping).await.expect("a ping");
        assert_eq!(ping[..2], [0x89, 16]);
        pings += 1;
        client.send(&[&[0x8a, 0x90, 0, 0, 0, 0], &ping[2..]].concat()).await;
    }
    assert!(pings >= 2, "{pings}");
    let view = site.found("protocol=websocket").await;
    assert_eq!((view.messages_in, view.messages_out, view.illegal_in), (0, 0, 0));
}

#[tokio::test]
async fn a_side_that_does_not_answer_a_ping_is_named() {
    let site = Site::start(|route| {
        route.limits.ping_after = Some(Duration::from_millis(300));
        route.limits.pong_timeout = Some(Duration::from_millis(500));
    })
    .await;
    let mut client = site.connect().await;
    client.send(OPENING).await;
    client.head().await;
    let ended = site.found("state=closed").await;
    assert_eq!(ended.reason.as_deref(), Some("pong timeout: the client is silent"));
}

/// The others go on at full speed, and memory stays within what is held for one.
#[tokio::test]
async fn a_reader_that_takes_nothing_is_1013_where_the_policy_is_to_close() {
    let site = Site::start(|route| {
        route.limits.slow_reader = SlowReader::Close;
        route.limits.slow_after = Some(Duration::from_millis(500));
    })
    .await;
    let mut slow = site.connect().await;
    slow.send(OPENING).await;
    slow.head().await;
    // Echoes of a mebibyte each, which nobody takes.
    let mut message = b"\x82\xff\x00\x00\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00".to_vec();
    message.resize(message.len() + (1 << 20), 7);
    let (mut reader, mut writer) = slow.0.into_split();
    let writing = tokio::spawn(async move {
        for _ in 0..64 {
            if writer.write_all(&message).await.is_err() {
                break;
            }
        }
    });
    let ended = site.found("state=closed").await;
    assert_eq!(ended.reason.as_deref(), Some("the client does not read"));
    assert_eq!(ended.code, Some(1013));
    let mut rest = Vec::new();
    let _ = reader.read_to_end(&mut rest).await;
    writing.abort();
}

#[tokio::test]
async fn a_drain_spreads_the_ends_and_refuses_what_comes() {
    let site = Site::start(|_| {}).await;
    let mut sockets = Vec::new();
    for _ in 0..20 {
        sockets.push(site.websocket("/ws").await);
    }
    until("all are open", || site.gateway.count() == 20).await;
    let begun = Instant::now();
    let mut late = site.connect().await;
    late.send(b"GET /greeting HTTP/1.1\r\nHost: a\r\n\r\n").await;
    late.head().await;
    late.expect(b"a\n").await;
    let gateway = site.gateway.clone();
    let draining = tokio::spawn(async move { gateway.drain(Duration::from_secs(2)).await });
    until("it is not ready", || !site.gateway.is_ready()).await;
    late.send(OPENING).await;
    let head = late.head().await;
    assert!(
        head.starts_with("HTTP/1.1 503 ") && head.to_ascii_lowercase().contains("retry-after: "),
        "{head}"
    );
    let mut ends = Vec::new();
    for mut socket in sockets {
        ends.push(tokio::spawn(async move {
            let end = socket.recv().await;
            assert!(matches!(end, Ok(None)), "{end:?}");
            (socket.close_frame().expect("a Close").code, begun.elapsed())
        }));
    }
    let mut halves = [0, 0];
    for end in ends {
        let (code, at) = end.await.expect("ended in order");
        assert_eq!(code, CloseCode::RESTART);
        halves[usize::from(at > Duration::from_secs(1))] += 1;
    }
    assert!(halves[0] >= 5 && halves[1] >= 5, "spread over the time: {halves:?}");
    draining.await.expect("drained");
    assert_eq!(site.gateway.count(), 0);
}
