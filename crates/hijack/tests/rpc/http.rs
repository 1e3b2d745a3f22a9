//! The CONNECT in front: on a server of ours byte by byte, and to servers by hand.

use std::time::Duration;

use hijack::rpc::{Client, Dial, DialError, Json, Server, dial};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::support::{Args, LONG, methods, read_all, read_until, socket};

const CONNECTED: &str = "HTTP/1.0 200 Connected to Go RPC\n\n";

/// A server of ours behind HTTP, and its URL.
async fn serve(address: &str) -> (hijack::Server, String) {
    let listener = hijack::Listener::bind(address).await.expect("a place to listen");
    let url = match listener.local_address() {
        unix if unix.starts_with("unix:") => unix,
        tcp => format!("http://{tcp}"),
    };
    let http = hijack::Server::new();
    let serving = http.clone();
    let handler = Server::new(methods()).into_handler();
    tokio::spawn(async move { serving.serve(listener, handler).await });
    (http, url)
}

async fn multiply(client: &Client<Json>) -> i64 {
    let called = client.call("Arith.Multiply", &Args { a: 7, b: 8 });
    timeout(LONG, called).await.expect("in time").expect("a product")
}

#[tokio::test]
async fn calls_over_http() {
    let (_, url) = serve("127.0.0.1:0").await;
    assert_eq!(multiply(&dial(&url).await.expect("a connection")).await, 56);
}

#[tokio::test]
async fn calls_over_a_unix_socket() {
    let path = std::env::temp_dir().join(format!("hijack-rpc-{}.sock", std::process::id()));
    let (_server, url) = serve(&format!("unix:{}", path.display())).await;
    assert_eq!(multiply(&dial(&url).await.expect("a connection")).await, 56);
}

/// Every form of the request that Go's server takes, but HTTP/1.1 without Host, which RFC 9112 §3.2 has refused.
#[tokio::test]
async fn every_legal_connect_is_granted() {
    let (_, url) = serve("127.0.0.1:0").await;
    let heads = [
        "CONNECT /_goRPC_ HTTP/1.0\n\n",
        "CONNECT /_goRPC_ HTTP/1.0\r\n\r\n",
        "CONNECT /_goRPC_ HTTP/1.0\nX-Token: a\n\n",
        "CONNECT /_goRPC_ HTTP/1.1\r\nHost: a\r\n\r\n",
        "CONNECT /_goRPC_ HTTP/1.1\nHost: a\n\n",
    ];
    for head in heads {
        let mut socket = socket(&url).await;
        socket.write_all(head.as_bytes()).await.expect("sent");
        assert_eq!(read_until(&mut socket, "\n\n").await, CONNECTED, "{head:?}");
        socket.write_all(b"{\"method\":\"a.b.C\",\"params\":[1],\"id\":5}").await.expect("sent");
        assert_eq!(read_until(&mut socket, "\n").await, "{\"id\":5,\"result\":2,\"error\":null}\n");
    }
    let mut socket = socket(&url).await;
    socket.write_all(b"CONNECT /_goRPC_ HTTP/1.1\r\n\r\n").await.expect("sent");
    assert!(read_all(&mut socket).await.starts_with("HTTP/1.1 400 "));
}

/// Go's server loses a call that comes with the CONNECT; ours must not.
#[tokio::test]
async fn early_calls_are_answered_however_they_are_cut() {
    let (_, url) = serve("127.0.0.1:0").await;
    let bytes = b"CONNECT /_goRPC_ HTTP/1.0\n\n{\"method\":\"a.b.C\",\"params\":[1],\"id\":1}{\"method\":\"a.b.C\",\"params\":[2],\"id\":2}";
    for len in [1, 7, bytes.len()] {
        let mut socket = socket(&url).await;
        socket.set_nodelay(true).expect("a socket");
        for piece in bytes.chunks(len) {
            socket.write_all(piece).await.expect("sent");
            socket.flush().await.expect("sent");
        }
        socket.shutdown().await.expect("half closed");
        let answers = "{\"id\":1,\"result\":2,\"error\":null}\n{\"id\":2,\"result\":3,\"error\":null}\n";
        assert_eq!(read_all(&mut socket).await, [CONNECTED, answers].concat(), "in pieces of {len}");
    }
}

