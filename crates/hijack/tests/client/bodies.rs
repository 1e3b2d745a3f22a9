//! Bodies of answers: where they end, and how a cut one is told from a whole one.

use hijack::{BodyError, BodyLength, ClientConnection, Error, FramingError, HeadError};
use http::{Method, Request, StatusCode};
use tokio::io::AsyncReadExt;

use crate::scripted::{Far, Stage, answer_of, answered, expect_answer, get, pair, pipe};
use crate::support::{GET, assert_bytes, once, pattern, soon};

/// A connection whose server has answered a request of `method` with `bytes`.
async fn asked(method: Method, bytes: impl AsRef<[u8]>) -> (ClientConnection, Far) {
    let (mut connection, mut far) = pair().await;
    let request = Request::builder().method(method).uri("http://a/").body(hijack::Body::empty());
    connection.send(request.expect("a request")).await.expect("open");
    far.head().await;
    far.send(bytes).await;
    (connection, far)
}

/// RFC 9112 §6.3: the length of each kind of answer; what follows it is the next answer's.
#[tokio::test]
async fn a_body_ends_where_its_head_says() {
    let get = Method::GET;
    let table = [
        (&get, "200 OK\r\nContent-Length: 5\r\n\r\nhello", BodyLength::Exact(5), "hello"),
        (&get, "200 OK\r\nContent-Length: 0\r\n\r\n", BodyLength::Exact(0), ""),
        (&get, "200 OK\r\ncontent-length:\t005 \r\n\r\nhello", BodyLength::Exact(5), "hello"),
        (&get, "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", BodyLength::Chunked, ""),
        (
            &get,
            "200 OK\r\ntransfer-encoding: CHUNKED\r\n\r\n2;a=\"b\"\r\nhe\r\n03\r\nllo\r\n0;x\r\nA: b\r\n\r\n",
            BodyLength::Chunked,
            "hello",
        ),
        (&get, "204 No Content\r\n\r\n", BodyLength::Exact(0), ""),
        (&get, "204 No Content\r\nContent-Length: 5\r\n\r\n", BodyLength::Exact(0), ""),
        (&get, "304 Not Modified\r\nContent-Length: 5\r\n\r\n", BodyLength::Exact(0), ""),
        (&get, "304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", BodyLength::Exact(0), ""),
        (&get, "205 Reset Content\r\nContent-Length: 0\r\n\r\n", BodyLength::Exact(0), ""),
        (&Method::HEAD, "200 OK\r\nContent-Length: 5\r\n\r\n", BodyLength::Exact(0), ""),
        (&Method::HEAD, "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", BodyLength::Exact(0), ""),
        (&Method::HEAD, "200 OK\r\n\r\n", BodyLength::Exact(0), ""),
        (&Method::HEAD, "404 Not Found\r\nContent-Length: 100\r\n\r\n", BodyLength::Exact(0), ""),
        (&Method::CONNECT, "403 No\r\nContent-Length: 2\r\n\r\nno", BodyLength::Exact(2), "no"),
    ];
    for (method, answer, length, body) in table {
        let bytes = format!("HTTP/1.1 {answer}{}", answered("next"));
        let (mut connection, mut far) = pair().await;
        let uri = if *method == Method::CONNECT { "a:1" } else { "http://a/" };
        let request = Request::builder().method(method).uri(uri).body(hijack::Body::empty());
        connection.send(request.expect("a request")).await.expect("open");
        connection.send(crate::scripted::get()).await.expect("open");
        far.head().await;
        far.head().await;
        far.send(&bytes).await;
        let head = answer_of(&mut connection).await;
        assert_eq!(head.length, length, "{answer:?}");
        assert_eq!(connection.read_to_end(100).await.expect("a body"), body, "{answer:?}");
        expect_answer(&mut connection, 200, "next").await;
    }
}

