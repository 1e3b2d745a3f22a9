//! Who gets in: what a request must be to have its connection taken over, and what is answered otherwise.
//!
//! ```text
//! request ─→ which way? ─→ allowed? (Origin, auth, authority) ─→ room? ─→ 101 or 200 ─→ conversation
//!               426 405        401 403 407                        503
//! ```
//!
//! A takeover hides what follows from every proxy on the way, its path rules and logs among it. So everything is asked
//! before the 101, and only what is named stands behind it. Names are told to nobody who is not let in.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use hijack::tls;
use hijack::tls::rustls::ServerConfig;
use hijack::tower::{Hijacker, TypedHijacker};
use hijack::ws::{self, Origins, Reject, Terms};
use hijack::{Body, Conn, Error, Identity, Peer};
use http::header::{ALLOW, HeaderValue, RETRY_AFTER};
use http::uri::Authority;
use http::{Extensions, HeaderMap, Method, Request, Response, StatusCode, Uri, request};

use crate::preface::Patience;
use crate::{Pipe, Takeover, Way};

/// The names under which a door is known.
#[derive(Clone)]
pub(crate) struct Door {
    /// The token in `Upgrade`, and the subprotocol of a WebSocket.
    token: &'static str,
    /// Whether moby's `h2c` opens it.
    pub(crate) h2c: bool,
    /// The authorities for which a `CONNECT` opens it, in lower case.
    pub(crate) authorities: Vec<String>,
    /// How WebSockets open it, if they do.
    pub(crate) websocket: Option<Arc<ws::Config>>,
    /// TLS that may begin behind the takeover.
    pub(crate) tls: Option<Arc<ServerConfig>>,
    pub(crate) max_tunnels: usize,
    /// Time for the first words behind the takeover: TLS, where that is allowed, and HTTP/2's preface, all in all.
    pub(crate) preface_timeout: Duration,
    /// Tunnels that live, behind this door and its clones.
    live: Arc<AtomicUsize>,
}

/// A request that would become a tunnel, before it does: to be looked at, marked or refused.
#[derive(Debug)]
pub struct Asked<'r> {
    way: Way,
    peer: &'r Peer,
    identity: Option<&'r Identity>,
    request: &'r mut request::Parts,
}

impl Asked<'_> {
    /// How the connection is to be taken over.
    #[must_use]
    pub fn way(&self) -> Way {
        self.way
    }

    /// The other end.
    #[must_use]
    pub fn peer(&self) -> &Peer {
        self.peer
    }

    /// Whom the client's certificates name, if it came over TLS. TLS inside the takeover has not begun yet: whom that names
    /// is known to calls ([`Takeover::identity`]).
    #[must_use]
    pub fn identity(&self) -> Option<&Identity> {
        self.identity
    }

    /// The target of the request: an authority for a `CONNECT`.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.request.uri
    }

    /// The header fields of the request.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.request.headers
    }

    /// For what was found out, such as who it is: [`Takeover::extensions`] gives it to every call.
    pub fn extensions_mut(&mut self) -> &mut Extensions {
        &mut self.request.extensions
    }
}

impl Door {
    /// Open to `token` alone.
    pub(crate) fn new(token: &'static str, max_tunnels: usize, preface_timeout: Duration) -> Self {
        Self {
            token,
            h2c: false,
            authorities: Vec::new(),
            websocket: None,
            tls: None,
            max_tunnels,
            preface_timeout,
            live: Arc::default(),
        }
    }

    /// Opens to WebSockets, from pages that `config` allows.
    pub(crate) fn open_to_websockets(&mut self, origins: Origins) {
        let mut config = ws::Config::default();
        config.origins = origins;
        config.subprotocols = vec![self.token.to_owned()];
        self.websocket = Some(Arc::new(config));
    }

