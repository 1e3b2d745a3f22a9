//! A taken-over connection in its owner's hands.

use hijack::{Conn, Exchange, Outcome, Parts, Transport};
use http::{Response, StatusCode};
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{
    Client, GET, Site, assert_bytes, exchange, exchange_of, once, pattern, read_all, read_len, server, soon,
};

async fn taken(request: impl AsRef<[u8]>) -> (Client, Conn<TcpStream>) {
    let (client, exchange) = exchange(request).await;
    (client, exchange.take_over().await.expect("nothing was written"))
}

/// Peeking shows and does not take; it stops at the client's end.
#[tokio::test]
async fn peeks_without_taking() {
    let (mut client, mut conn) = taken(format!("{GET}ab")).await;
    assert_bytes(conn.peek(1).await.expect("open"), "ab", "what is there");
    assert!(once(conn.peek(3)).await.is_none(), "nothing more came yet");
    client.send("cd").await;
    assert_bytes(soon("two bytes", conn.peek(4)).await.expect("open"), "abcd", "what is there");
    client.end().await;
    assert_bytes(soon("the end", conn.peek(100)).await.expect("open"), "abcd", "what there will ever be");
    assert_bytes(read_all(&mut conn).await, "abcd", "what is read");
    assert_bytes(soon("the end", conn.peek(1)).await.expect("open"), "", "behind the end");
}

/// Peeking further than any buffer goes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn peeks_far() {
    let data = pattern(300_000);
    let (mut client, mut conn) = taken(GET).await;
    let sent = data.clone();
    let sending = tokio::spawn(async move {
        client.send(sent).await;
        client
    });
    let shown = soon("all of it", conn.peek(300_000)).await.expect("open");
    assert_bytes(shown, &data, "what is there");
    assert_bytes(read_len(&mut conn, 300_000).await, &data, "what is read");
    sending.await.expect("no panic");
}

/// Bytes put back are read first, in front of those that were unread.
#[tokio::test]
async fn unshifts_in_front() {
    let (mut client, mut conn) = taken(format!("{GET}cd")).await;
    conn.unshift("b");
    conn.unshift("a");
    client.send("ef").await;
    client.end().await;
    assert_bytes(read_all(&mut conn).await, "abcdef", "all bytes");
    conn.unshift("g");
    assert_bytes(read_all(&mut conn).await, "g", "put back behind the end");
}

/// What is put leaves with the next write or flush, in order, and not before.
#[tokio::test]
async fn put_leaves_with_the_next_write() {
    let (mut client, mut conn) = taken(GET).await;
    conn.put(b"a");
    conn.put(b"b");
    tokio::task::yield_now().await;
    assert!(client.is_silent().await, "nothing was written");
    conn.write_all(b"c").await.expect("open");
    client.expect("abc").await;
    conn.put(b"d");
    conn.flush().await.expect("open");
    client.expect("d").await;
    conn.put(b"e");
    let parts = [std::io::IoSlice::new(b"f"), std::io::IoSlice::new(b"g")];
    assert_eq!(conn.write_vectored(&parts).await.expect("open"), 2);
    client.expect("efg").await;
    conn.put(b"h");
    conn.close_write().await.expect("open");
    client.expect_rest("h").await;
}

/// A large queue, a slow reader and small writes mixed: every byte arrives once and in order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mixed_writes_arrive_in_order() {
    let (mut client, mut conn) = taken(GET).await;
    let data = pattern(3_000_000);
    let sent = data.clone();
    let writing = tokio::spawn(async move {
        for (index, piece) in sent.chunks(10_007).enumerate() {
            match index % 4 {
                0 | 1 => conn.put(piece),
                2 => conn.write_all(piece).await.expect("open"),
                _ => {
                    conn.put(&piece[..piece.len() / 2]);
                    conn.flush().await.expect("open");
                    conn.write_all(&piece[piece.len() / 2..]).await.expect("open");
                }
            }
        }
        conn.close().await.map(drop)
    });
    client.expect_rest(&data).await;
    drop(client);
    writing.await.expect("no panic").expect("closed in order");
}

/// Lines are read through `AsyncBufRead`, across what was read ahead and what comes.
#[tokio::test]
async fn reads_lines() {
    let (mut client, mut conn) = taken(format!("{GET}one\ntw")).await;
    let mut line = String::new();
    conn.read_line(&mut line).await.expect("open");
    client.send("o\nthree").await;
    conn.read_line(&mut line).await.expect("open");
    client.end().await;
    soon("the end", conn.read_line(&mut line)).await.expect("open");
    assert_eq!(line, "one\ntwo\nthree");
}

