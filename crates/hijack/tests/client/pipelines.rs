//! Requests ahead of their answers (RFC 9112 §9.3.2).

use hijack::{EncodeError, Error, HeadError};
use http::Request;

use crate::scripted::{Stage, answer_of, answered, exchange, expect_answer, get, pair, pipe, post, source};
use crate::support::{GET, assert_bytes, once, soon};

fn path(path: &str) -> Request<hijack::Body> {
    Request::get(format!("http://a/{path}")).body(hijack::Body::empty()).expect("a request")
}

/// Behaviour 36: requests go out in order before any answer, answers come in that order, and both are counted.
#[tokio::test]
async fn answers_come_in_the_order_of_requests() {
    let (mut connection, mut far) = pair().await;
    assert_eq!(connection.pending(), 0);
    let mut ids = Vec::new();
    for (index, name) in ["a", "b", "c"].into_iter().enumerate() {
        ids.push(connection.send(path(name)).await.expect("open"));
        assert_eq!(connection.pending(), index + 1);
        far.expect(format!("GET /{name} HTTP/1.1\r\nHost: a\r\n\r\n")).await;
    }
    assert!(ids.is_sorted() && ids[0] != ids[1]);
    far.send(format!("{}{}{}", answered("for a"), answered("for b"), answered("for c"))).await;
    for (left, (name, id)) in ["for a", "for b", "for c"].into_iter().zip(ids).enumerate() {
        let answer = expect_answer(&mut connection, 200, name).await;
        assert_eq!((answer.id, connection.pending()), (id, 2 - left));
        assert!(!answer.closes && !answer.early);
    }
    exchange(&mut connection, &mut far, "and on").await;
}

/// Behaviour 36: requests with bodies, and of methods whose answers have none, keep their places.
#[tokio::test]
async fn each_answer_is_read_as_its_requests_method_tells() {
    let (mut connection, mut far) = pair().await;
    let head = Request::head("http://a/").body(hijack::Body::empty()).expect("a request");
    connection.send(head).await.expect("open");
    connection.send(post(hijack::Body::from("body"))).await.expect("open");
    connection.send(get()).await.expect("open");
    far.expect(format!(
        "HEAD / HTTP/1.1\r\nHost: a\r\n\r\nPOST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody{GET}"
    ))
    .await;
    far.send(format!(
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
        answered("to post")
    ))
    .await;
    expect_answer(&mut connection, 200, "").await;
    expect_answer(&mut connection, 200, "to post").await;
    expect_answer(&mut connection, 304, "").await;
}

/// Behaviour 36: bodies that were not read, or half, are skipped before the next answer.
#[tokio::test]
async fn unread_bodies_are_skipped() {
    let (mut connection, mut far) = pair().await;
    for _ in 0..4 {
        connection.send(get()).await.expect("open");
    }
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n";
    let long = "x".repeat(100_000);
    let sending = far.send(format!("{}{chunked}{chunked}{}", answered(&long), answered("last")));
    let reading = async {
        answer_of(&mut connection).await;
        answer_of(&mut connection).await;
        answer_of(&mut connection).await;
        assert_eq!(connection.body().data().await.expect("a body").as_deref(), Some(&b"abc"[..]));
        expect_answer(&mut connection, 200, "last").await;
    };
    tokio::join!(sending, reading);
}

/// `ClientConfig::drain_len`: no more of an unread body than that is read for the next answer.
#[tokio::test]
async fn no_more_than_the_limit_is_skipped() {
    let stage = Stage::new(|config| config.drain_len = 1_000).await;
    let (mut connection, mut far) = stage.connect().await;
    for len in [1_000, 1_001] {
        connection.send(get()).await.expect("open");
        connection.send(get()).await.expect("open");
        far.expect(format!("{GET}{GET}")).await;
        far.send(format!("{}{}", answered(&"x".repeat(len)), answered("ok"))).await;
        answer_of(&mut connection).await;
        if len == 1_000 {
            expect_answer(&mut connection, 200, "ok").await;
        }
    }
    let error = soon("an answer", connection.answer()).await.expect_err("too much to skip");
    assert!(matches!(error, Error::BodyTooLong { limit: 1_000 }), "{error:?}");
    assert!(!connection.is_open());
    assert!(matches!(connection.send(get()).await, Err(Error::Closing)));
}

