//! Streams of hashicorp/yamux, whose other end is another library of Rust's.

use std::future::poll_fn;

use hijack::rpc::{Client, Config, Gob, Origin, Server};
use hijack_gob::ByteBuf;
use hijack_interop::rpc::{Args, call_by_yamux, gob_methods, serve_yamux};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::compat::{FuturesAsyncReadCompatExt, TokioAsyncReadCompatExt};
use yamux::{Connection, Mode};

use crate::support::run;

#[test]
fn gos_server_is_called_on_several_streams() {
    let Some((_server, address)) = serve_yamux() else { return };
    run(async {
        let stream = TcpStream::connect(&address).await.expect("it listens");
        let mut connection = Connection::new(stream.compat(), yamux::Config::default(), Mode::Client);
        let mut streams = Vec::new();
        for _ in 0..3 {
            streams.push(poll_fn(|cx| connection.poll_new_outbound(cx)).await.expect("a stream"));
        }
        // It moves the bytes of all streams.
        let driver = tokio::spawn(async move {
            while let Some(Ok(_)) = poll_fn(|cx| connection.poll_next_inbound(cx)).await {}
        });
        let clients: Vec<_> = streams
            .into_iter()
            .map(|stream| Client::over(stream.compat(), &Gob::default(), Config::default()))
            .collect();
        for n in 0..300 {
            let client = &clients[usize::try_from(n % 3).expect("small")];
            let product: i64 =
                client.call("Arith.Multiply", &Args { a: n, b: n + 1 }).await.expect("a product");
            assert_eq!(product, n * (n + 1));
        }
        let sent = ByteBuf(b"0123456789abcdef".repeat(1 << 16));
        let got: ByteBuf = clients[0].call("Blob.Echo", &sent).await.expect("an echo");
        assert!(got == sent, "{} bytes came back", got.len());
        for client in clients {
            client.finish();
            client.closed().await;
        }
        driver.abort();
    });
}

#[test]
fn gos_client_is_served_on_several_streams() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.expect("a connection");
            let mut connection = Connection::new(stream.compat(), yamux::Config::default(), Mode::Server);
            let server = Server::new(gob_methods());
            while let Some(Ok(stream)) = poll_fn(|cx| connection.poll_next_inbound(cx)).await {
                let server = server.clone();
                tokio::spawn(async move { server.serve_stream(stream.compat(), Origin::unknown()).await });
            }
        });
        tokio::task::spawn_blocking(move || call_by_yamux(&address)).await.expect("every call");
    });
}