/// The halves read and write from two tasks, and become one connection again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn splits_and_reunites() {
    let (mut client, conn) = taken(format!("{GET}early")).await;
    let data = pattern(2_000_000);
    let (mut read, mut write) = conn.into_split();
    let reading = tokio::spawn(async move {
        let all = read_len(&mut read, 5 + 2_000_000).await;
        (read, all)
    });
    let sent = data.clone();
    let writing = tokio::spawn(async move {
        write.write_all(&sent).await.expect("open");
        write.flush().await.expect("open");
        write
    });
    let (mut client_read, mut client_write) = client.0.split();
    let (got, sent) = tokio::join!(read_len(&mut client_read, 2_000_000), client_write.write_all(&data));
    sent.expect("open");
    assert_bytes(got, &data, "from the server");
    let (read, all) = reading.await.expect("no panic");
    assert_bytes(all, [b"early", &data[..]].concat(), "from the client");
    let mut conn = Conn::reunite(read, writing.await.expect("no panic")).expect("one connection");
    conn.write_all(b"one again").await.expect("open");
    client.expect("one again").await;
}

/// Halves of two connections do not become one; both are given back.
#[tokio::test]
async fn reunites_its_own_halves_only() {
    let (mut client, one) = taken(GET).await;
    let (_other_client, other) = taken(GET).await;
    let (read, write) = one.into_split();
    let (other_read, other_write) = other.into_split();
    let error = Conn::reunite(other_read, write).expect_err("two connections");
    assert_eq!(error.to_string(), "the halves are of two connections");
    let mut conn = Conn::reunite(read, error.1).expect("one connection");
    Conn::reunite(error.0, other_write).expect("one connection");
    conn.write_all(b"x").await.expect("open");
    client.expect("x").await;
}

/// Dropping one half closes nothing, shutting the writing one down ends our direction, dropping both closes.
#[tokio::test]
async fn halves_close_together() {
    let (mut client, conn) = taken(GET).await;
    let (mut read, mut write) = conn.into_split();
    write.shutdown().await.expect("open");
    drop(write);
    client.expect_rest("").await;
    client.send("x").await;
    assert_bytes(read_len(&mut read, 1).await, "x", "behind our end");
    let (mut client, conn) = taken(GET).await;
    let (read, mut write) = conn.into_split();
    drop(read);
    write.write_all(b"y").await.expect("open");
    client.expect("y").await;
    drop(write);
    client.expect_rest("").await;
}

/// Behaviour 6: the parts, socket and leftovers, cover every byte exactly once, however much was read or peeked before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_parts_cover_every_byte_once() {
    let data = pattern(200_000);
    for (early, read, peek) in [
        (0, 0, 0),
        (1, 0, 0),
        (1_000, 0, 0),
        (1_000, 999, 0),
        (1_000, 1_000, 0),
        (1_000, 5_000, 0),
        (1_000, 0, 5_000),
        (10_000, 3_000, 50_000),
    ] {
        let request = [GET.as_bytes(), &data[..early]].concat();
        let (mut client, mut conn) = taken(request).await;
        let rest = data[early..].to_vec();
        let sending = tokio::spawn(async move {
            client.send(rest).await;
            client.end().await;
            client
        });
        let mut got = read_len(&mut conn, read).await;
        let peeked = conn.peek(peek).await.expect("open").len();
        assert!(peeked >= peek, "expected {peek} bytes to be seen, got {peeked}");
        conn.put(b"unsent");
        let parts: Parts<TcpStream> = conn.into_parts();
        assert_bytes(&parts.unsent, "unsent", "what was put");
        got.extend_from_slice(&parts.unread);
        let (mut io, ..) = parts.detach();
        got.extend(read_all(&mut io).await);
        assert_bytes(&got, &data, format_args!("{early} early, {read} read, {peek} peeked"));
        let mut client = sending.await.expect("no panic");
        drop(io);
        client.expect_rest("").await;
    }
}

/// Behaviour 6: put together again, over another type of stream, the connection reads and writes on.
#[tokio::test]
async fn parts_become_a_connection_again() {
    let (mut client, mut conn) = taken(format!("{GET}early")).await;
    let id = conn.id();
    conn.put(b"unsent ");
    let mut conn: Conn<Transport> = Conn::from_parts(conn.into_parts());
    assert_eq!((conn.id(), conn.io().kind()), (id, "tcp"));
    conn.write_all(b"sent").await.expect("open");
    client.expect("unsent sent").await;
    client.send(" late").await;
    assert_bytes(read_len(&mut conn, 10).await, "early late", "all bytes");
    let parts = conn.into_parts().map_io(Transport::custom);
    let mut conn: Conn<Transport> = Conn::from_parts(parts);
    assert_eq!(conn.io().kind(), "custom");
    conn.write_all(b"boxed").await.expect("open");
    client.expect("boxed").await;
}

