//! A gateway in front of an upstream, both in this process, and clients of raw bytes.

use std::time::Duration;

use hijack::ws::WebSocket;
use hijack::{Body, Error, Exchange, Listener, Outcome, Server, Upgrade};
use hijack_gateway::{Config, ConnectionView, Filter, Gateway, Route};
use http::Response;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A gateway at work.
pub(crate) struct Site {
    pub(crate) gateway: Gateway,
    pub(crate) address: String,
}

impl Site {
    /// In front of [`upstream`], with its route changed.
    pub(crate) async fn start(change: impl FnOnce(&mut Route)) -> Self {
        Self::start_before(upstream().await, |config| change(&mut config.routes[0])).await
    }

    /// In front of `upstream`, with its configuration changed.
    pub(crate) async fn start_before(upstream: String, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::default();
        config.listen = vec!["127.0.0.1:0".into()];
        config.routes = vec![Route::new("main", upstream.parse().expect("an address"))];
        change(&mut config);
        let gateway = Gateway::new(config).expect("a gateway");
        let listener = gateway.bind().await.expect("bound").remove(0);
        let address = listener.local_address();
        let serving = gateway.clone();
        tokio::spawn(async move { serving.serve(listener).await });
        Self { gateway, address }
    }

    pub(crate) async fn connect(&self) -> Client {
        Client(TcpStream::connect(&self.address).await.expect("connected"))
    }

    /// A WebSocket to `path`.
    pub(crate) async fn websocket(&self, path: &str) -> WebSocket {
        hijack::ws::dial(&format!("ws://{}{path}", self.address)).await.expect("a WebSocket")
    }

    /// What lives, by id.
    pub(crate) fn list(&self, filter: &str) -> Vec<ConnectionView> {
        self.gateway.list(&filter.parse().expect("a filter"), 0, 1_000).connections
    }

    /// The first connection that `filter` matches, as soon as there is one.
    pub(crate) async fn found(&self, filter: &str) -> ConnectionView {
        let filter: Filter = filter.parse().expect("a filter");
        let mut found = None;
        until("a connection is found", || {
            found = self.gateway.list(&filter, 0, 1).connections.pop();
            found.is_some()
        })
        .await;
        found.expect("found above")
    }
}

/// A client that speaks bytes.
pub(crate) struct Client(pub(crate) TcpStream);

impl Client {
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.expect("sent");
    }

    /// Reads a head, to the empty line.
    pub(crate) async fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            let read = self.0.read_exact(&mut byte).await;
            assert!(read.is_ok(), "the end came within {:?}", String::from_utf8_lossy(&head));
            head.push(byte[0]);
        }
        String::from_utf8(head).expect("a head is text")
    }

    pub(crate) async fn expect(&mut self, expected: &[u8]) {
        let mut came = vec![0; expected.len()];
        self.0.read_exact(&mut came).await.expect("as many bytes");
        assert_eq!(String::from_utf8_lossy(&came), String::from_utf8_lossy(expected));
    }

    /// Reads to the end.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).await.expect("an end");
        rest
    }
}

/// Waits until something is so; fails after ten seconds.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(10), async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(waited.await.is_ok(), "expected within 10 s: {what}");
}

/// A server: `/ws` echoes messages, `/echo` any token's bytes, `/declined` answers 403, `/greeting` says hello.
pub(crate) async fn upstream() -> String {
    let listener = Listener::bind("127.0.0.1:0").await.expect("bound");
    let address = format!("http://{}", listener.local_address());
    tokio::spawn(async move { Server::new().serve(listener, serve).await });
    address
}

/// Compression that remembers: what stands between two messages and should not shows in the second.
pub(crate) fn with_context() -> hijack_proto::ws::deflate::Config {
    let mut config = hijack_proto::ws::deflate::Config::default();
    (config.server_no_context_takeover, config.client_no_context_takeover) = (false, false);
    config
}

pub(crate) async fn serve(mut exchange: Exchange) -> Result<Outcome, Error> {
    match exchange.uri().path() {
        "/ws" => {
            let server = hijack::ws::Server::new(|mut socket: WebSocket| async move {
                while let Some(message) = socket.recv().await? {
                    socket.send(message).await?;
                }
                Ok(())
            });
            let server = server.configure(|config| config.deflate = Some(with_context()));
            server.serve(exchange).await
        }
        "/echo" => {
            let early = exchange.read_to_end(1 << 20).await?;
            let token = hijack::handover::offers(exchange.head())
                .next()
                .map(|token| String::from_utf8_lossy(token).into_owned());
            let Ok(mut conn) = exchange.upgrade(Upgrade::to([token.unwrap_or_default()])).await else {
                return Err(Error::Closing);
            };
            conn.put(&early);
            Ok(conn.hand_off(|conn| async {
                let (mut reader, mut writer) = conn.into_split();
                tokio::io::copy(&mut reader, &mut writer).await?;
                writer.shutdown().await?;
                Ok(())
            }))
        }
        "/declined" => {
            let mut response = Response::new(Body::from("not you\n"));
            *response.status_mut() = http::StatusCode::FORBIDDEN;
            exchange.respond(response).await
        }
        "/upload" => {
            let body = exchange.read_to_end(64 << 20).await?;
            exchange.respond(Response::new(Body::from(body))).await
        }
        _ => {
            let text = format!(
                "{}\n",
                exchange
                    .headers()
                    .get("x-forwarded-host")
                    .map_or("none", |host| host.to_str().unwrap_or("?"))
            );
            exchange.respond(Response::new(Body::from(text))).await
        }
    }
}
