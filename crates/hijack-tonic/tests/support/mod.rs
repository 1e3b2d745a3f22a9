//! A server of the test service.

#![allow(dead_code, reason = "each test program uses some of it")]

use hijack::{Exchange, Listener, Outcome};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use hijack_tonic::tonic::service::Routes;
use hijack_tonic::{Dialer, Server, interop};

/// The test service, everything at its default.
pub(crate) fn grpc() -> Server {
    Server::new(Routes::new(interop::server()))
}

/// A server on a port of its own.
pub(crate) struct World {
    pub(crate) address: String,
    pub(crate) http: hijack::Server,
}

impl World {
    /// With the test service, and everything at its default.
    pub(crate) async fn start() -> Self {
        Self::serve(grpc()).await
    }

    pub(crate) async fn serve(grpc: Server) -> Self {
        Self::serve_by(hijack::Server::new(), grpc).await
    }

    pub(crate) async fn serve_by(http: hijack::Server, grpc: Server) -> Self {
        let listener = Listener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_address();
        let serving = http.clone();
        tokio::spawn(async move {
            let handler = move |exchange| {
                let grpc = grpc.clone();
                async move { answer(exchange, grpc).await }
            };
            serving.serve(listener, handler).await;
        });
        Self { address, http }
    }

    pub(crate) fn dialer(&self) -> Dialer {
        Dialer::to(&format!("http://{}/grpc", self.address)).expect("a URL")
    }
}

/// `/hello` is another route of the same server; everything else is `grpc`'s.
async fn answer(exchange: Exchange, grpc: Server) -> Result<Outcome, hijack::Error> {
    if exchange.uri().path() == "/hello" {
        return exchange.respond(http::Response::new(hijack::Body::from("hello"))).await;
    }
    grpc.serve(exchange).await
}

impl World {
    /// A connection on which nothing is said yet.
    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(&self.address).await.expect("a listening server")
    }

    /// Sends `head`, and then asks for `/hello` on the same connection: all that comes.
    pub(crate) async fn ask(&self, head: &str) -> String {
        let mut stream = self.connect().await;
        let hello = "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        stream.write_all(format!("{head}{hello}").as_bytes()).await.expect("written");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("answers and the end");
        answer
    }
}

/// A request for a takeover by `upgrade`.
pub(crate) fn request(upgrade: &str) -> String {
    format!("GET /grpc HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: {upgrade}\r\n\r\n")
}

/// Reads a head, with the empty line.
pub(crate) async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("a head"));
    }
    String::from_utf8(head).expect("text")
}

/// A wish for payloads of `sizes`, `interval_us` before each.
pub(crate) fn outputs(
    sizes: impl IntoIterator<Item = i32>,
    interval_us: i32,
) -> interop::StreamingOutputCallRequest {
    let wanted = |size| interop::ResponseParameters { size, interval_us, ..Default::default() };
    interop::StreamingOutputCallRequest {
        response_parameters: sizes.into_iter().map(wanted).collect(),
        ..Default::default()
    }
}