    /// Answers a request: by a takeover that ends in `conversation`, or by what keeps it from being one, `gate` among it.
    pub(crate) fn answer<B, F>(
        &self,
        request: Request<B>,
        gate: impl FnOnce(&mut Asked<'_>) -> Result<(), Reject>,
        conversation: impl FnOnce(Pipe, Takeover, Patience) -> F + Send + 'static,
    ) -> Response<Body>
    where
        F: Future<Output = Result<(), Error>> + Send + 'static,
    {
        let (mut request, _) = request.into_parts();
        let Some(hijacker) = request.extensions.remove::<Hijacker>() else {
            return Reject::new(StatusCode::INTERNAL_SERVER_ERROR, NOT_OURS).into_response();
        };
        let peer = hijacker.peer();
        let Opened { way, takes, terms, place } = match self.open(hijacker, &peer, &mut request, gate) {
            Ok(opened) => opened,
            Err(answer) => return *answer,
        };
        let (tls, within) = (self.tls.clone(), self.preface_timeout);
        takes.take_over_with(move |mut conn| async move {
            let _place = place;
            let mut patience = Patience::new(within);
            if let Some(config) = tls.filter(|_| way != Way::WebSocket) {
                conn = uncover(conn, config, &mut patience).await?;
            }
            let takeover = Takeover::new(way, peer, request, &conn);
            let pipe = match terms {
                Some(terms) => Pipe::framed(terms.into_socket(conn)),
                None => Pipe::raw(conn),
            };
            conversation(pipe, takeover, patience).await
        })
    }

    fn open(
        &self,
        hijacker: Hijacker,
        peer: &Peer,
        request: &mut request::Parts,
        gate: impl FnOnce(&mut Asked<'_>) -> Result<(), Reject>,
    ) -> Result<Opened, Box<Response<Body>>> {
        let identity = hijacker.identity();
        let (way, takes) = self.choose(hijacker, request)?;
        let terms = match (way, &self.websocket) {
            (Way::WebSocket, Some(config)) => Some(self.agree(request, config).map_err(refused)?),
            _ => None,
        };
        gate(&mut Asked { way, peer, identity: identity.as_ref(), request }).map_err(refused)?;
        if way == Way::Connect {
            self.knows(request.uri.authority()).map_err(refused)?;
        }
        let place = self.place().map_err(refused)?;
        let headers = terms.as_ref().map(|terms| terms.headers().clone()).unwrap_or_default();
        Ok(Opened { way, takes: takes.headers(headers), terms, place })
    }

    /// The first way that the request takes and that is open.
    fn choose(
        &self,
        hijacker: Hijacker,
        request: &request::Parts,
    ) -> Result<(Way, TypedHijacker), Box<Response<Body>>> {
        if request.method == Method::CONNECT {
            if self.authorities.is_empty() {
                self.knows(request.uri.authority()).map_err(refused)?;
            }
            return agreed(Way::Connect, hijacker.tunnel());
        }
        let takes = hijacker.protocols(self.protocols());
        let way = match takes.protocol() {
            Some("websocket") => Way::WebSocket,
            Some("h2c") => Way::H2c,
            _ => Way::Token,
        };
        let (way, takes) = agreed(way, takes)?;
        if !matches!(request.method, Method::GET | Method::POST) {
            let refusal = Reject::new(StatusCode::METHOD_NOT_ALLOWED, "a takeover begins with GET or POST\n");
            return Err(refused(refusal.header(ALLOW, HeaderValue::from_static("GET, POST, CONNECT"))));
        }
        Ok((way, takes))
    }

    /// The protocols in `Upgrade` that open this door, best first.
    fn protocols(&self) -> Vec<&'static str> {
        let websocket = self.websocket.as_ref().map(|_| "websocket");
        [Some(self.token), websocket, self.h2c.then_some("h2c")].into_iter().flatten().collect()
    }

    /// A `CONNECT` is for a name of ours: nothing is ever dialled for it.
    pub(crate) fn knows(&self, authority: Option<&Authority>) -> Result<(), Reject> {
        let known = |authority: &&Authority| {
            self.authorities.iter().any(|known| known.eq_ignore_ascii_case(authority.as_str()))
        };
        match authority {
            Some(authority) if known(&authority) => Ok(()),
            Some(authority) => {
                let text =
                    format!("no gRPC services are known here as {authority}, and nothing is dialled\n");
                Err(Reject::new(StatusCode::FORBIDDEN, text))
            }
            None => Err(Reject::new(StatusCode::FORBIDDEN, "CONNECT wants an authority, host:port\n")),
        }
    }

    fn agree(&self, request: &request::Parts, config: &Arc<ws::Config>) -> Result<Terms, Reject> {
        let terms = Terms::agree(&request.method, request.version, &request.headers, config)?;
        if terms.subprotocol() == Some(self.token) {
            return Ok(terms);
        }
        let text = format!("gRPC's bytes go in a WebSocket of subprotocol {}\n", self.token);
        Err(Reject::new(StatusCode::BAD_REQUEST, text))
    }

    fn place(&self) -> Result<Place, Reject> {
        let max = self.max_tunnels;
        let one_more = |live: usize| (live < max).then_some(live + 1);
        if self.live.fetch_update(SeqCst, SeqCst, one_more).is_ok() {
            return Ok(Place(Arc::clone(&self.live)));
        }
        let reject = Reject::new(StatusCode::SERVICE_UNAVAILABLE, format!("max_tunnels of {max} are open\n"));
        Err(reject.header(RETRY_AFTER, HeaderValue::from_static("1")))
    }
}

/// Ends TLS here if that is what begins.
async fn uncover(mut conn: Conn, config: Arc<ServerConfig>, patience: &mut Patience) -> Result<Conn, Error> {
    let told = conn.told();
    let begins = async { conn.peek(1).await.map(|first| first.first() == Some(&CLIENT_HELLO)) };
    match patience.wait(told, begins).await {
        Ok(Ok(true)) => {}
        Ok(Ok(false)) => return Ok(conn),
        Ok(Err(error)) => return Err(error.into()),
        Err(late) => {
            conn.set_end_reason(late.reason());
            return Err(late.into_error().into());
        }
    }
    let (told, left) = (conn.told(), patience.left());
    let shaken = patience.wait(told, tls::accept(conn, config, left)).await;
    shaken.unwrap_or_else(|late| Err(late.into_error().into()))
}

/// The first byte of TLS: a record of a handshake (RFC 8446 §5.1).
const CLIENT_HELLO: u8 = 0x16;

/// A takeover that was granted.
struct Opened {
    way: Way,
    takes: TypedHijacker,
    /// Of a WebSocket.
    terms: Option<Terms>,
    place: Place,
}

/// One of the tunnels that may live at once.
struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

fn agreed(way: Way, takes: TypedHijacker) -> Result<(Way, TypedHijacker), Box<Response<Body>>> {
    if takes.refusal().is_none() {
        return Ok((way, takes));
    }
    // Without an agreement nothing is taken over: this is the answer that says why.
    Err(Box::new(takes.take_over_with(|_| async { Ok(()) })))
}

fn refused(reject: Reject) -> Box<Response<Body>> {
    Box::new(reject.into_response())
}

const NOT_OURS: &str = "this service takes connections over, and must be served by hijack\n";

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door")
            .field("protocols", &self.protocols())
            .field("authorities", &self.authorities)
            .field("live", &self.live.load(SeqCst))
            .finish_non_exhaustive()
    }
}