/// A request behind an unread body that is too long to be skipped is not sent at all.
#[tokio::test]
async fn a_request_is_not_sent_behind_what_cannot_be_skipped() {
    let stage = Stage::new(|config| config.drain_len = 1_000).await;
    let (mut connection, mut far) = stage.connect().await;
    connection.send(get()).await.expect("open");
    far.expect(GET).await;
    far.send(answered(&"x".repeat(5_000))).await;
    answer_of(&mut connection).await;
    let error = soon("the request", connection.request(get())).await.expect_err("too much to skip");
    assert!(matches!(error, Error::BodyTooLong { limit: 1_000 }), "{error:?}");
    assert!(far.is_silent().await, "nothing was sent");
    assert_eq!(connection.pending(), 0);
}

/// Behaviour 36: `Limits::pipelined` bounds what is under way; a further request is refused and nothing is lost.
#[tokio::test]
async fn requests_under_way_are_bounded() {
    let stage = Stage::new(|config| config.limits.pipelined = 2).await;
    let (mut connection, mut far) = stage.connect().await;
    for _ in 0..2 {
        connection.send(get()).await.expect("open");
    }
    for _ in 0..2 {
        let error = connection.send(get()).await.expect_err("too many");
        assert!(matches!(error, Error::Encode(EncodeError::TooManyPending { limit: 2 })), "{error:?}");
        assert_eq!(error.to_string(), "more than 2 requests under way");
    }
    assert!(connection.is_open());
    assert_eq!(connection.pending(), 2);
    far.expect(format!("{GET}{GET}")).await;
    assert!(far.is_silent().await, "the others were not sent");
    far.send(answered("one")).await;
    expect_answer(&mut connection, 200, "one").await;
    connection.send(path("third")).await.expect("there is room");
    far.expect("GET /third HTTP/1.1\r\nHost: a\r\n\r\n").await;
    far.send(format!("{}{}", answered("two"), answered("three"))).await;
    expect_answer(&mut connection, 200, "two").await;
    expect_answer(&mut connection, 200, "three").await;
}

/// Behaviour 36: "this server will close" comes together with a valid answer, not instead of it.
#[tokio::test]
async fn an_answer_that_closes_is_still_an_answer() {
    let answers = [
        ("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", true),
        (
            "HTTP/1.1 200 OK\r\nConnection: x, CLOSE\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            true,
        ),
        ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", true),
        ("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", false),
        ("HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", false),
    ];
    for (bytes, closes) in answers {
        let (mut connection, mut far) = pair().await;
        connection.send(get()).await.expect("open");
        far.expect(GET).await;
        far.send(bytes).await;
        let answer = expect_answer(&mut connection, 200, "ok").await;
        assert_eq!((answer.closes, connection.is_open()), (closes, !closes), "{bytes:?}");
        let further = connection.send(get()).await;
        assert_eq!(matches!(further, Err(Error::Closing)), closes, "{bytes:?}: {further:?}");
        let expected = if closes { "" } else { GET };
        far.expect(expected).await;
        assert!(far.is_silent().await, "{bytes:?}");
    }
}

/// Behaviour 36: requests behind an answer that closes are unanswered, and counted.
#[tokio::test]
async fn requests_behind_the_last_answer_are_unanswered() {
    let (mut connection, mut far) = pair().await;
    for _ in 0..3 {
        connection.send(get()).await.expect("open");
    }
    far.expect(format!("{GET}{GET}{GET}")).await;
    far.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok").await;
    far.end().await;
    let answer = expect_answer(&mut connection, 200, "ok").await;
    assert!(answer.closes);
    assert_eq!(connection.pending(), 2);
    for _ in 0..2 {
        let error = soon("the end", connection.answer()).await.expect_err("it ended");
        assert!(matches!(error, Error::Unanswered(2)), "{error:?}");
    }
    assert!(matches!(connection.send(get()).await, Err(Error::Closing)));
}

