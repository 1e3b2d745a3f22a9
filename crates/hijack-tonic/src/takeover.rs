//! What is known of the takeover behind a call.

use std::fmt;
use std::sync::Arc;

use hijack::{Conn, Identity, Peer};
use http::{Extensions, HeaderMap, Method, Uri, request};

/// How a connection was taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Way {
    /// Behind a 101 to our own token.
    Token,
    /// As the bytes of a WebSocket's binary messages.
    WebSocket,
    /// Behind the 200 to a `CONNECT`.
    Connect,
    /// Behind a 101 to `h2c`, in moby's way.
    H2c,
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Token => "token",
            Self::WebSocket => "websocket",
            Self::Connect => "connect",
            Self::H2c => "h2c",
        })
    }
}

/// The request whose connection a call came over, and who sent it: among the extensions of every call's request at a
/// [`Server`](crate::Server). Calls to a [reverse agent](crate::reverse::Agent) have none: it dialled itself.
///
/// ```
/// use hijack_tonic::Takeover;
///
/// fn who(request: &tonic::Request<()>) -> Option<String> {
///     let takeover = request.extensions().get::<Takeover>()?;
///     let user = takeover.headers().get("x-user")?;
///     Some(format!("{} at {}", user.to_str().ok()?, takeover.peer()))
/// }
/// # let _ = who;
/// ```
#[derive(Clone)]
pub struct Takeover(Arc<Inner>);

struct Inner {
    way: Way,
    peer: Peer,
    request: request::Parts,
    identity: Option<Identity>,
}

impl Takeover {
    pub(crate) fn new(way: Way, peer: Peer, request: request::Parts, conn: &Conn) -> Self {
        let identity = conn.io().identity();
        Self(Arc::new(Inner { way, peer, request, identity }))
    }

    /// How the connection was taken over.
    #[must_use]
    pub fn way(&self) -> Way {
        self.0.way
    }

    /// The other end of the connection.
    #[must_use]
    pub fn peer(&self) -> &Peer {
        &self.0.peer
    }

    /// The method of the request.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.0.request.method
    }

    /// The target of the request: an authority for a `CONNECT`.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.0.request.uri
    }

    /// The header fields of the request.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.0.request.headers
    }

    /// What [`Server::auth`](crate::Server::auth) put there, beside what layers in front did.
    #[must_use]
    pub fn extensions(&self) -> &Extensions {
        &self.0.request.extensions
    }

    /// Whom the peer's certificates name, over TLS. Where TLS began [behind the takeover](crate::Server::tls_inside) it is
    /// that session's, which speaks HTTP/2 with us, and not that of the connection around it; [`Asked::identity`] was the
    /// other one.
    ///
    /// [`Asked::identity`]: crate::Asked::identity
    #[must_use]
    pub fn identity(&self) -> Option<&Identity> {
        self.0.identity.as_ref()
    }
}

impl fmt::Debug for Takeover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Takeover")
            .field("way", &self.0.way)
            .field("peer", &self.0.peer)
            .field("uri", &self.0.request.uri)
            .finish_non_exhaustive()
    }
}
