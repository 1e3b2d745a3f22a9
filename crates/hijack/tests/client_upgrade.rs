//! What our client asks for when it is to become something else.

use hijack::{Body, Client};
use http::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// With no protocol to upgrade to, nothing is said of an upgrade: dockerd grants one to whoever has the header, were
/// it empty.
#[tokio::test]
async fn asks_for_a_bare_stream_without_upgrade_lines() {
    let (ours, mut server) = tokio::io::duplex(1024);
    let request = Request::post("/attach").header("Host", "a").body(Body::empty()).expect("a request");
    let asking = Client::new().connection(ours, b"").upgrade_or_stream(request, <&[&str]>::default());
    let answering = async {
        let expected = "POST /attach HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";
        let mut head = vec![0; expected.len()];
        server.read_exact(&mut head).await.expect("a head");
        assert_eq!(head.escape_ascii().to_string(), expected.escape_debug().to_string());
        let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\nfirst";
        server.write_all(answer.as_bytes()).await.expect("written");
    };
    let (conn, ()) = tokio::join!(asking, answering);
    let mut conn = conn.expect("a bare 200");
    assert_eq!(conn.protocol(), None);
    let mut first = [0; 5];
    conn.read_exact(&mut first).await.expect("what came behind the head");
    assert_eq!(&first, b"first");
}