/// Behaviour 36: the same behind an answer whose body ends with the connection.
#[tokio::test]
async fn requests_behind_a_body_up_to_the_end_are_unanswered() {
    for read in [true, false] {
        let (mut connection, mut far) = pair().await;
        connection.send(get()).await.expect("open");
        connection.send(get()).await.expect("open");
        far.expect(format!("{GET}{GET}")).await;
        far.send("HTTP/1.1 200 OK\r\n\r\nto the end").await;
        far.end().await;
        if read {
            expect_answer(&mut connection, 200, "to the end").await;
        } else {
            answer_of(&mut connection).await;
        }
        for _ in 0..2 {
            let error = soon("the end", connection.answer()).await.expect_err("it ended");
            assert!(matches!(error, Error::Unanswered(1)), "{error:?}");
        }
    }
}

/// Behaviour 36: an answer to another request than the next is refused before anything is read.
#[tokio::test]
async fn an_answer_out_of_turn_is_refused() {
    let (mut connection, mut far) = pair().await;
    let (mut other, mut other_far) = pair().await;
    let foreign = other.send(get()).await.expect("open");
    let first = connection.send(path("1")).await.expect("open");
    let second = connection.send(path("2")).await.expect("open");
    far.head().await;
    far.head().await;
    far.send(format!("{}{}", answered("one"), answered("two"))).await;
    for wrong in [second, foreign] {
        let error = connection.answer_to(wrong).await.expect_err("not its turn");
        assert!(matches!(error, Error::UnknownRequest), "{error:?}");
    }
    assert_eq!(connection.pending(), 2);
    let answer = soon("an answer", connection.answer_to(first)).await.expect("its turn");
    assert_eq!(answer.id, first);
    // Nothing of the body under way is lost by asking for the wrong one.
    for wrong in [first, foreign] {
        let error = connection.answer_to(wrong).await.expect_err("answered already");
        assert!(matches!(error, Error::UnknownRequest), "{error:?}");
    }
    assert_eq!(connection.read_to_end(9).await.expect("a body"), "one");
    let answer = soon("an answer", connection.answer_to(second)).await.expect("its turn");
    assert_eq!(answer.id, second);
    assert_eq!(connection.read_to_end(9).await.expect("a body"), "two");
    let error = connection.answer_to(second).await.expect_err("answered already");
    assert!(matches!(error, Error::UnknownRequest), "{error:?}");
    other_far.send(answered("other")).await;
    soon("an answer", other.answer_to(foreign)).await.expect("its own connection knows it");
}

/// Without a request under way there is nothing to wait for.
#[tokio::test]
async fn nothing_is_awaited_where_nothing_was_asked() {
    let (mut connection, mut far) = pair().await;
    for body in ["", "ok"] {
        let error = connection.answer().await.expect_err("nothing was asked");
        assert!(matches!(error, Error::NothingAsked), "{error:?}");
        assert!(connection.is_open(), "no harm was done");
        exchange(&mut connection, &mut far, body).await;
    }
    let (mut connection, mut far) = pair().await;
    connection.send(get()).await.expect("open");
    far.send("HTTP/1.1 200 OK\r\n\r\nto the end").await;
    far.end().await;
    expect_answer(&mut connection, 200, "to the end").await;
    let error = connection.answer().await.expect_err("nothing was asked");
    assert!(matches!(error, Error::NothingAsked), "{error:?}");
}

