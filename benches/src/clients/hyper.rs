//! The peer in Rust: hyper's HTTP/1 client connection with its defaults, and `upgrade::on`.

use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use http::header::{CONNECTION, HOST, UPGRADE};
use http::{HeaderValue, Request, Uri};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::{Client, check, lines};
use crate::wire::{ECHO_PATH, ECHO_PROTOCOL, PLAIN_PATH};

/// hyper asked by hand, as its own pool does it: the caller names the host and spawns the connection.
#[derive(Clone, Debug)]
pub struct Hyper {
    server: SocketAddr,
    host: HeaderValue,
}

impl Client for Hyper {
    type Connection = SendRequest<Empty<Bytes>>;
    type Taken = TokioIo<Upgraded>;

    fn new(server: SocketAddr) -> io::Result<Self> {
        let host = HeaderValue::from_str(&server.to_string()).map_err(io::Error::other)?;
        Ok(Self { server, host })
    }

    async fn connect(&self) -> io::Result<Self::Connection> {
        let (sender, connection) = http1::handshake(self.dial().await?).await.map_err(io::Error::other)?;
        tokio::spawn(connection);
        Ok(sender)
    }

    async fn request(&self, sender: &mut Self::Connection) -> io::Result<()> {
        sender.ready().await.map_err(io::Error::other)?;
        let answer = sender.send_request(self.get(PLAIN_PATH)).await.map_err(io::Error::other)?;
        check::plain_head(answer.status(), lines(answer.headers()))?;
        let (mut incoming, mut body) = (answer.into_body(), check::PlainBody::default());
        while let Some(frame) = incoming.frame().await {
            if let Some(data) = frame.map_err(io::Error::other)?.data_ref() {
                body.check(data)?;
            }
        }
        body.end()
    }

    async fn take_over(&self) -> io::Result<Self::Taken> {
        let (mut sender, connection) =
            http1::handshake(self.dial().await?).await.map_err(io::Error::other)?;
        tokio::spawn(connection.with_upgrades());
        let answer = sender.send_request(self.upgrade()).await.map_err(io::Error::other)?;
        check::echo_head(answer.status(), lines(answer.headers()))?;
        hyper::upgrade::on(answer).await.map(TokioIo::new).map_err(io::Error::other)
    }
}

impl Hyper {
    async fn dial(&self) -> io::Result<TokioIo<TcpStream>> {
        let stream = TcpStream::connect(self.server).await?;
        stream.set_nodelay(true)?;
        Ok(TokioIo::new(stream))
    }

    fn get(&self, path: &'static str) -> Request<Empty<Bytes>> {
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = Uri::from_static(path);
        request.headers_mut().insert(HOST, self.host.clone());
        request
    }

    fn upgrade(&self) -> Request<Empty<Bytes>> {
        let mut request = self.get(ECHO_PATH);
        request.headers_mut().insert(CONNECTION, HeaderValue::from_static("upgrade"));
        request.headers_mut().insert(UPGRADE, HeaderValue::from_static(ECHO_PROTOCOL));
        request
    }
}
