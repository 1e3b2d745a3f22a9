//! Compression through both ends (RFC 7692).

use flate2::{Compress, Compression, FlushCompress};
use hijack::ws::{CloseCode, Config, Deflate, Error, ReceiveError, Violation};

use crate::support::{pattern, soon};
use crate::wire::{
    BINARY, CLOSE, LAST, REQUEST, TEXT, code, echo, field, masked, pair, read_frame, serving, site,
};

const OFFER: &str = "Sec-WebSocket-Extensions: ";

fn on(config: &mut Config) {
    config.deflate = Some(Deflate::default());
}

/// The request, with offers.
fn offering(offers: &str) -> String {
    REQUEST.replace("\r\n\r\n", &format!("\r\n{OFFER}{offers}\r\n\r\n"))
}

/// `data` as a compressed payload, as a sender without context makes it.
fn deflated(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len() + 100);
    Compress::new(Compression::best(), false)
        .compress_vec(data, &mut out, FlushCompress::Sync)
        .expect("deflates");
    out.truncate(out.len() - 4);
    out
}

/// What of an offer is granted: the driver asks the core, which knows many more.
#[tokio::test]
async fn grants_what_it_can() {
    let site = site(on, echo).await;
    let both = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
    let table = [
        ("permessage-deflate", Some(both.to_owned())),
        ("permessage-deflate; server_max_window_bits=10", Some(format!("{both}; server_max_window_bits=10"))),
        ("permessage-deflate; server_max_window_bits=8", None),
        ("permessage-deflate; what=1", None),
        ("permessage-deflate; what=1, permessage-deflate", Some(both.to_owned())),
        ("x-webkit-deflate-frame", None),
    ];
    for (offers, granted) in table {
        let mut client = site.client_with(offering(offers)).await;
        let head = client.head().await;
        let got = field(&head, "Sec-WebSocket-Extensions");
        assert_eq!(got, granted.as_deref(), "{offers:?}");
        client.send(masked(TEXT, "Hello")).await;
        let echoed = read_frame(&mut client.0).await;
        assert_eq!(echoed.payload, b"Hello", "so short a text is not worth it");
    }
}

/// RFC 7692 §7.2: with and without contexts, with every window, in both directions.
#[tokio::test]
async fn compresses_in_both_roles() {
    let text = "the same words, and the same words again, ".repeat(40);
    for bits in 9..=15 {
        for forget in [true, false] {
            let set = |config: &mut Config| {
                let mut deflate = Deflate::default();
                deflate.server_max_window_bits = bits;
                deflate.client_max_window_bits = bits;
                deflate.server_no_context_takeover = forget;
                deflate.client_no_context_takeover = forget;
                config.deflate = Some(deflate);
            };
            let (mut client, mut server) = pair(set, set).await;
            assert!(client.is_compressed() && server.is_compressed());
            let serving = tokio::spawn(async move {
                while let Some(message) = server.recv().await? {
                    server.feed(message).await?;
                }
                Ok::<_, Error>(())
            });
            for message in [text.clone().into(), pattern(100_000).into(), "".into(), text.clone().into()] {
                let message: hijack::ws::Message = message;
                client.send(message.clone()).await.expect("open");
                assert_eq!(
                    soon("an echo", client.recv()).await.expect("open"),
                    Some(message),
                    "{bits} {forget}"
                );
            }
            soon("the end", client.close(CloseCode::NORMAL, "")).await.expect("answered");
            soon("the end", serving).await.expect("no panic").expect("in order");
        }
    }
}

async fn compressing(configure: impl FnOnce(&mut Config)) -> (crate::support::Site, crate::support::Client) {
    let site = site(
        |config| {
            on(config);
            configure(config);
        },
        echo,
    )
    .await;
    let mut client = site.client_with(offering("permessage-deflate")).await;
    assert!(client.head().await.contains("permessage-deflate"));
    (site, client)
}

/// RFC 7692 §6 and §7.2: RSV1 stands at the start of a message only, and what it promises must be true.
#[tokio::test]
async fn refuses_what_is_no_compression() {
    let table: [(Vec<u8>, u16); 5] = [
        (masked(0xC9, ""), 1002),
        ([masked(0x01, "a"), masked(0xC0, "b")].concat(), 1002),
        (masked(0xE1, "x"), 1002),
        (masked(0xC2, [0xFF; 20]), 1007),
        (masked(0xC1, deflated(b"\xff")), 1007),
    ];
    for (bytes, expected) in table {
        let (_site, mut client) = compressing(|_| ()).await;
        client.send(bytes).await;
        client.expect_frame(CLOSE, code(expected)).await;
        client.expect_rest("").await;
    }
    let (_site, mut client) = compressing(|_| ()).await;
    let text = deflated(b"Hello");
    client.send([masked(0x41, &text[..3]), masked(LAST, &text[3..]), masked(TEXT, "plain")].concat()).await;
    client.expect_frame(TEXT, "Hello").await;
    client.expect_frame(TEXT, "plain").await;
}

/// A message of the length that is allowed passes, a byte more does not, and neither is inflated further.
#[tokio::test]
async fn bounds_what_is_inflated() {
    const LIMIT: usize = 100_000;
    let set = |config: &mut Config| {
        on(config);
        config.limits.message_len = LIMIT as u64;
    };
    let (mut socket, mut client) = pair(on, set).await;
    socket.send(vec![0; LIMIT]).await.expect("open");
    let message = soon("a message", client.recv()).await.expect("it may be that long").expect("open");
    assert_eq!(message.as_bytes().len(), LIMIT);
    socket.send(vec![0; LIMIT + 1]).await.expect("open");
    let receiving = tokio::spawn(async move { client.recv().await });
    assert_eq!(soon("the end", socket.recv()).await.expect("a Close"), None);
    assert_eq!(socket.close_frame().expect("heard").code, CloseCode::TOO_BIG);
    drop(socket);
    let error = soon("the error", receiving).await.expect("no panic").expect_err("too long");
    let limit = LIMIT as u64;
    assert!(
        matches!(error, Error::Peer(ReceiveError::MessageTooLong { limit: told, .. }) if told == limit),
        "{error:?}"
    );
}

/// A client inflates by the same law.
#[tokio::test]
async fn a_broken_stream_is_named() {
    let (mut socket, mut client) = serving(on).await;
    client.send(masked(0xC2, [0xFF; 20])).await;
    client.end().await;
    let error = soon("the error", socket.recv()).await.expect_err("nothing was agreed on");
    assert!(matches!(error, Error::Peer(ReceiveError::Violation(Violation::ReservedBits(4)))), "{error:?}");
    client.expect_frame(CLOSE, code(1002)).await;
    let (_site, mut client) = compressing(|_| ()).await;
    let data = pattern(200_000);
    client.send(masked(0xC2, deflated(&data))).await;
    let frame = read_frame(&mut client.0).await;
    assert!(frame.first == 0xC2 || frame.first == BINARY, "{:x}", frame.first);
}
