//! What a server may answer to the CONNECT: Go's client and ours believe the same, and say the same of the rest.

use hijack::rpc::{Gob, dial};
use hijack_interop::rpc::dial_as_go;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::run;

const ANSWERS: [&str; 24] = [
    "HTTP/1.0 200 Connected to Go RPC\n\n",
    "HTTP/1.0 200 Connected to Go RPC\r\n\r\n",
    "HTTP/1.1 200 Connected to Go RPC\r\nDate: today\r\n\r\n",
    "HTTP/1.1 200 Connected to Go RPC\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 Connected to Go RPC\r\nContent-Length: 5\r\n\r\n",
    "HTTP/1.1 200 Connected to Go RPC\r\nTransfer-Encoding: chunked\r\n\r\n",
    "HTTP/1.1 200 Connected to Go RPC\r\nConnection: close\r\n\r\n",
    "HTTP/1.1 200 OK\r\n\r\n",
    "HTTP/1.1 200\r\n\r\n",
    "HTTP/1.1 200 connected to go rpc\r\n\r\n",
    "HTTP/1.1 200 Connected to Go RPC!\r\n\r\n",
    "HTTP/1.1 201 Connected to Go RPC\r\n\r\n",
    "HTTP/1.1 101 Connected to Go RPC\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 Connected to Go RPC\r\n\r\n",
    "HTTP/1.1 301 Moved Permanently\r\nLocation: /\r\n\r\n",
    "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno",
    "HTTP/1.1 405 Method Not Allowed\r\n\r\n",
    "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
    "HTTP/1.1 502 Bad Gateway\r\n\r\n",
    "",
    "HTTP/1.0 200 Connected",
    "HTTP/1.0 200 Connected to Go RPC\n",
    "SSH-2.0-OpenSSH\r\n\r\n",
    "\0\x01\x02\n\n",
];

#[test]
fn answers_are_believed_as_go_does() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        // Each of them to the first client, and then to the second one.
        let server = tokio::spawn(async move {
            for answer in [ANSWERS, ANSWERS].concat() {
                let (mut socket, _) = listener.accept().await.expect("a connection");
                let mut request = [0; 27];
                socket.read_exact(&mut request).await.expect("a request");
                assert_eq!(request, *b"CONNECT /_goRPC_ HTTP/1.0\n\n");
                socket.write_all(answer.as_bytes()).await.expect("taken");
            }
        });
        let asked = url.clone();
        let go =
            tokio::task::spawn_blocking(move || dial_as_go(&asked, ANSWERS.len())).await.expect("no panic");
        let Some(go) = go else { return };
        assert_eq!(go.len(), ANSWERS.len());
        for (answer, go) in ANSWERS.iter().zip(go) {
            let said = dial::<Gob>(&url).await.map_or_else(|error| error.to_string(), |_| "ok".into());
            let (is_granted, go_grants) = (said == "ok", go == "ok");
            assert_eq!(is_granted, go_grants, "{answer:?}: we say {said:?}, Go {go:?}");
            if said.starts_with("unexpected HTTP response") {
                assert!(go.ends_with(&said), "{answer:?}: we say {said:?}, Go {go:?}");
            }
        }
        server.await.expect("every answer was asked for");
    });
}
