//! Servers behind a proxy: a tunnel through it, and HTTP inside.

use std::io;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::dial::{ConnectError, ConnectFailure};
use super::{Client, ClientConnection, Endpoint, Tunnel};
use crate::transport::Transport;
use crate::{Conn, Error};

/// A proxy that opens tunnels (`CONNECT`).
#[derive(Debug, Clone)]
pub struct Proxy {
    endpoint: Endpoint,
    headers: HeaderMap,
    credentials: Option<(String, String)>,
}

impl Proxy {
    /// The proxy at `endpoint`.
    #[must_use]
    pub fn new(endpoint: Endpoint) -> Self {
        Self { endpoint, headers: HeaderMap::new(), credentials: None }
    }

    /// Adds a header to each `CONNECT`.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// The user and password that the proxy asks for: see [`Tunnel::basic_auth`].
    #[must_use]
    pub fn basic_auth(mut self, user: &str, password: &str) -> Self {
        self.credentials = Some((user.to_owned(), password.to_owned()));
        self
    }

    fn tunnel(&self, authority: String) -> Tunnel {
        let tunnel = Tunnel::to(authority).headers(&self.headers);
        match &self.credentials {
            Some((user, password)) => tunnel.basic_auth(user, password),
            None => tunnel,
        }
    }
}

impl Client {
    /// Connects to a server through a proxy, TLS inside the tunnel where the endpoint asks for it.
    ///
    /// # Errors
    ///
    /// [`Error::Connect`] if the proxy cannot be reached, the endpoint is no TCP one, or TLS fails;
    /// [`Error::Declined`] if the proxy opens no tunnel.
    ///
    /// # Cancel safety
    ///
    /// Safe: what was begun is given up.
    pub async fn connect_through(
        &self,
        proxy: &Proxy,
        endpoint: &Endpoint,
    ) -> Result<ClientConnection, Error> {
        let authority = endpoint.host_and_port().ok_or_else(|| {
            let error = io::Error::new(io::ErrorKind::InvalidInput, "a proxy leads to TCP ports only");
            Box::new(ConnectError::new(endpoint, ConnectFailure::Proxy, "the proxy", error))
        })?;
        let conn = self.connect(&proxy.endpoint).await?.tunnel(proxy.tunnel(authority)).await?;
        let peer = conn.peer().clone();
        let (io, unread) = bare(conn, endpoint.is_tls());
        self.begin(endpoint, io, peer, &unread).await
    }
}

/// The stream of a tunnel, and what came through it already. TLS reads from its stream alone, so bytes that came
/// early stay in front of it.
fn bare(conn: Conn, is_tls: bool) -> (Transport, Vec<u8>) {
    if is_tls && !conn.unread().is_empty() {
        return (Transport::custom(conn), Vec::new());
    }
    let (io, unread, _) = conn.into_parts().detach();
    (io, unread.to_vec())
}
