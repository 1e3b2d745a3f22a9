//! Every await given up and begun again, at every moment: nothing is lost and nothing comes twice.

use std::pin::pin;

use hijack::{Answered, Error};
use tokio::io::AsyncReadExt;

use crate::scripted::{
    ECHO, SWITCHED, answer_of, answered, declined, expect_answer, get, in_the_end, pair, pipe, polled, post,
    source,
};
use crate::support::{GET, assert_bytes, once, pattern, read_len, soon};

const CHUNKED: &str = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
    5\r\nhello\r\n7;a=b\r\n, world\r\n0\r\nX-Sum: 1\r\n\r\n";

/// Reading an answer that comes byte by byte, each await given up after so many polls.
#[tokio::test]
async fn an_answer_is_read_in_many_tries() {
    for polls in 1..4 {
        let (mut connection, mut far) = pipe(8, |_| ());
        connection.send(get()).await.expect("it begins");
        let server = async {
            far.expect(GET).await;
            for byte in format!("{CHUNKED}{}", answered("second")).bytes() {
                far.send([byte]).await;
                tokio::task::yield_now().await;
            }
        };
        let asking = async {
            let interim = in_the_end(polls, async || connection.next_answer().await).await;
            assert!(matches!(interim, Ok(Answered::Interim(head)) if head.status() == 103));
            in_the_end(polls, async || connection.send(get()).await).await.expect("open");
            let answer = in_the_end(polls, async || connection.answer().await).await.expect("legal");
            assert_eq!(answer.status(), 200);
            let mut body = Vec::new();
            while let Some(data) =
                in_the_end(polls, async || connection.body().data().await).await.expect("legal")
            {
                body.extend_from_slice(&data);
            }
            assert_bytes(body, "hello, world", polls);
            let answer = in_the_end(polls, async || connection.answer().await).await.expect("legal");
            assert_eq!(answer.length, hijack::BodyLength::Exact(6));
            let mut body = Vec::new();
            let mut byte = [0];
            while in_the_end(polls, async || connection.body().read(&mut byte).await).await.expect("legal")
                == 1
            {
                body.push(byte[0]);
            }
            assert_bytes(body, "second", polls);
            assert_eq!(connection.pending(), 0);
            connection.take_over().expect("nothing is under way");
        };
        soon("all of it", async { tokio::join!(asking, server) }).await;
    }
}

/// Skipping an unread body, given up at every byte of it.
#[tokio::test]
async fn a_body_is_skipped_in_many_tries() {
    for polls in 1..4 {
        let (mut connection, mut far) = pipe(4096, |_| ());
        connection.send(get()).await.expect("open");
        connection.send(get()).await.expect("open");
        far.expect(format!("{GET}{GET}")).await;
        let bytes = format!("{CHUNKED}{}", answered("second"));
        let skipped = bytes.find("hello").expect("the body") - 3;
        far.send(&bytes[..skipped]).await;
        answer_of(&mut connection).await;
        let server = async {
            for byte in bytes[skipped..].bytes() {
                far.send([byte]).await;
                tokio::task::yield_now().await;
            }
        };
        let asking = async {
            let answer = in_the_end(polls, async || connection.answer().await).await.expect("legal");
            assert_eq!(answer.length, hijack::BodyLength::Exact(6));
            assert_eq!(connection.read_to_end(9).await.expect("a body"), "second");
        };
        soon("all of it", async { tokio::join!(asking, server) }).await;
    }
}

/// Sending a body through a narrow pipe, while what drives it is given up again and again.
#[tokio::test]
async fn a_request_is_sent_in_many_tries() {
    let data = pattern(20_000);
    for polls in [1, 2, 5] {
        for piece in [3, 5_000, 9_000, 20_000] {
            let (mut connection, mut far) = pipe(100, |_| ());
            let (body, feed) = source();
            let mut framed = Vec::new();
            for data in data.chunks(piece) {
                framed.extend_from_slice(format!("{:x}\r\n", data.len()).as_bytes());
                framed.extend_from_slice(data);
                framed.extend_from_slice(b"\r\n");
            }
            framed.extend_from_slice(b"0\r\n\r\n");
            let server = async {
                far.expect("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n").await;
                for part in framed.chunks(37) {
                    far.expect(part).await;
                    tokio::task::yield_now().await;
                }
                far.expect(GET).await;
                far.send(format!("{}{}", answered("one"), answered("two"))).await;
            };
            let asking = async {
                connection.send(post(body)).await.expect("it begins");
                data.chunks(piece).for_each(|data| feed.data(data.to_vec()));
                drop(feed);
                in_the_end(polls, async || connection.send(get()).await).await.expect("open");
                assert_eq!(connection.pending(), 2, "the tries that were given up sent nothing");
                for expected in ["one", "two"] {
                    let answer = in_the_end(polls, async || connection.answer().await).await.expect("legal");
                    assert_eq!(answer.status(), 200);
                    assert_eq!(connection.read_to_end(9).await.expect("a body"), expected);
                }
            };
            soon("all of it", async { tokio::join!(asking, server) }).await;
        }
    }
}

