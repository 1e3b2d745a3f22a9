//! HTTP/2 over a taken-over connection, in both roles: `/grpc`, where the daemon is the server, and `/session`, where
//! we are.
//!
//! Neither is the upgrade of RFC 7540 §3.2: there is no `HTTP2-Settings`, and the request does not become a stream. What
//! begins behind the 101 is a connection of prior knowledge (RFC 9113 §3.3), from its preface on. Daemons of version 1.53
//! and later speak HTTP/2 without all that as well, and still do this.

use std::io;
use std::time::Duration;

use hijack::{Conn, HTTP2_PREFACE, Stream};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::path::Path;
use crate::{Docker, Error};

/// How long a preface may take. It costs no more than one way of the network.
const PREFACE_TIME: Duration = Duration::from_secs(10);

/// A server may wait for its client's preface, so it is not waited for long.
const SETTINGS_TIME: Duration = Duration::from_secs(2);

/// Bytes of a frame's header (RFC 9113 §4.1).
const FRAME_HEADER_LEN: usize = 9;

const UUID: &str = "x-docker-expose-session-uuid";
const NAME: &str = "x-docker-expose-session-name";
const SHARED_KEY: &str = "x-docker-expose-session-sharedkey";
const METHOD: &str = "x-docker-expose-session-grpc-method";

/// What a session tells the daemon of itself.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct SessionOptions {
    /// The session's id, by which a build refers to it. One that is in use is refused.
    pub uuid: String,
    /// A name for people.
    pub name: String,
    /// By it sessions share what they have sent.
    pub shared_key: String,
    /// The methods that we serve, as `/package.Service/Method`. The daemon asks for the health of whoever it calls:
    /// `/grpc.health.v1.Health/Check`, every five seconds.
    pub methods: Vec<String>,
}

impl SessionOptions {
    /// A session by this id.
    #[must_use]
    pub fn new(uuid: impl Into<String>) -> Self {
        Self { uuid: uuid.into(), ..Self::default() }
    }
}

impl Docker {
    /// A connection on which the daemon is an HTTP/2 and gRPC server (BuildKit's): send the preface and go on. If it begins
    /// with frames of its own, as dockerd does, they are checked and left to be read.
    ///
    /// - **Who closes?** You; dropping it closes the socket.
    /// - **Deadlines?** None.
    /// - **Unread bytes?** The daemon's SETTINGS, mostly.
    ///
    /// # Errors
    ///
    /// [`Error::Daemon`] with the status of its refusal, [`Error::Unexpected`] if what it begins with is no HTTP/2. Those
    /// of a connection.
    ///
    /// # Cancel safety
    ///
    /// Cancelling closes the connection.
    pub async fn grpc(&self) -> Result<Conn, Error> {
        let mut conn =
            self.take_over(&Path::of(["grpc"]), Some("h2c"), HeaderMap::new(), None, false).await?;
        expect_settings(&mut conn).await.map_err(|wrong| self.began(wrong))?;
        Ok(conn)
    }

    /// A connection on which the roles are changed: the daemon is the client of the HTTP/2 and gRPC server that is to be
    /// run on it. The daemon's preface is checked, and left to be read.
    ///
    /// - **Who closes?** You; dropping it closes the socket and ends the session.
    /// - **Deadlines?** None of ours; the daemon ends a session whose health it cannot ask for.
    /// - **Unread bytes?** The daemon's preface, for the server to read.
    ///
    /// # Errors
    ///
    /// [`Error::Daemon`]: 400 if the id is in use. [`Error::Unexpected`] if the daemon does not begin with a preface.
    /// [`Error::Config`] if an option is no header. Those of a connection.
    ///
    /// # Cancel safety
    ///
    /// Cancelling closes the connection.
    pub async fn session(&self, options: &SessionOptions) -> Result<Conn, Error> {
        let headers = options.headers()?;
        let mut conn = self.take_over(&Path::of(["session"]), Some("h2c"), headers, None, false).await?;
        expect_preface(&mut conn).await.map_err(|wrong| self.began(wrong))?;
        Ok(conn)
    }

    fn began(&self, wrong: Beginning) -> Error {
        match wrong {
            Beginning::Wrong(what) => Error::unexpected(self.host(), what),
            Beginning::Failed(error) => Error::talking(self.host(), error.into()),
        }
    }
}