/// The head of the request comes along, to the byte, under whatever limits it was parsed.
#[tokio::test]
async fn keeps_the_requests_head() {
    let many: String = (0..300).map(|index| format!("X-{index}: {index}\r\n")).collect();
    let request = format!("GET /{}?q HTTP/1.1\r\nhOST: a\r\n{many}\r\n", "x".repeat(20_000));
    let (server, _events) = server(|config| {
        config.limits.headers = 400;
        config.limits.target_len = 30_000;
    });
    let (_client, exchange) = exchange_of(&server, format!("{request}early")).await;
    let conn = exchange.take_over().await.expect("nothing was written");
    let head = conn.head().expect("a request");
    assert_bytes(head.raw(), &request, "the head");
    assert_eq!((head.headers().len(), head.headers()["x-299"].as_bytes()), (301, &b"299"[..]));
    assert_eq!(conn.protocol(), None);
}

/// `close` flushes, ends our direction, and reads on until the client has ended too, so that nothing is reset.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn close_destroys_nothing_on_its_way() {
    let data = pattern(1_000_000);
    let (mut client, mut conn) = taken(GET).await;
    let sent = data.clone();
    let closing = tokio::spawn(async move {
        conn.put(&sent);
        conn.close().await.map(drop)
    });
    // The client speaks on before it listens.
    client.send(pattern(500_000)).await;
    client.expect_rest(&data).await;
    client.send("more").await;
    drop(client);
    closing.await.expect("no panic").expect("closed in order");
}

/// `hand_off`: the handler's future is gone, with all that it held, before the conversation runs, in both sizes of a
/// connection's task.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conversation_starts_without_its_handler() {
    async fn handler<const HELD: usize>(exchange: Exchange, held: Arc<()>) -> Result<Outcome, hijack::Error> {
        let ballast = [1_u8; HELD];
        let weak = Arc::downgrade(&held);
        tokio::task::yield_now().await;
        let conn = exchange.take_over_after(Response::new(()))?;
        let outcome = conn.hand_off(move |mut conn| async move {
            let gone = if weak.strong_count() == 0 { "gone" } else { "held" };
            conn.write_all(gone.as_bytes()).await?;
            conn.close().await.map(drop)
        });
        let _ = std::hint::black_box(ballast);
        tokio::task::yield_now().await;
        drop(held);
        Ok(outcome)
    }
    let small = Site::start(|_| (), |exchange| handler::<1>(exchange, Arc::new(()))).await;
    let large = Site::start(|_| (), |exchange| handler::<4096>(exchange, Arc::new(()))).await;
    for site in [small, large] {
        site.client_with(GET).await.expect_rest("HTTP/1.1 200 OK\r\n\r\ngone").await;
    }
}

/// `hand_off` works for streams served one by one too.
#[tokio::test]
async fn serve_stream_runs_the_conversation() {
    let (server, _events) = server(|_| ());
    let (mut client, near) = crate::support::tcp_pair().await;
    let serving = server.serve_stream(near, |exchange: Exchange<TcpStream>| async {
        let mut head = Response::new(());
        *head.status_mut() = StatusCode::ACCEPTED;
        Ok(exchange.take_over_after(head)?.hand_off(|mut conn| async move {
            let byte = conn.read_u8().await?;
            conn.write_all(&[byte]).await?;
            conn.close().await.map(drop)
        }))
    });
    let talking = async {
        client.send(format!("{GET}x")).await;
        client.expect_rest("HTTP/1.1 202 Accepted\r\n\r\nx").await;
        drop(client);
    };
    let (served, ()) = tokio::join!(serving, talking);
    served.expect("in order");
}

/// Behaviour 28: a stream of which some bytes were read before is served and taken over with them, and counted.
#[tokio::test]
async fn bytes_read_before_serving_belong_to_the_connection() {
    let (server, _events) = server(|_| ());
    let (mut client, near) = crate::support::tcp_pair().await;
    let connection = server.connection(near, format!("{GET}early"));
    let exchange = connection.next().await.expect("a legal head").expect("a request");
    let mut conn = exchange.take_over().await.expect("nothing was written");
    client.send(" late").await;
    assert_bytes(read_len(&mut conn, 10).await, "early late", "all bytes");
    let seen = server.tracker().get(conn.id()).expect("it lives");
    assert_eq!(seen.bytes_in, GET.len() as u64 + 10);
    assert_eq!(seen.taken.expect("taken over").bytes_in, 10);
}
