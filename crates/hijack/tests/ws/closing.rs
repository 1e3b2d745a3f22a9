//! The end of a connection: agreed upon, refused, forgotten, cut off (RFC 6455 §5.5.1 and §7).

use std::time::{Duration, Instant};

use hijack::ws::{CloseCode, Error, SendError, WebSocket};
use hijack::{EndReason, Timeout, ended_by};
use tokio::io::AsyncWriteExt;

use crate::support::{empty, once, soon};
use crate::wire::{
    CLOSE, PING, TEXT, code, dialling, echo, frame, masked, open, pair, read_frame, serving, site,
};

/// RFC 6455 §7.4: codes that may be on the wire are answered by themselves, others by 1002; then the server ends.
#[tokio::test]
async fn answers_every_code_by_the_law() {
    let site = site(|_| (), echo).await;
    let legal =
        (1000..=1003).chain(1007..=1014).chain([3000, 3999, 4000, 4999]).map(|number| (number, number));
    let illegal =
        [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65_535].map(|number| (number, 1002));
    for (number, answer) in legal.chain(illegal) {
        let mut client = open(&site).await;
        client.send(masked(CLOSE, code(number))).await;
        client.expect_frame(CLOSE, code(answer)).await;
        client.expect_rest("").await;
    }
    let reason = |len: usize| [code(1000), vec![b'r'; len]].concat();
    let bodies: [(Vec<u8>, Vec<u8>); 5] = [
        (vec![], vec![]),
        (vec![3], code(1002)),
        (reason(123), code(1000)),
        ([code(1000), b"\xff".to_vec()].concat(), code(1007)),
        ([code(1000), b"\xe2\x82".to_vec()].concat(), code(1007)),
    ];
    for (body, answer) in bodies {
        let mut client = open(&site).await;
        client.send(masked(CLOSE, &body)).await;
        client.expect_frame(CLOSE, answer).await;
        client.expect_rest("").await;
    }
    let mut client = open(&site).await;
    client.send(masked(CLOSE, reason(124))).await;
    client.expect_frame(CLOSE, code(1002)).await;
}

/// RFC 6455 §5.5.1: nothing behind a Close is heard; ours is not lost for it.
#[tokio::test]
async fn hears_nothing_behind_a_close() {
    let site = site(|_| (), echo).await;
    let mut client = open(&site).await;
    client
        .send([masked(TEXT, "a"), masked(CLOSE, code(1000)), masked(TEXT, "b"), masked(PING, "c")].concat())
        .await;
    client.expect_frame(TEXT, "a").await;
    client.expect_frame(CLOSE, code(1000)).await;
    client.expect_rest("").await;
}

/// Both sides may close at once: neither answers, both are content.
#[tokio::test]
async fn closes_may_cross() {
    let (mut client, mut server) = pair(|_| (), |_| ()).await;
    let (ours, theirs) = soon("both ends", async {
        tokio::join!(client.close(CloseCode::GOING_AWAY, "home"), server.close(CloseCode::NORMAL, "done"))
    })
    .await;
    ours.expect("closed");
    theirs.expect("closed");
    let heard = |socket: &WebSocket<_>| socket.close_frame().map(|close| (close.code, close.reason.clone()));
    assert_eq!(heard(&client), Some((CloseCode::NORMAL, "done".to_owned())));
    assert_eq!(heard(&server), Some((CloseCode::GOING_AWAY, "home".to_owned())));
    assert!(matches!(client.send("late").await, Err(Error::Local(SendError::Closed))));
    assert!(matches!(client.recv().await, Ok(None)), "the end stays the end");
}

/// Whoever closes hears what the peer still has to say, and then its Close.
#[tokio::test]
async fn a_closer_still_hears() {
    let (mut socket, mut client) = serving(|_| ()).await;
    assert!(once(socket.close(CloseCode::new(4000), "enough")).await.is_none(), "the peer has not answered");
    client.expect_frame(CLOSE, [code(4000), b"enough".to_vec()].concat()).await;
    client.send([masked(TEXT, "one more"), masked(CLOSE, code(4000))].concat()).await;
    assert_eq!(soon("a message", socket.recv()).await.expect("open"), Some("one more".into()));
    assert_eq!(soon("the end", socket.recv()).await.expect("in order"), None);
    soon("the end", socket.close(CloseCode::NORMAL, "")).await.expect("it is closed already");
    client.expect_rest("").await;
}