#[tokio::test]
async fn other_methods_and_paths_are_answered_as_go_does() {
    let (_, url) = serve("127.0.0.1:0").await;
    let mut socket = socket(&url).await;
    // All on one connection, which is kept.
    for method in ["GET", "POST"] {
        let request = format!("{method} /_goRPC_ HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
        socket.write_all(request.as_bytes()).await.expect("sent");
        let answer = read_until(&mut socket, "405 must CONNECT\n").await.to_lowercase();
        assert!(answer.starts_with("http/1.1 405 method not allowed\r\n"), "{answer}");
        assert!(answer.contains("\r\ncontent-length: 17\r\n"), "{answer}");
        assert!(answer.contains("\r\ncontent-type: text/plain; charset=utf-8\r\n"), "{answer}");
        assert!(!answer.contains("\r\nallow:"), "{answer}");
    }
    socket.write_all(b"GET /other HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("sent");
    let answer = read_until(&mut socket, "404 page not found\n").await.to_lowercase();
    assert!(answer.starts_with("http/1.1 404 not found\r\n"), "{answer}");
    assert!(answer.contains("\r\nx-content-type-options: nosniff\r\n"), "{answer}");
    socket.write_all(b"GET /debug/rpc HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("sent");
    let page = read_until(&mut socket, "</html>\n").await;
    let services = hijack::rpc::read_page(&page);
    assert!(services.iter().any(|(name, methods)| name == "Arith" && methods.len() == 2), "{services:?}");
}

#[tokio::test]
async fn a_connect_with_a_body_is_refused() {
    let (_, url) = serve("127.0.0.1:0").await;
    let mut socket = socket(&url).await;
    socket.write_all(b"CONNECT /_goRPC_ HTTP/1.0\nContent-Length: 2\n\n{}").await.expect("sent");
    assert!(read_all(&mut socket).await.starts_with("HTTP/1.1 400 Bad Request\r\n"));
}

#[tokio::test]
async fn a_handler_sees_who_calls() {
    let (_, url) = serve("127.0.0.1:0").await;
    let dial = Dial::to(&url)
        .expect("a URL")
        .header(http::HeaderName::from_static("x-token"), http::HeaderValue::from_static("secret"));
    let client = dial.open(&Json).await.expect("a connection");
    let seen: Vec<String> = client.call("Who.Calls", &()).await.expect("an answer");
    assert_eq!(seen[0], "Who.Calls");
    assert!(seen[1].starts_with("127.0.0.1:"), "{seen:?}");
    assert_eq!(seen[2], "secret");
}

/// The server's shutdown tells the connections, which answer what runs and end; it waits for them.
#[tokio::test]
async fn a_shutdown_drains() {
    let (http, url) = serve("127.0.0.1:0").await;
    let client = dial::<Json>(&url).await.expect("a connection");
    let call = tokio::spawn({
        let client = client.clone();
        async move { client.call::<u64>("Time.Sleep", &200).await }
    });
    client.call::<u64>("Time.Sleep", &1).await.expect("answered");
    let report = http.shutdown(LONG).await;
    assert_eq!((report.taken, report.forced), (1, 0));
    assert_eq!(call.await.expect("no panic").expect("answered"), 200);
    timeout(LONG, client.closed()).await.expect("in time");
}

/// A server that says `answer` to whatever comes, in pieces, and what it was asked.
async fn answering(answer: &'static [u8], piece: usize) -> (String, tokio::task::JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let asked = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.expect("a connection");
        socket.set_nodelay(true).expect("a socket");
        let mut asked = vec![0; 1024];
        let len = socket.read(&mut asked).await.expect("a request");
        asked.truncate(len);
        for piece in answer.chunks(piece) {
            // A client that has seen enough may be gone.
            if socket.write_all(piece).await.is_err() {
                break;
            }
        }
        let _ = socket.shutdown().await;
        let _ = socket.read_to_end(&mut asked).await;
        asked
    });
    (url, asked)
}

#[tokio::test]
async fn the_request_is_gos_to_the_byte_and_nothing_follows_it() {
    let (url, asked) = answering(b"HTTP/1.1 404 Not Found\r\n\r\n", 1024).await;
    let error = dial::<Json>(&url).await.expect_err("denied");
    assert!(matches!(error, DialError::Denied(_)), "{error:?}");
    assert_eq!(error.to_string(), "unexpected HTTP response: 404 Not Found");
    assert_eq!(asked.await.expect("no panic"), b"CONNECT /_goRPC_ HTTP/1.0\n\n");
    let (url, asked) = answering(b"\n", 1024).await;
    dial::<Json>(&format!("{url}/other")).await.expect_err("no HTTP");
    assert_eq!(asked.await.expect("no panic"), b"CONNECT /other HTTP/1.0\n\n");
}

/// Bytes behind the answer are the server's first words, however it all is cut.
#[tokio::test]
async fn an_answer_may_come_in_any_pieces() {
    let answer = b"HTTP/1.0 200 Connected to Go RPC\n\n{\"id\":0,\"result\":56,\"error\":null}\n";
    // Whole, it would be the answer to no call.
    let (early, rest) = answer.split_at(answer.len() - 2);
    for piece in [1, 3, 34, 1024] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.expect("a connection");
            socket.set_nodelay(true).expect("a socket");
            let connect = read_until(&mut socket, "\n\n").await;
            for piece in early.chunks(piece) {
                socket.write_all(piece).await.expect("sent");
            }
            let call = read_until(&mut socket, "\n").await;
            socket.write_all(rest).await.expect("sent");
            (connect, call)
        });
        let client = dial::<Json>(&url).await.expect("granted");
        assert_eq!(multiply(&client).await, 56, "in pieces of {piece}");
        let (connect, call) = asked.await.expect("no panic");
        assert_eq!(connect, "CONNECT /_goRPC_ HTTP/1.0\n\n");
        assert!(call.starts_with("{\"method\":\"Arith.Multiply\""), "{call}");
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_given_up() {
    let (url, _asked) = answering(b"", 1).await;
    assert!(matches!(dial::<Json>(&url).await, Err(DialError::UnexpectedEof)));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let silent =
        Dial::to(&url).expect("a URL").configure(|config| config.connect_timeout = Duration::from_millis(50));
    assert!(matches!(silent.open(&Json).await, Err(DialError::TimedOut { .. })));
}