/// A request that was given up after it was sent stays under way: its answer is the next one.
#[tokio::test]
async fn a_request_that_was_given_up_is_answered() {
    let (mut connection, mut far) = pair().await;
    for polls in 1..5 {
        assert!(polled(polls, connection.request(get())).await.is_none());
        assert_eq!(connection.pending(), 1);
        far.expect(GET).await;
        let error = connection.request(get()).await.expect_err("one is to come");
        assert!(matches!(error, Error::AnswersPending(1)), "{error:?}");
        far.send(answered("the first")).await;
        expect_answer(&mut connection, 200, "the first").await;
        assert!(far.is_silent().await, "it was sent once");
    }
}

/// A request that was given up before it could be sent is not sent at all.
#[tokio::test]
async fn a_request_that_had_to_wait_is_not_sent() {
    let (mut connection, mut far) = pair().await;
    connection.send(get()).await.expect("open");
    far.expect(GET).await;
    far.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbo").await;
    answer_of(&mut connection).await;
    for polls in 1..4 {
        assert!(polled(polls, connection.request(get())).await.is_none());
        assert_eq!(connection.pending(), 0, "the body before is not skipped yet");
        assert!(far.is_silent().await);
    }
    far.send("dy").await;
    assert!(polled(5, connection.request(get())).await.is_none());
    far.expect(GET).await;
    far.send(answered("second")).await;
    expect_answer(&mut connection, 200, "second").await;
}

/// An upgrade that is given up closes its connection, whenever.
#[tokio::test]
async fn an_upgrade_that_is_given_up_closes() {
    let said = [
        "",
        "HTTP/1.1 101 Switching Protocols\r\n",
        "HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nhalf",
    ];
    for said in said {
        for polls in 1..4 {
            let (connection, mut far) = pair().await;
            {
                let mut asking = pin!(connection.upgrade(get(), ["echo"]));
                assert!(once(asking.as_mut()).await.is_none());
                far.expect(ECHO).await;
                far.send(said).await;
                assert!(polled(polls, asking.as_mut()).await.is_none());
            }
            assert_bytes(far.rest_or_reset().await, "", "it was closed");
        }
    }
}

/// An upgrade that is polled as slowly as can be comes about all the same.
#[tokio::test]
async fn an_upgrade_is_polled_for_every_byte() {
    for answer in
        [SWITCHED, "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n"]
    {
        let (connection, mut far) = pipe(4096, |_| ());
        let mut asking = pin!(connection.upgrade(get(), ["echo"]));
        assert!(once(asking.as_mut()).await.is_none());
        far.expect(ECHO).await;
        let mut taken = None;
        for byte in answer.bytes() {
            assert!(taken.is_none(), "before the last byte");
            far.send([byte]).await;
            taken = once(asking.as_mut()).await;
        }
        match taken.expect("all of the answer is there") {
            Ok(mut conn) => {
                far.send("raw").await;
                assert_bytes(read_len(&mut conn, 3).await, "raw", "behind the 101");
            }
            Err(untaken) => {
                let (decline, connection) = declined::<(), _>(Err(untaken));
                assert_bytes(&decline.body, "no", "the reason");
                assert!(connection.is_some());
            }
        }
    }
}

/// Reading a body whole is not safe to give up, as it says: what was read is gone, and what was not is there.
#[tokio::test]
async fn reading_whole_loses_only_what_was_read() {
    let (mut connection, mut far) = pair().await;
    connection.send(get()).await.expect("open");
    far.expect(GET).await;
    far.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234").await;
    answer_of(&mut connection).await;
    assert!(polled(5, connection.read_to_end(100)).await.is_none());
    far.send("56789").await;
    assert_eq!(soon("the rest", connection.read_to_end(100)).await.expect("a body"), "56789");
    assert!(connection.is_open());
}

/// Closing sends what is queued.
#[tokio::test]
async fn closing_sends_what_was_asked() {
    let (mut connection, mut far) = pipe(10, |_| ());
    connection.send(get()).await.expect("it begins");
    let server = async { far.expect_rest(GET).await };
    let (closed, ()) = tokio::join!(connection.close(), server);
    closed.expect("in order");
}