/// What must not be on the wire is not sent, and the connection goes on.
#[tokio::test]
async fn sends_no_illegal_close() {
    let (mut socket, mut client) = serving(|_| ()).await;
    for number in [0, 999, 1004, 1005, 1006, 1015, 2999, 5000] {
        let error = socket.close(CloseCode::new(number), "").await.expect_err("illegal");
        assert!(matches!(error, Error::Local(SendError::Close(_))), "{number}: {error:?}");
    }
    let error = socket.close(CloseCode::NORMAL, &"r".repeat(124)).await.expect_err("too long");
    assert!(error.to_string().contains("124"), "{error}");
    socket.send("still here").await.expect("open");
    client.expect_frame(TEXT, "still here").await;
}

/// `Config::close_timeout` holds although the peer never stops sending, and is named.
#[tokio::test]
async fn a_peer_that_does_not_answer_a_close_is_left() {
    const LIMIT: Duration = Duration::from_millis(300);
    let (mut socket, mut client) = serving(|config| config.close_timeout = LIMIT).await;
    let sending = tokio::spawn(async move {
        let chatter = masked(TEXT, "never stops");
        while client.0.write_all(&chatter).await.is_ok() {
            tokio::task::yield_now().await;
        }
    });
    let started = Instant::now();
    let error = soon("the deadline", socket.close(CloseCode::NORMAL, "")).await.expect_err("no answer");
    let took = started.elapsed();
    assert!(took >= LIMIT && took < LIMIT * 5, "{took:?}");
    let Error::Io(error) = error else { panic!("{error:?}") };
    assert!(matches!(ended_by(&error), Some(EndReason::TimedOut(Timeout::Close))), "{error:?}");
    drop(socket);
    soon("the peer's end", sending).await.expect("no panic");
}

/// RFC 6455 §7.1.1: the client waits for the server to end the connection, though not for ever.
#[tokio::test]
async fn a_client_lets_the_server_end_first() {
    let (mut socket, mut far) = dialling(|config| config.close_timeout = Duration::from_millis(300)).await;
    assert!(once(socket.close(CloseCode::NORMAL, "")).await.is_none());
    far.expect_frame(CLOSE, code(1000)).await;
    far.send(frame(CLOSE, code(1000))).await;
    let (closing, silent) = soon("the end", async {
        tokio::join!(socket.close(CloseCode::NORMAL, ""), async { far.is_silent().await })
    })
    .await;
    closing.expect("answered");
    assert!(silent, "no end of the client's before the server's");
    drop(socket);
    far.expect_rest("").await;
}

/// RFC 6455 §7.1.7: our Close arrives although the peer has sent far more than was read, and then our end, soon.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_words_arrive_in_spite_of_unread_input() {
    let site = site(|_| (), echo).await;
    for _ in 0..20 {
        let mut client = open(&site).await;
        let flood = [masked(0x83, "reserved"), masked(TEXT, vec![b'x'; 200_000])].concat();
        client.send(flood).await;
        let told = Instant::now();
        client.expect_frame(CLOSE, code(1002)).await;
        client.expect_rest("").await;
        assert!(told.elapsed() < Duration::from_millis(500), "{:?}", told.elapsed());
        client.end().await;
    }
    empty(&site.tracker()).await;
}

/// A peer that broke the law and stays is not waited for.
#[tokio::test]
async fn who_broke_the_law_is_not_waited_for() {
    let site = site(|_| (), echo).await;
    let mut client = open(&site).await;
    client.send(masked(0x83, "reserved")).await;
    client.expect_frame(CLOSE, code(1002)).await;
    let told = Instant::now();
    empty(&site.tracker()).await;
    assert!(told.elapsed() < Duration::from_secs(2), "{:?}", told.elapsed());
}

/// A handler that panics closes by 1011, one that ends by 1000, and either frees its place.
#[tokio::test]
async fn the_handlers_end_is_told() {
    let mut site = site(
        |_| (),
        |mut socket: WebSocket| async move {
            let message = socket.recv().await?;
            assert_ne!(message, Some("panic".into()), "as it was asked to");
            Ok(())
        },
    )
    .await;
    for (word, number, reason) in [("panic", 1011, EndReason::Panicked), ("end", 1000, EndReason::Closed)] {
        let mut client = open(&site).await;
        client.send(masked(TEXT, word)).await;
        client.expect_frame(CLOSE, code(number)).await;
        client.expect_rest("").await;
        assert_eq!(site.events.reason().await, reason, "{word}");
    }
    empty(&site.tracker()).await;
}

