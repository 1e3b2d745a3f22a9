//! Compression through both ends (RFC 7692).

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use hijack::ws::{CloseCode, Config, Deflate, Error, ReceiveError, Violation};

use crate::support::{pattern, soon};
use crate::wire::{
    BINARY, CLOSE, LAST, REQUEST, TEXT, code, dialled, echo, field, frame as frame_of, masked, pair,
    read_frame, serving, site, switched,
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

/// Bytes with something to refer back to, near and far.
fn repeating() -> Vec<u8> {
    [pattern(150).repeat(60), pattern(10_000), pattern(10_000), pattern(150)].concat()
}

/// RFC 7692 §7.1.2: zlib with a window of the agreed size, and no larger one, reads what we send and writes what we read;
/// with a context that is taken over the second message refers to the first.
#[tokio::test]
async fn every_window_is_kept_on_the_wire() {
    for bits in 9..=15 {
        for (forget, flags) in
            [(false, ""), (true, "; server_no_context_takeover; client_no_context_takeover")]
        {
            let site = site(
                |config| {
                    let mut deflate = Deflate::default();
                    deflate.server_no_context_takeover = false;
                    deflate.client_no_context_takeover = false;
                    deflate.client_max_window_bits = bits;
                    config.deflate = Some(deflate);
                },
                echo,
            )
            .await;
            let offer =
                format!("permessage-deflate; server_max_window_bits={bits}; client_max_window_bits{flags}");
            let mut client = site.client_with(offering(&offer)).await;
            let head = client.head().await;
            let answer = field(&head, "Sec-WebSocket-Extensions").expect("granted");
            assert_eq!(answer.contains(&format!("client_max_window_bits={bits}")), bits < 15, "{answer}");
            assert_eq!(answer.contains("server_no_context_takeover"), forget, "{answer}");
            let mut deflater = Compress::new_with_window_bits(Compression::best(), false, bits);
            let mut inflater = Decompress::new_with_window_bits(false, bits);
            let mut lengths = Vec::new();
            for _ in 0..3 {
                if forget {
                    deflater.reset();
                    inflater.reset(false);
                }
                let data = repeating();
                client.send(masked(0xC2, flushed(&mut deflater, &data))).await;
                let frame = read_frame(&mut client.0).await;
                assert_eq!(frame.first, 0xC2, "it is worth it");
                lengths.push(frame.payload.len());
                let message = inflated(&mut inflater, &frame.payload, data.len());
                assert!(message == data, "{bits} bits, {forget}");
            }
            assert!(lengths[0] < repeating().len() / 10 * 9, "{lengths:?}");
            if forget {
                assert_eq!((lengths[1], lengths[2]), (lengths[0], lengths[0]), "each stands alone");
            } else if bits == 15 {
                assert!(lengths[1] < lengths[0] / 2, "it refers to the one before: {lengths:?}");
            }
        }
    }
}

/// `data` as a message of a stream that goes on.
fn flushed(deflater: &mut Compress, data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(2 * data.len() + 100);
    deflater.compress_vec(data, &mut out, FlushCompress::Sync).expect("deflates");
    out.truncate(out.len() - 4);
    out
}

fn inflated(inflater: &mut Decompress, payload: &[u8], len: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(len + 100);
    let whole = [payload, &[0, 0, 0xFF, 0xFF]].concat();
    inflater.decompress_vec(&whole, &mut out, FlushDecompress::Sync).expect("within its window");
    out
}

/// RFC 7692 §7.1.2: zlib makes no window of 8 bits. A server declines to; a client that is asked to sends its messages as
/// they are, which is always allowed (§6), and reads what a server with such a window sends.
#[tokio::test]
async fn a_window_of_eight_bits_is_read_and_not_written() {
    let site = site(on, echo).await;
    let declined = "permessage-deflate; server_max_window_bits=8";
    let mut client = site.client_with(offering(declined)).await;
    assert_eq!(field(&client.head().await, "Sec-WebSocket-Extensions"), None);
    let agreed = "permessage-deflate; client_max_window_bits=8";
    let mut client = site.client_with(offering(agreed)).await;
    let head = client.head().await;
    assert!(
        field(&head, "Sec-WebSocket-Extensions").is_some_and(|answer| answer.ends_with("bits=8")),
        "{head}"
    );
    let data = b"the same words, the same words, the same words".repeat(5);
    client.send(masked(0xC2, deflated(&data))).await;
    let frame = read_frame(&mut client.0).await;
    assert_eq!(inflated(&mut Decompress::new(false), &frame.payload, data.len()), data);

    let dial = hijack::ws::Dial::to("ws://a/").expect("a URL").configure(on);
    let line = "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; \
                server_max_window_bits=8; client_max_window_bits=8\r\n";
    let (socket, mut far) = dialled(&dial, |accept| switched(accept, line).into()).await;
    let mut socket = socket.expect("granted");
    socket.send(data.clone()).await.expect("open");
    far.expect_frame(BINARY, &data).await;
    far.send(frame_of(0xC2, deflated(&data))).await;
    assert_eq!(soon("a message", socket.recv()).await.expect("open"), Some(data.into()));
}