/// `request` is for one exchange at a time.
#[tokio::test]
async fn a_request_waits_for_no_earlier_answers() {
    let (mut connection, mut far) = pair().await;
    connection.send(get()).await.expect("open");
    connection.send(get()).await.expect("open");
    let error = connection.request(get()).await.expect_err("two are to come");
    assert!(matches!(error, Error::AnswersPending(2)), "{error:?}");
    assert_eq!(error.to_string(), "2 answers are still to come");
    far.expect(format!("{GET}{GET}")).await;
    assert!(far.is_silent().await, "it was not sent");
    far.send(format!("{}{}", answered("one"), answered("two"))).await;
    expect_answer(&mut connection, 200, "one").await;
    expect_answer(&mut connection, 200, "two").await;
    assert!(once(connection.request(get())).await.is_none());
    far.expect(GET).await;
}

/// A request behind one that is half sent: the first is sent to its end before, in whole pieces.
#[tokio::test]
async fn a_request_waits_for_the_one_before_to_be_sent() {
    let (mut connection, mut far) = pair().await;
    let (body, feed) = source();
    connection.send(post(body)).await.expect("open");
    feed.data("half");
    assert!(once(connection.send(get())).await.is_none(), "the first one is not at its end");
    far.expect("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n").await;
    assert!(far.is_silent().await);
    feed.data("rest");
    drop(feed);
    soon("sending", connection.send(get())).await.expect("open");
    far.expect(format!("4\r\nrest\r\n0\r\n\r\n{GET}")).await;
    assert_eq!(connection.pending(), 2, "the one that was given up was not sent");
    far.send(format!("{}{}", answered("one"), answered("two"))).await;
    expect_answer(&mut connection, 200, "one").await;
    expect_answer(&mut connection, 200, "two").await;
}

/// RFC 9112 §9.2: bytes that nobody asked for are no answer to a later request.
#[tokio::test]
async fn a_second_answer_is_nobodys() {
    let (mut connection, mut far) = pair().await;
    connection.send(get()).await.expect("open");
    far.expect(GET).await;
    far.send(format!("{}{}", answered("mine"), answered("poison"))).await;
    expect_answer(&mut connection, 200, "mine").await;
    assert!(!connection.is_open(), "no request may be sent into that");
    let error = connection.send(get()).await.expect_err("it would be answered wrongly");
    assert!(matches!(error, Error::Closing), "{error:?}");
    let error = connection.answer().await.expect_err("an answer to no request");
    assert!(matches!(error, Error::Head(HeadError::Unasked)), "{error:?}");
    let untaken = connection.upgrade(get(), ["echo"]).await.expect_err("nor an upgrade");
    assert!(matches!(untaken.error, Error::Closing), "{untaken:?}");
    assert_bytes(far.rest_or_reset().await, "", "nothing more was said");
}

/// A second answer behind a body that is skipped is nobody's either.
#[tokio::test]
async fn a_second_answer_behind_an_unread_body_is_nobodys() {
    for body in ["mine", ""] {
        let (mut connection, mut far) = pair().await;
        connection.send(get()).await.expect("open");
        far.expect(GET).await;
        far.send(format!("{}{}", answered(body), answered("poison"))).await;
        answer_of(&mut connection).await;
        let error = soon("the request", connection.request(get())).await.expect_err("poisoned");
        assert!(matches!(error, Error::Closing), "{error:?}");
        assert!(far.is_silent().await, "it was not sent");
    }
}

/// A server that reads nothing keeps a pipelining client waiting no longer than its limit.
#[tokio::test(start_paused = true)]
async fn a_pipeline_that_is_not_read_times_out() {
    let (mut connection, _far) = pipe(10, |_| ());
    let (body, feed) = source();
    connection.send(post(body)).await.expect("it begins");
    feed.data(vec![0; 100_000]);
    let sending = tokio::time::timeout(std::time::Duration::from_secs(120), connection.send(get()));
    let error = sending.await.expect("a limit").expect_err("nobody reads");
    assert_eq!(error.timeout(), Some(hijack::Timeout::Write), "{error:?}");
}
