//! Ours, with its defaults: every limit, timer, probe and the tracker are on.

use std::io;
use std::net::SocketAddr;

use hijack::{Body, ClientConnection, Conn, Endpoint};
use http::{Request, Uri};

use super::{Client, check, lines};
use crate::wire::{ECHO_PATH, ECHO_PROTOCOL, PLAIN_PATH};

/// Our client. Of an answer's fields it looks at the lines, or, with `MAP`, has them made into a map, as hyper
/// always does.
#[derive(Clone, Debug)]
pub struct Hijack<const MAP: bool> {
    client: hijack::Client,
    server: Endpoint,
}

impl<const MAP: bool> Client for Hijack<MAP> {
    type Connection = ClientConnection;
    type Taken = Conn;

    fn new(server: SocketAddr) -> io::Result<Self> {
        let server = format!("http://{server}").parse().map_err(io::Error::other)?;
        Ok(Self { client: hijack::Client::new(), server })
    }

    async fn connect(&self) -> io::Result<Self::Connection> {
        self.client.connect(&self.server).await.map_err(io::Error::other)
    }

    async fn request(&self, connection: &mut Self::Connection) -> io::Result<()> {
        let answer = connection.request(get(PLAIN_PATH)).await.map_err(io::Error::other)?;
        if MAP {
            check::plain_head(answer.status(), lines(answer.headers()))?;
        } else {
            check::plain_head(answer.status(), answer.lines())?;
        }
        let (mut incoming, mut body) = (connection.body(), check::PlainBody::default());
        while let Some(data) = incoming.data().await.map_err(io::Error::other)? {
            body.check(&data)?;
        }
        body.end()
    }

    async fn take_over(&self) -> io::Result<Self::Taken> {
        let connection = self.connect().await?;
        let taken = connection.upgrade(get(ECHO_PATH), [ECHO_PROTOCOL]).await;
        taken.map_err(|untaken| io::Error::other(untaken.error))
    }
}

fn get(path: &'static str) -> Request<Body> {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = Uri::from_static(path);
    request
}