/// Why HTTP/2 does not begin on a connection.
pub(crate) enum Beginning {
    /// What came instead.
    Wrong(String),
    /// The connection failed.
    Failed(io::Error),
}

/// Waits for the preface of a client, and leaves it to be read.
pub(crate) async fn expect_preface<Io: Stream>(conn: &mut Conn<Io>) -> Result<(), Beginning> {
    let peeked = tokio::time::timeout(PREFACE_TIME, conn.peek(HTTP2_PREFACE.len())).await;
    let begun = peeked.map_err(|_| Beginning::Wrong(format!("no HTTP/2 preface within {PREFACE_TIME:?}")))?;
    let begun = begun.map_err(Beginning::Failed)?;
    if begun.starts_with(HTTP2_PREFACE) { Ok(()) } else { Err(Beginning::Wrong(not_http2("preface", begun))) }
}

/// Looks at what a server begins with, unless it waits for its client, and leaves it to be read.
async fn expect_settings<Io: Stream>(conn: &mut Conn<Io>) -> Result<(), Beginning> {
    match tokio::time::timeout(SETTINGS_TIME, conn.peek(FRAME_HEADER_LEN)).await {
        Ok(begun) => check_settings(begun.map_err(Beginning::Failed)?).map_err(Beginning::Wrong),
        Err(_) => Ok(()),
    }
}

impl SessionOptions {
    /// What a client tells of its session; headers that are no UTF-8 are left out.
    pub(crate) fn told_in(headers: &HeaderMap) -> Self {
        let text = |value: &HeaderValue| value.to_str().ok().map(str::to_owned);
        let one = |name: &str| headers.get(name).and_then(text).unwrap_or_default();
        let methods = headers.get_all(METHOD).iter().filter_map(text);
        Self { uuid: one(UUID), name: one(NAME), shared_key: one(SHARED_KEY), methods: methods.collect() }
    }

    fn headers(&self) -> Result<HeaderMap, Error> {
        let mut headers = HeaderMap::new();
        let mut add = |name: &'static str, value: &str| {
            let value = HeaderValue::try_from(value)
                .map_err(|_| Error::Config(format!("cannot tell a daemon {value:?}: it is no header")))?;
            headers.append(HeaderName::from_static(name), value);
            Ok::<_, Error>(())
        };
        add(UUID, &self.uuid)?;
        add(NAME, &self.name)?;
        add(SHARED_KEY, &self.shared_key)?;
        for method in &self.methods {
            add(METHOD, method)?;
        }
        Ok(headers)
    }
}

/// Whether a server begins as RFC 9113 §3.4 wants it: with SETTINGS, which are no acknowledgement.
fn check_settings(begun: &[u8]) -> Result<(), String> {
    match begun.first_chunk::<FRAME_HEADER_LEN>() {
        Some(&[a, b, c, 0x4, flags, 0, 0, 0, 0])
            if flags & 0x1 == 0 && u32::from_be_bytes([0, a, b, c]).is_multiple_of(6) =>
        {
            Ok(())
        }
        _ => Err(not_http2("SETTINGS", begun)),
    }
}

fn not_http2(expected: &str, begun: &[u8]) -> String {
    let shown = begun[..begun.len().min(HTTP2_PREFACE.len())].escape_ascii();
    format!("it should begin with HTTP/2's {expected}, and begins with \"{shown}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9113 §6.5: type 4, no ACK, no stream, entries of six bytes.
    #[test]
    fn knows_a_servers_preface() {
        assert_eq!(check_settings(&[0, 0, 0, 4, 0, 0, 0, 0, 0]), Ok(()));
        assert_eq!(check_settings(&[0, 0, 18, 4, 0, 0, 0, 0, 0, 1]), Ok(()));
        for begun in [
            &b""[..],
            b"\0\0\0\x04",
            b"HTTP/1.1 400 Bad Request",
            &[0, 0, 0, 4, 1, 0, 0, 0, 0],
            &[0, 0, 5, 4, 0, 0, 0, 0, 0],
            &[0, 0, 0, 4, 0, 0, 0, 0, 1],
            &[0, 0, 0, 6, 0, 0, 0, 0, 0],
        ] {
            assert!(check_settings(begun).is_err(), "{begun:?}");
        }
    }
}