/// RFC 9112 §6.3 rule 8: without a length the body ends with the connection, in HTTP/1.0 too.
#[tokio::test]
async fn a_body_may_end_with_the_connection() {
    let data = String::from_utf8(vec![b'x'; 300_000]).expect("text");
    for head in ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\n", "HTTP/1.0 200 OK\nServer: old\n\n"] {
        for body in ["", "some", &data] {
            let (mut connection, mut far) = asked(Method::GET, head).await;
            let sending = async {
                far.send(body).await;
                far.end().await;
            };
            let reading = async {
                let answer = expect_answer(&mut connection, 200, body).await;
                assert_eq!(answer.length, BodyLength::UntilClose);
                assert!(answer.closes);
            };
            tokio::join!(sending, reading);
            assert!(matches!(connection.send(get()).await, Err(Error::Closing)));
        }
    }
}

/// RFC 9112 §7.1.2: trailers come behind the last chunk, but for those that frame.
#[tokio::test]
async fn trailers_come_behind_the_body() {
    let (mut connection, _far) = asked(
        Method::GET,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\nContent-Length: 9\r\nx-sum: 2\r\n\r\n",
    )
    .await;
    answer_of(&mut connection).await;
    let mut body = connection.body();
    assert_eq!(body.data().await.expect("a body").as_deref(), Some(&b"hello"[..]));
    assert!(body.trailers().is_none(), "not there yet");
    assert!(body.data().await.expect("a body").is_none());
    let trailers = body.trailers().expect("they came");
    assert_eq!(trailers.get_all("x-sum").iter().collect::<Vec<_>>(), ["1", "2"]);
    assert!(!trailers.contains_key("content-length"));
    assert!(body.data().await.expect("a body").is_none(), "the end is said again");
    assert!(connection.is_open());
}

/// A connection that ends within a body is told from one that ends behind it.
#[tokio::test]
async fn a_cut_body_is_told_from_a_whole_one() {
    let table = [
        ("Content-Length: 5\r\n\r\nhell", "hell"),
        ("Content-Length: 5\r\n\r\n", ""),
        ("Transfer-Encoding: chunked\r\n\r\n", ""),
        ("Transfer-Encoding: chunked\r\n\r\n5\r\nhell", "hell"),
        ("Transfer-Encoding: chunked\r\n\r\n5\r\nhello", "hello"),
        ("Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "hello"),
        ("Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", "hello"),
        ("Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\n", "hello"),
    ];
    for (answer, came) in table {
        let (mut connection, mut far) = asked(Method::GET, format!("HTTP/1.1 200 OK\r\n{answer}")).await;
        far.end().await;
        answer_of(&mut connection).await;
        let mut got = Vec::new();
        let error = loop {
            match soon("the body", connection.body().data()).await {
                Ok(Some(data)) => got.extend_from_slice(&data),
                Ok(None) => panic!("{answer:?} was taken for a whole body"),
                Err(error) => break error,
            }
        };
        assert!(matches!(error, Error::Body(BodyError::Truncated)), "{answer:?}: {error:?}");
        assert_bytes(&got, came, "what came of it");
        let error = connection.read_to_end(100).await.expect_err("it stays so");
        assert!(matches!(error, Error::Body(BodyError::Truncated)), "{answer:?}: {error:?}");
        let error = connection.answer().await.expect_err("there is nothing behind it");
        assert!(matches!(error, Error::Body(BodyError::Truncated)), "{answer:?}: {error:?}");
    }
}

/// The same by `AsyncRead`, whose errors have kinds.
#[tokio::test]
async fn reads_as_async_read() {
    let data = pattern(200_000);
    let (mut connection, mut far) =
        asked(Method::GET, "HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n").await;
    let mut got = Vec::new();
    let reading = async {
        answer_of(&mut connection).await;
        connection.body().read_to_end(&mut got).await
    };
    let (read, ()) = tokio::join!(reading, far.send(&data));
    assert_eq!(read.expect("a whole body"), 200_000);
    assert_bytes(&got, &data, "the body");
    for (answer, kind) in [
        ("Content-Length: 5\r\n\r\nhell", std::io::ErrorKind::UnexpectedEof),
        ("Transfer-Encoding: chunked\r\n\r\nzz\r\n", std::io::ErrorKind::InvalidData),
    ] {
        let (mut connection, mut far) = asked(Method::GET, format!("HTTP/1.1 200 OK\r\n{answer}")).await;
        far.end().await;
        answer_of(&mut connection).await;
        let error = connection.body().read_to_end(&mut Vec::new()).await.expect_err("no whole body");
        assert_eq!(error.kind(), kind, "{answer:?}");
    }
}

/// Malformed framing is an error of the body, said again, and the connection is of no more use.
#[tokio::test]
async fn malformed_chunks_are_refused() {
    for chunks in
        ["5\nhello\r\n", "5\r\nhelloX", "-1\r\n", "0x1\r\na\r\n", "0\r\nA b\r\n\r\n", "8000000000000000\r\n"]
    {
        let bytes =
            format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}{}", answered("no"));
        let (mut connection, _far) = asked(Method::GET, bytes).await;
        answer_of(&mut connection).await;
        for _ in 0..2 {
            let error = soon("the body", connection.read_to_end(100)).await.expect_err("malformed");
            let malformed = matches!(
                error,
                Error::Body(BodyError::ChunkLine | BodyError::ChunkEnd | BodyError::Trailers)
            );
            assert!(malformed, "{chunks:?}: {error:?}");
        }
        assert!(connection.answer().await.is_err(), "{chunks:?}");
        assert!(connection.request(get()).await.is_err(), "{chunks:?}");
    }
}

