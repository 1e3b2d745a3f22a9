//! Getting a connection to call over: by CONNECT as Go's `rpc.DialHTTP`, or bare as `rpc.Dial`.

use std::future::poll_fn;

use hijack_proto::rpc::handshake::{AnswerReader, DEFAULT_PATH, put_request};
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::{Client, Codec, Config, DialError};
use crate::transport::Stream;
use crate::{Conn, Endpoint, Limits};

/// A connection to be had, and everything that can be said about it.
///
/// | URL | |
/// |---|---|
/// | `http://host:port/path`, `https://…` | CONNECT to the path, `/_goRPC_` if none is said, as Go's `rpc.DialHTTPPath` |
/// | `unix:/path/to.sock` | the same over a Unix socket |
/// | `tcp://host:port` | no HTTP: calls from the first byte on, as Go's `rpc.Dial` |
///
/// ```
/// let dial = hijack::rpc::Dial::to("http://127.0.0.1:1234")?.configure(|config| config.in_flight = 64);
/// # let _ = dial;
/// # Ok::<(), hijack::rpc::DialError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "it connects by `open`"]
pub struct Dial {
    endpoint: Endpoint,
    /// None without HTTP.
    path: Option<String>,
    headers: HeaderMap,
    client: crate::Client,
    config: Config,
}

/// Connects as [`Dial`] says, with a codec that has no options.
///
/// # Errors
///
/// [`DialError`].
///
/// # Cancel safety
///
/// Safe: what was begun is given up.
pub async fn dial<C: Codec + Default>(url: &str) -> Result<Client<C>, DialError> {
    Dial::to(url)?.open(&C::default()).await
}

impl Dial {
    /// A connection to this URL.
    ///
    /// # Errors
    ///
    /// [`DialError::Url`].
    pub fn to(url: &str) -> Result<Self, DialError> {
        let (address, path) = split_path(url);
        let endpoint = address.parse().map_err(|_| DialError::Url(url.to_owned()))?;
        let is_http = !url.to_ascii_lowercase().starts_with("tcp:");
        if !is_http && !path.is_empty() {
            return Err(DialError::Url(url.to_owned()));
        }
        let path = if path.len() > 1 { path } else { DEFAULT_PATH };
        Ok(Self::at(endpoint, is_http.then(|| path.to_owned())))
    }

    /// A connection to this endpoint: by CONNECT to a path, or without HTTP.
    pub fn at(endpoint: Endpoint, path: Option<String>) -> Self {
        Self {
            endpoint,
            path,
            headers: HeaderMap::new(),
            client: crate::Client::new(),
            config: Config::default(),
        }
    }

    /// Uses another path for the CONNECT.
    pub fn path(self, path: impl Into<String>) -> Self {
        Self { path: Some(path.into()), ..self }
    }

    /// Says nothing in HTTP: calls from the first byte on.
    pub fn without_http(self) -> Self {
        Self { path: None, ..self }
    }

    /// Adds a header to the CONNECT. Go's client has none; servers that take this one's may want a token.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// Connects with `client`, its TLS, limits and tracker.
    pub fn by(self, client: crate::Client) -> Self {
        Self { client, ..self }
    }

    /// Changes the configuration.
    pub fn configure(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// Where it connects to.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Connects.
    ///
    /// # Errors
    ///
    /// [`DialError`].
    ///
    /// # Cancel safety
    ///
    /// Safe: what was begun is given up.
    pub async fn open<C: Codec>(&self, codec: &C) -> Result<Client<C>, DialError> {
        let connection = self.client.connect(&self.endpoint).await?;
        let mut conn = connection.take_over().map_err(crate::Error::from)?;
        if let Some(path) = &self.path {
            let limit = self.config.connect_timeout;
            let limits = &self.client.config().limits;
            let asked = timeout(limit, ask(&mut conn, path, &self.headers, limits)).await;
            asked.unwrap_or(Err(DialError::TimedOut { limit }))?;
        }
        Ok(Client::over(conn, codec, self.config.clone()))
    }
}

/// The address and the path of a URL; a Unix socket's path is its address.
fn split_path(url: &str) -> (&str, &str) {
    if url.starts_with("unix:") {
        return (url, "");
    }
    let start = url.find("://").map_or(0, |scheme| scheme + "://".len());
    let end = url[start..].find('/').map_or(url.len(), |slash| start + slash);
    url.split_at(end)
}

/// Asks for a connection on `path` and waits for the answer, behind which the connection is net/rpc's. Nothing is sent
/// before: Go's server would lose it.
///
/// # Errors
///
/// [`DialError`]: the connection is of no further use.
///
/// # Cancel safety
///
/// Not safe: the connection is of no further use.
pub async fn ask<Io: Stream>(
    conn: &mut Conn<Io>,
    path: &str,
    headers: &HeaderMap,
    limits: &Limits,
) -> Result<(), DialError> {
    let mut request = Vec::new();
    let lines = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    put_request(path, lines, &mut request).map_err(|bad| DialError::Url(bad.0))?;
    conn.write_all(&request).await?;
    conn.flush().await?;
    let mut answer = AnswerReader::default();
    loop {
        let seen = conn.unread().len();
        if let Some(len) = answer.read(conn.unread(), limits).map_err(DialError::Denied)? {
            conn.consume(len);
            return Ok(());
        }
        poll_fn(|cx| conn.poll_read_more(cx)).await?;
        if conn.unread().len() == seen {
            return Err(DialError::UnexpectedEof);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        let table = [
            ("http://127.0.0.1:1234", "http://127.0.0.1:1234", Some("/_goRPC_")),
            ("http://127.0.0.1:1234/", "http://127.0.0.1:1234", Some("/_goRPC_")),
            ("http://a:1/other", "http://a:1", Some("/other")),
            ("a:1/x", "http://a:1", Some("/x")),
            ("127.0.0.1:1234", "http://127.0.0.1:1234", Some("/_goRPC_")),
            ("unix:/run/a.sock", "unix:/run/a.sock", Some("/_goRPC_")),
            ("tcp://127.0.0.1:1234", "http://127.0.0.1:1234", None),
        ];
        for (url, endpoint, path) in table {
            let dial = Dial::to(url).expect(url);
            assert_eq!((dial.endpoint.to_string().as_str(), dial.path.as_deref()), (endpoint, path), "{url}");
        }
        for url in ["", "ftp://a", "tcp://a:1/path", "http://"] {
            assert!(Dial::to(url).is_err(), "{url:?}");
        }
    }
}
