//! Messages that are longer than wanted and yet no end: what `golang.org/x/net/websocket` calls `MaxPayloadBytes`.

use hijack::ws::{Config, Deflate, Error, Json, Message, MessageRef};
use serde_json::Value;

use crate::support::{once, soon};
use crate::wire::{BINARY, LAST, PING, PONG, TEXT, code, masked, pair, serving};

const LIMIT: u64 = 10;

fn skipping(config: &mut Config) {
    config.skip_len = Some(LIMIT);
}

fn is_skipped<T>(received: &Result<T, Error>) -> bool {
    matches!(received, Err(Error::Skipped { limit: LIMIT }))
}

/// The error comes at once, the next `recv` skips the rest: however the message is cut into frames and reads, with
/// control frames within.
#[tokio::test]
async fn the_next_recv_skips_the_rest() {
    let long = [b'x'; 1_000];
    let table: [Vec<u8>; 5] = [
        masked(TEXT, "eleven byte"),
        masked(BINARY, vec![7; 300_000]),
        [masked(0x01, "ten bytes!"), masked(0x00, ""), masked(LAST, "+")].concat(),
        [masked(0x02, "ten bytes!"), masked(0x00, long), masked(PING, "p"), masked(LAST, "")].concat(),
        [masked(0x02, ""), masked(0x00, long), masked(0x00, "x"), masked(LAST, "ten bytes!")].concat(),
    ];
    for (number, bytes) in table.into_iter().enumerate() {
        let pings = bytes.windows(6).any(|window| window == &masked(PING, "p")[..6]);
        let (mut socket, mut client) = serving(skipping).await;
        let sending = async {
            client
                .send([&masked(TEXT, "ten bytes!")[..], &bytes, &bytes, &masked(TEXT, "behind")].concat())
                .await;
            client
        };
        let receiving = async {
            assert_eq!(soon("one", socket.recv()).await.expect("open"), Some("ten bytes!".into()));
            assert!(is_skipped(&soon("the error", socket.recv()).await), "{number}");
            assert!(is_skipped(&soon("the error", socket.recv()).await), "{number}");
            assert_eq!(soon("one", socket.recv()).await.expect("open"), Some("behind".into()), "{number}");
            socket.send("goes on").await.expect("open");
        };
        let (mut client, ()) = tokio::join!(sending, receiving);
        if pings {
            client.expect_frame(PONG, "p").await;
            client.expect_frame(PONG, "p").await;
        }
        client.expect_frame(TEXT, "goes on").await;
    }
}

/// The error does not wait for the message's end, a `recv` that is dropped while it skips loses no place, and values,
/// halves and what is shown in place skip alike.
#[tokio::test]
async fn whoever_receives_skips() {
    let (mut socket, mut client) = serving(skipping).await;
    client.send(masked(0x01, "more than ten")).await;
    assert!(is_skipped(&soon("the error", socket.recv()).await), "though its end has not come");
    client.send(masked(0x00, "more")).await;
    assert!(once(socket.recv()).await.is_none());
    client.send([masked(LAST, "end"), masked(TEXT, "[1]")].concat()).await;
    let value: Option<Json<Vec<u8>>> = soon("a value", socket.recv_value()).await.expect("open");
    assert_eq!(value, Some(Json(vec![1])));
    client.send([masked(TEXT, "[1,2,3,4,5,6]"), masked(TEXT, "[2]")].concat()).await;
    assert!(is_skipped(&soon("the error", socket.recv_value::<Json<Value>>()).await));
    let shown = socket.recv_with(|message| matches!(message, MessageRef::Text(text) if text == "[2]"));
    assert_eq!(soon("a message", shown).await.expect("open"), Some(true));
    let (mut reader, _writer) = socket.split();
    client.send([masked(BINARY, [0; 11]), masked(BINARY, [0; 10])].concat()).await;
    assert!(is_skipped(&soon("the error", reader.recv()).await));
    assert_eq!(soon("a message", reader.recv()).await.expect("open"), Some(vec![0; 10].into()));
    client.send(masked(TEXT, "piece by piece")).await;
    let piece = soon("a piece", reader.recv_pieces(|_, piece, last| (piece.len(), last))).await;
    assert_eq!(piece.expect("of any length"), Some((14, true)));
}

/// What is inflated counts, and the hard limits stay what they are.
#[tokio::test]
async fn limits_hold_beyond_it() {
    let set = |config: &mut Config| {
        skipping(config);
        config.deflate = Some(Deflate::default());
        config.limits.message_len = 1_000_000;
    };
    let (mut client, mut server) = pair(set, set).await;
    client.send(vec![0; 1_000_000]).await.expect("open");
    client.send(vec![0; 10]).await.expect("open");
    assert!(is_skipped(&soon("the error", server.recv()).await));
    assert_eq!(soon("a message", server.recv()).await.expect("open"), Some(Message::from(vec![0; 10])));
    client.send(vec![0; 1_000_001]).await.expect("open");
    assert!(is_skipped(&soon("the error", server.recv()).await));
    let failing = tokio::spawn(async move { server.recv().await });
    assert_eq!(soon("a Close", client.recv()).await.expect("in order"), None);
    assert_eq!(client.close_frame().map(|close| code(close.code.get())), Some(code(1009)));
    drop(client);
    assert!(matches!(soon("the error", failing).await.expect("no panic"), Err(Error::Peer(_))));
}
