//! Answers that decline a takeover: how much of the reason is read, and for how long.

use std::pin::pin;
use std::time::Duration;

use hijack::ClientConfig;

use crate::scripted::{ECHO, Stage, answered, declined, expect_answer, get, pipe};
use crate::support::{GET, assert_bytes, once, soon};

/// `ClientConfig::declined_len`: more than that of the body is not kept, and then the connection is of no use.
#[tokio::test]
async fn no_more_of_the_reason_than_the_limit_is_kept() {
    let stage = Stage::new(|config| config.declined_len = 10).await;
    let chunked = "Transfer-Encoding: chunked\r\n\r\n6\r\n012345\r\n5\r\n6789x\r\n0\r\n\r\n";
    let table = [
        ("Content-Length: 10\r\n\r\n0123456789", true),
        ("Content-Length: 11\r\n\r\n0123456789x", false),
        (chunked, false),
        ("Transfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n", true),
        ("\r\n0123456789 and so on", false),
    ];
    for (lines, fits) in table {
        let (connection, mut far) = stage.connect().await;
        let server = async {
            far.expect(ECHO).await;
            far.send(format!("HTTP/1.1 404 Not Found\r\n{lines}")).await;
            far
        };
        let (asked, mut far) = tokio::join!(connection.upgrade(get(), ["echo"]), server);
        let (decline, connection) = declined(asked);
        assert_bytes(&decline.body, "0123456789", lines);
        assert_eq!((decline.complete, connection.is_some()), (fits, fits), "{lines:?}");
        drop(connection);
        assert_bytes(far.rest_or_reset().await, "", "the client closed");
    }
}

/// `ClientConfig::declined_timeout`: a body that does not end is waited for that long, and what came of it is given.
#[tokio::test(start_paused = true)]
async fn a_reason_without_end_is_waited_for_so_long() {
    let limit = Duration::from_secs(3);
    for lines in [
        "Content-Length: 100\r\n\r\nbecause",
        "Transfer-Encoding: chunked\r\n\r\n7\r\nbecause\r\n",
        "Transfer-Encoding: chunked\r\n\r\n70\r\nbecause",
        "\r\nbecause",
        "X: y\r\n\r\nbecause",
    ] {
        let (connection, mut far) = pipe(4096, |config: &mut ClientConfig| config.declined_timeout = limit);
        let mut asking = pin!(connection.upgrade(get(), ["echo"]));
        assert!(once(asking.as_mut()).await.is_none());
        far.expect(ECHO).await;
        far.send(format!("HTTP/1.1 500 Oh\r\n{lines}")).await;
        let started = tokio::time::Instant::now();
        let (decline, connection) = declined(soon("the end of patience", asking).await);
        assert_eq!(started.elapsed(), limit, "{lines:?}");
        assert_bytes(&decline.body, "because", lines);
        assert!(!decline.complete && connection.is_none(), "{lines:?}");
    }
}

/// A server that drips its reason does not stretch the time.
#[tokio::test(start_paused = true)]
async fn a_reason_that_drips_does_not_last_longer() {
    let limit = Duration::from_secs(3);
    let (connection, mut far) = pipe(4096, |config: &mut ClientConfig| config.declined_timeout = limit);
    let dripping = async {
        far.expect(ECHO).await;
        far.send("HTTP/1.1 500 Oh\r\n\r\n").await;
        let started = tokio::time::Instant::now();
        loop {
            tokio::time::sleep(Duration::from_millis(500)).await;
            if tokio::io::AsyncWriteExt::write_all(&mut far.0, b"x").await.is_err() {
                return started.elapsed();
            }
        }
    };
    let asking = async {
        let (decline, connection) = declined(connection.upgrade(get(), ["echo"]).await);
        drop(connection);
        decline
    };
    let (decline, elapsed) = tokio::join!(asking, dripping);
    assert!(elapsed <= limit + Duration::from_millis(500), "{elapsed:?}");
    assert!(decline.body.len() >= 5 && !decline.complete, "{decline:?}");
}

/// A body that ends with the connection is whole when it does, and leaves none.
#[tokio::test]
async fn a_reason_up_to_the_end_is_whole() {
    let stage = Stage::new(|_| ()).await;
    for (answer, complete) in [
        ("HTTP/1.0 503 Busy\r\n\r\nlater", true),
        ("HTTP/1.1 503 Busy\r\nContent-Length: 9\r\n\r\nlater", false),
    ] {
        let (connection, mut far) = stage.connect().await;
        let server = async {
            far.expect(ECHO).await;
            far.send(answer).await;
            far.end().await;
        };
        let (decline, connection) = declined(tokio::join!(connection.upgrade(get(), ["echo"]), server).0);
        assert_bytes(&decline.body, "later", answer);
        assert_eq!(decline.complete, complete, "{answer:?}");
        assert!(connection.is_none());
    }
}

/// What a server writes into its reason cannot write to a terminal.
#[tokio::test]
async fn the_reason_is_shown_without_control_bytes() {
    let stage = Stage::new(|_| ()).await;
    let (connection, mut far) = stage.connect().await;
    let long = format!("\x1b[31mred\r\n\x07{}", "y".repeat(5_000));
    let server = async {
        far.expect(ECHO).await;
        far.send(answered(&long).replace("200 OK", "403 \u{9b}Forbidden")).await;
    };
    let (decline, _) = declined(tokio::join!(connection.upgrade(get(), ["echo"]), server).0);
    assert_bytes(&decline.body, &long, "the bytes are all there");
    let text = decline.to_string();
    assert!(text.starts_with("the server answered 403 Forbidden:  [31mred"), "{text:?}");
    assert!(!text.contains(char::is_control), "{text:?}");
    assert!(text.len() < 1_000, "{} bytes", text.len());
}

/// The time for the reason does not count on behind it: the connection is used later.
#[tokio::test(start_paused = true)]
async fn the_time_for_the_reason_ends_with_it() {
    let (connection, mut far) = pipe(4096, |config: &mut ClientConfig| {
        config.declined_timeout = Duration::from_secs(1);
        config.body_timeout = Some(Duration::from_secs(1));
    });
    let server = async {
        far.expect(ECHO).await;
        far.send("HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nno").await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        far.send("pe").await;
    };
    let (decline, connection) = declined(tokio::join!(connection.upgrade(get(), ["echo"]), server).0);
    assert_bytes(&decline.body, "nope", "the reason");
    let mut connection = connection.expect("it is good");
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    connection.send(get()).await.expect("open");
    far.expect(GET).await;
    far.send(answered("still here")).await;
    expect_answer(&mut connection, 200, "still here").await;
}