/// RFC 6455 §7.1.5: an end without a Close is 1006, and within a message an error.
#[tokio::test]
async fn an_end_without_a_close_is_seen() {
    let (mut socket, client) = serving(|_| ()).await;
    drop(client);
    assert_eq!(soon("the end", socket.recv()).await.expect("between messages"), None);
    assert_eq!(socket.close_frame().expect("seen").code, CloseCode::ABNORMAL);
    for part in [masked(0x01, "half"), masked(TEXT, "half")[..8].to_vec()] {
        let (mut socket, mut client) = serving(|_| ()).await;
        client.send(part).await;
        client.end().await;
        let error = soon("the end", socket.recv()).await.expect_err("within a message");
        assert!(matches!(error, Error::CutOff), "{error:?}");
        assert_eq!(soon("the end", socket.recv()).await.expect("it is over"), None);
    }
    let (mut socket, client) = serving(|_| ()).await;
    client.reset();
    let error = soon("the end", socket.recv()).await.expect_err("it broke");
    assert!(
        matches!(&error, Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionReset),
        "{error:?}"
    );
    assert_eq!(soon("the end", socket.recv()).await.expect("nothing follows an error"), None);
}

/// RFC 6455 §5.5.1: a Close without a code is answered by one without.
#[tokio::test]
async fn no_code_is_no_code() {
    let (mut socket, mut client) = serving(|_| ()).await;
    client.send(masked(CLOSE, "")).await;
    assert_eq!(soon("the end", socket.recv()).await.expect("in order"), None);
    assert_eq!(socket.close_frame().expect("seen").code, CloseCode::NO_STATUS);
    let got = read_frame(&mut client.0).await;
    assert_eq!((got.first, got.payload), (CLOSE, vec![]));
}

/// RFC 6455 §7.1.7 and §7.4.1: a handler that panics or ends while the peer is in the middle of its words is heard: a Close
/// and a FIN, no reset, although most of what came was never read; and it frees its place.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_handlers_last_words_arrive_in_spite_of_unread_input() {
    let mut site = site(
        |_| (),
        |mut socket: WebSocket| async move {
            let message = socket.recv().await?;
            assert_ne!(message, Some("panic".into()), "as it was asked to");
            Ok(())
        },
    )
    .await;
    for (word, number, reason) in [("panic", 1011, EndReason::Panicked), ("end", 1000, EndReason::Closed)] {
        for _ in 0..10 {
            let mut client = open(&site).await;
            client.send([masked(TEXT, word), masked(TEXT, vec![b'x'; 1_000_000])].concat()).await;
            client.expect_frame(CLOSE, code(number)).await;
            client.expect_rest("").await;
            // Nothing of this connection is left that could answer it with a reset.
            client.send(masked(CLOSE, code(number))).await;
            client.end().await;
            assert_eq!(site.events.reason().await, reason, "{word}");
        }
    }
    empty(&site.tracker()).await;
}

/// A peer that hears the Close and stays holds nothing up for long.
#[tokio::test]
async fn who_stays_behind_a_dropped_connection_is_left() {
    let (socket, mut client) = serving(|_| ()).await;
    drop(socket);
    client.expect_frame(CLOSE, code(1000)).await;
    client.expect_rest("").await;
    let chatter = masked(TEXT, "never stops");
    let until_reset = async {
        while client.0.write_all(&chatter).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    let begun = Instant::now();
    soon("the connection's end", until_reset).await;
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

/// The same in the client's role, and of half a connection.
#[tokio::test]
async fn a_dropped_client_is_heard_in_spite_of_unread_input() {
    for split in [false, true] {
        let (mut socket, mut far) = dialling(|_| ()).await;
        far.send([frame(TEXT, "first"), frame(TEXT, vec![b'x'; 1_000_000])].concat()).await;
        assert_eq!(soon("a message", socket.recv()).await.expect("open"), Some("first".into()));
        if split {
            drop(socket.split());
        } else {
            drop(socket);
        }
        far.expect_frame(CLOSE, code(1000)).await;
        far.expect_rest("").await;
    }
}
