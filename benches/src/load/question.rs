//! What a load asks for on every connection: the first answer is checked for its meaning, later ones for their bytes.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use hijack_bench::wire::{ECHO_PROTOCOL, PLAIN_BODY, PLAIN_PATH, PLAIN_TYPE};

use super::connection::Connection;
use super::expected::Expected;

/// Who is asked for what, and what must come back.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    address: SocketAddr,
    request: Arc<[u8]>,
    answer: Arc<Expected>,
}

impl Question {
    /// Asks `host` at `address` for a takeover.
    pub(super) async fn takeover(
        address: SocketAddr,
        host: &str,
        path: &str,
    ) -> io::Result<(Self, Connection)> {
        let headers = [("connection", "upgrade"), ("upgrade", ECHO_PROTOCOL)];
        let request = request(host, path, &format!("Connection: Upgrade\r\nUpgrade: {ECHO_PROTOCOL}\r\n"));
        Self::first(address, &request, &headers).await
    }

    /// Asks `host` at `address` for the ordinary answer.
    pub(super) async fn plain(address: SocketAddr, host: &str) -> io::Result<(Self, Connection)> {
        let request = request(host, PLAIN_PATH, "Accept: */*\r\n");
        let (mut connection, head) = ask(address, &request).await?;
        let length = PLAIN_BODY.len().to_string();
        let headers = [("content-type", PLAIN_TYPE), ("content-length", &length)];
        let answer = Expected::learn(&head, "HTTP/1.1 200 ", &headers, PLAIN_BODY)?;
        if !answer.has_date() {
            return Err(io::Error::other("header date expected, got none"));
        }
        connection.expect(&Expected::exactly(PLAIN_BODY.as_bytes())).await?;
        Ok((Self::new(address, &request, answer), connection))
    }

    /// Asks for the first time: the answer must be a 101 with these headers. The connection is behind it.
    pub(super) async fn first(
        address: SocketAddr,
        request: &str,
        headers: &[(&str, &str)],
    ) -> io::Result<(Self, Connection)> {
        let (connection, head) = ask(address, request).await?;
        let answer = Expected::learn(&head, "HTTP/1.1 101 ", headers, "")?;
        Ok((Self::new(address, request, answer), connection))
    }

    fn new(address: SocketAddr, request: &str, answer: Expected) -> Self {
        Self { address, request: request.as_bytes().into(), answer: Arc::new(answer) }
    }

    /// A new connection behind its first answer.
    pub(super) async fn open(&self) -> io::Result<Connection> {
        let mut connection = Connection::connect(self.address).await?;
        self.repeat(&mut connection).await?;
        Ok(connection)
    }

    /// Asks on this connection.
    pub(super) async fn repeat(&self, connection: &mut Connection) -> io::Result<()> {
        connection.send(&self.request).await?;
        connection.expect(&self.answer).await
    }
}

async fn ask(address: SocketAddr, request: &str) -> io::Result<(Connection, Vec<u8>)> {
    let mut connection = Connection::connect(address).await?;
    connection.send(request.as_bytes()).await?;
    let head = connection.read_head().await?;
    Ok((connection, head))
}

fn request(host: &str, path: &str, more: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: hijack-bench\r\n{more}\r\n")
}