/// RFC 9112 §6.1 and §6.3: heads whose bodies could be read in two ways are refused.
#[tokio::test]
async fn ambiguous_lengths_are_refused() {
    let table = [
        ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", FramingError::LengthAndEncoding),
        ("Content-Length: 5\r\nContent-Length: 6\r\n", FramingError::RepeatedLength),
        ("Content-Length: +5\r\n", FramingError::InvalidLength),
        ("Content-Length: 5, 5\r\n", FramingError::InvalidLength),
        ("Content-Length: \r\n", FramingError::InvalidLength),
        ("Content-Length: 9223372036854775808\r\n", FramingError::InvalidLength),
        ("Transfer-Encoding: chunked, chunked\r\n", FramingError::InvalidEncoding),
        ("Transfer-Encoding: gzip\r\n", FramingError::InvalidEncoding),
        ("Transfer-Encoding: gzip, chunked\r\n", FramingError::UnsupportedEncoding),
    ];
    for (lines, framing) in table {
        let (mut connection, _far) = asked(Method::GET, format!("HTTP/1.1 200 OK\r\n{lines}\r\nhello")).await;
        for _ in 0..2 {
            let error = soon("an answer", connection.answer()).await.expect_err("ambiguous");
            assert!(
                matches!(error, Error::Head(HeadError::Framing(got)) if got == framing),
                "{lines:?}: {error:?}"
            );
        }
        assert!(!connection.is_open(), "{lines:?}");
    }
}

/// A server that ends before, within and behind a head, in order and by a reset.
#[tokio::test]
async fn an_end_before_the_answer_is_told_from_one_within() {
    let (mut connection, mut far) = asked(Method::GET, "").await;
    far.end().await;
    let error = soon("the end", connection.answer()).await.expect_err("no answer");
    assert!(matches!(error, Error::Unanswered(1)), "{error:?}");
    assert_eq!(error.to_string(), "the server ended the connection with 1 requests unanswered");
    for part in ["H", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", "HTTP/1.1 100 Continue\r\n\r\n"] {
        let (mut connection, mut far) = asked(Method::GET, part).await;
        far.end().await;
        let error = soon("the end", connection.answer()).await.expect_err("no whole answer");
        assert!(matches!(error, Error::Head(HeadError::Truncated)), "{part:?}: {error:?}");
    }
    for part in ["", "HTTP/1.1 2"] {
        let (mut connection, far) = asked(Method::GET, part).await;
        far.reset();
        let error = soon("the end", connection.answer()).await.expect_err("no whole answer");
        let Error::Io(error) = error else { panic!("{part:?}: expected a reset, got {error:?}") };
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{part:?}");
    }
    let (mut connection, far) = asked(Method::GET, "HTTP/1.1 200 OK\r\n\r\nhalf").await;
    answer_of(&mut connection).await;
    assert_eq!(connection.body().data().await.expect("a body").as_deref(), Some(&b"half"[..]));
    far.reset();
    let error = soon("the end", connection.read_to_end(100)).await.expect_err("a reset is no end of a body");
    assert!(matches!(error, Error::Io(_)), "{error:?}");
}

/// A head may be cut anywhere, and its body too.
#[tokio::test]
async fn an_answer_may_be_cut_anywhere() {
    let bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n5;a\r\nhello\r\n1\r\n!\r\n0\r\nA: b\r\n\r\n";
    for cut in 1..bytes.len() {
        tokio::task::yield_now().await; // a task that never waits is made to
        let (mut connection, mut far) = pipe(4096, |_| ());
        connection.send(get()).await.expect("open");
        far.expect(GET).await;
        far.send(&bytes[..cut]).await;
        let early = once(connection.answer()).await;
        let body_so_far = match &early {
            Some(answer) => {
                assert_eq!(answer.as_ref().expect("a head").status(), StatusCode::OK);
                let mut got = Vec::new();
                while let Some(data) = once(connection.body().data()).await {
                    match data.expect("a body") {
                        Some(data) => got.extend_from_slice(&data),
                        None => panic!("ended at {cut}"),
                    }
                }
                got
            }
            None => Vec::new(),
        };
        far.send(&bytes[cut..]).await;
        if early.is_none() {
            answer_of(&mut connection).await;
        }
        let rest = connection.read_to_end(100).await.expect("a body");
        assert_bytes([&body_so_far[..], &rest].concat(), "hello!", cut);
        assert!(connection.is_open());
    }
}

/// `read_to_end` reads no more than its caller allows.
#[tokio::test]
async fn a_body_is_read_up_to_a_limit() {
    for (limit, fits) in [(5, true), (4, false), (0, false)] {
        for lines in [
            "Content-Length: 5\r\n\r\nhello",
            "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
        ] {
            let (mut connection, _far) = asked(Method::GET, format!("HTTP/1.1 200 OK\r\n{lines}")).await;
            answer_of(&mut connection).await;
            match connection.read_to_end(limit).await {
                Ok(body) => assert!(fits && body == "hello", "{limit}"),
                Err(Error::BodyTooLong { limit: said }) => assert!(!fits && said == limit, "{limit}"),
                Err(error) => panic!("{limit}: {error:?}"),
            }
        }
    }
}

/// The limits on heads and framing hold for answers, and their errors name their values.
#[tokio::test]
async fn heads_and_framing_are_bounded() {
    let stage = Stage::new(|config| {
        config.limits.head_len = 200;
        config.limits.headers = 3;
        config.limits.chunk_line_len = 20;
        config.limits.trailers_len = 30;
    })
    .await;
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let table = [
        (format!("HTTP/1.1 200 OK\r\nX: {}", "y".repeat(300)), "head exceeds limit 200 bytes"),
        (
            "HTTP/1.1 200 OK\r\nA: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n\r\n".to_owned(),
            "head exceeds limit 3 header lines",
        ),
        (format!("{chunked}1;{}", "x".repeat(30)), "chunk line exceeds limit 20 bytes"),
        (format!("{chunked}0\r\nA: {}", "x".repeat(40)), "trailer section exceeds limit 30 bytes"),
    ];
    for (answer, text) in table {
        let (mut connection, mut far) = stage.connect().await;
        connection.send(get()).await.expect("open");
        far.expect(GET).await;
        far.send(&answer).await;
        let error = match soon("an answer", connection.answer()).await {
            Err(error) => error,
            Ok(_) => connection.read_to_end(100).await.expect_err(&answer),
        };
        assert_eq!(error.to_string(), text);
    }
}

/// The reason, odd bytes in it, and headers with bytes that are no text are given as they came.
#[tokio::test]
async fn heads_are_given_as_they_came() {
    let (mut connection, _far) =
        asked(Method::GET, b"HTTP/1.1 299 Sch\xf6n\r\nX: \xff\r\nx: b\r\nContent-Length: 0\r\n\r\n").await;
    let answer = answer_of(&mut connection).await;
    assert_eq!(answer.status(), 299);
    assert_eq!(
        answer.headers().get_all("x").iter().map(http::HeaderValue::as_bytes).collect::<Vec<_>>(),
        [&b"\xff"[..], b"b"]
    );
    assert!(answer.head.raw().starts_with(b"HTTP/1.1 299 Sch\xf6n\r\n"));
}
