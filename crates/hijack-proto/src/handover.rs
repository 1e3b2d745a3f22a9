//! May this exchange be taken over, and what is answered? Pure decisions over heads, for both roles.
//!
//! A *raw* takeover needs none of them: whoever writes no answer, or one by hand, knows what the peer expects.
//! These are the rules of the *typed* ways: an upgrade (RFC 9110 §7.8), a `CONNECT` (RFC 9110 §9.3.6), and a
//! head that is sent before the handover.

use std::fmt;

use http::header::{
    ALLOW, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue, TRANSFER_ENCODING, UPGRADE,
};
use http::{Method, StatusCode, Version};

use crate::head::{Field, RequestHead, ResponseHead};
use crate::tokens;

/// Why a typed takeover is refused, on the server's side.
///
/// [`status`](Refusal::status) and [`put_headers`](Refusal::put_headers) make the ordinary answer that tells
/// the client.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The request offers no protocol: no `Upgrade`, or `Connection` does not list it.
    NoOffer,
    /// None of the offered protocols is one of ours.
    NoCommonProtocol,
    /// HTTP/1.0 knows no upgrade: what it says of one must be ignored (RFC 9110 §7.8).
    Http10,
    /// The upgraded protocol begins behind the request, whose body is not read yet (RFC 9110 §7.8). Read it,
    /// then upgrade.
    BodyUnread,
    /// A tunnel was to be accepted, but the method is not `CONNECT`.
    NotConnect,
    /// A `CONNECT` with a body: some readers would take the tunnel's first bytes for it (RFC 9110 §9.3.6).
    ConnectBody,
    /// The answer is a 101 without `Connection: upgrade` and exactly one protocol in `Upgrade`
    /// (RFC 9110 §15.2.2).
    Bare101,
    /// The answer upgrades to a protocol that was not offered (RFC 9110 §7.8).
    NotOffered,
    /// The answer to a `CONNECT` has a length or a coding, which a tunnel must not have (RFC 9110 §9.3.6).
    FramedTunnel,
    /// The answer is an interim one, behind which the client still waits for the final one.
    Interim(StatusCode),
}

impl Refusal {
    /// The status of the ordinary answer that tells this to the client.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NoOffer | Self::NoCommonProtocol | Self::Http10 => StatusCode::UPGRADE_REQUIRED,
            Self::NotConnect => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyUnread | Self::ConnectBody => StatusCode::BAD_REQUEST,
            // The rest are mistakes of the server.
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Adds the headers that this answer must have: the protocols that would be accepted
    /// (RFC 9110 §15.5.22), the method that is allowed (RFC 9110 §15.5.6), and the text's type.
    ///
    /// `supported` is a list such as `websocket, echo`.
    pub fn put_headers(&self, supported: Option<HeaderValue>, headers: &mut HeaderMap) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        match (self.status(), supported) {
            (StatusCode::UPGRADE_REQUIRED, Some(supported)) => {
                headers.insert(UPGRADE, supported);
                headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
            }
            (StatusCode::METHOD_NOT_ALLOWED, _) => {
                headers.insert(ALLOW, HeaderValue::from_static("CONNECT"));
            }
            _ => {}
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoOffer => f.write_str("the request offers no upgrade"),
            Self::NoCommonProtocol => f.write_str("none of the offered protocols is supported here"),
            Self::Http10 => f.write_str("an upgrade needs HTTP/1.1"),
            Self::BodyUnread => f.write_str("the request's body is to be read before the upgrade"),
            Self::NotConnect => f.write_str("only CONNECT opens a tunnel"),
            Self::ConnectBody => f.write_str("CONNECT with a body"),
            Self::Bare101 => f.write_str("101 needs connection: upgrade and one protocol in upgrade"),
            Self::NotOffered => f.write_str("the client did not offer the protocol of the answer"),
            Self::FramedTunnel => f.write_str("a tunnel has neither content-length nor transfer-encoding"),
            Self::Interim(status) => write!(f, "interim status {} ends no exchange", status.as_u16()),
        }
    }
}

impl std::error::Error for Refusal {}

/// The protocols that a request offers, best first; none if it cannot be upgraded.
///
/// RFC 9110 §7.8: `Upgrade` counts only where `Connection` lists it, and never in HTTP/1.0.
pub fn offers(head: &RequestHead) -> impl Iterator<Item = &[u8]> {
    let counts = head.version() == Version::HTTP_11 && head.connection_has("upgrade");
    counts.then(|| head.list("upgrade")).into_iter().flatten()
}

/// Chooses the first of `supported` that the request offers; names compare without case.
///
/// `body_read` says whether the request's body was read, or there is none.
///
/// # Errors
///
/// The [`Refusal`] to answer with.
pub fn choose_upgrade<S: AsRef<str>>(
    head: &RequestHead,
    body_read: bool,
    supported: impl IntoIterator<Item = S>,
) -> Result<S, Refusal> {
    if head.version() == Version::HTTP_10 {
        return Err(Refusal::Http10);
    }
    if offers(head).next().is_none() {
        return Err(Refusal::NoOffer);
    }
    let offered = |protocol: &str| offers(head).any(|offer| offer.eq_ignore_ascii_case(protocol.as_bytes()));
    let legal = |protocol: &str| tokens::is_protocol(protocol.as_bytes()) && offered(protocol);
    let chosen = supported.into_iter().find(|protocol| legal(protocol.as_ref()));
    let chosen = chosen.ok_or(Refusal::NoCommonProtocol)?;
    if body_read { Ok(chosen) } else { Err(Refusal::BodyUnread) }
}

/// Whether a tunnel may be accepted. HTTP/1.0 may ask for one: Go's net/rpc does.
///
/// # Errors
///
/// The [`Refusal`] to answer with.
pub fn check_connect(head: &RequestHead) -> Result<(), Refusal> {
    if *head.method() != Method::CONNECT {
        return Err(Refusal::NotConnect);
    }
    if head.fields().has(Field::ContentLength) || head.fields().has(Field::TransferEncoding) {
        return Err(Refusal::ConnectBody);
    }
    Ok(())
}

/// Whether `status` and `headers` may be sent to `request` as the last words of HTTP, with the raw connection
/// behind them.
///
/// Any final status may, framed or not: what its headers promise of the bytes behind it is the sender's. A 101
/// is checked as a typed upgrade is, a tunnel must have no length.
///
/// # Errors
///
/// A [`Refusal`].
pub fn check_last_head(
    request: &RequestHead,
    status: StatusCode,
    headers: &HeaderMap,
) -> Result<(), Refusal> {
    if status == StatusCode::SWITCHING_PROTOCOLS {
        if request.version() == Version::HTTP_10 {
            return Err(Refusal::Http10);
        }
        let protocol = sole_protocol(headers).ok_or(Refusal::Bare101)?;
        let offered = offers(request).any(|offer| offer.eq_ignore_ascii_case(protocol));
        return if offered { Ok(()) } else { Err(Refusal::NotOffered) };
    }
    if status.is_informational() {
        return Err(Refusal::Interim(status));
    }
    let framed = headers.contains_key(CONTENT_LENGTH) || headers.contains_key(TRANSFER_ENCODING);
    if *request.method() == Method::CONNECT && status.is_success() && framed {
        return Err(Refusal::FramedTunnel);
    }
    Ok(())
}

/// Why an answer opens no connection, on the client's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mismatch {
    /// Another status than the one that opens it.
    Status(StatusCode),
    /// A 101 without `Connection: upgrade` and one protocol in `Upgrade`.
    Bare101,
    /// A 101 to a protocol that was not offered.
    Protocol,
    /// A length or a coding where the raw connection was to begin.
    Framed,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "the server answered {status}"),
            Self::Bare101 => f.write_str("101 without connection: upgrade and one protocol in upgrade"),
            Self::Protocol => f.write_str("101 to a protocol that was not offered"),
            Self::Framed => f.write_str("the answer has a length or a coding, so it is no raw connection"),
        }
    }
}

impl std::error::Error for Mismatch {}

/// Whether `answer` upgrades to one of the `offered` protocols, and to which (RFC 9110 §7.8).
///
/// # Errors
///
/// A [`Mismatch`]; after [`Mismatch::Status`] the connection is still HTTP's.
pub fn verify_upgrade<S: AsRef<str>>(
    answer: &ResponseHead,
    offered: impl IntoIterator<Item = S>,
) -> Result<S, Mismatch> {
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Err(Mismatch::Status(answer.status()));
    }
    let lines = answer.known();
    let protocol = sole(lines.list("upgrade"), lines.connection_has("upgrade")).ok_or(Mismatch::Bare101)?;
    let is_offer = |offer: &S| protocol.eq_ignore_ascii_case(offer.as_ref().as_bytes());
    offered.into_iter().find(is_offer).ok_or(Mismatch::Protocol)
}

/// Whether `answer` opens the tunnel that a `CONNECT` asked for: any 2xx, whatever its headers say
/// (RFC 9110 §9.3.6).
///
/// # Errors
///
/// A [`Mismatch`]: there is no tunnel.
pub fn verify_connect(answer: &ResponseHead) -> Result<(), Mismatch> {
    if answer.status().is_success() { Ok(()) } else { Err(Mismatch::Status(answer.status())) }
}

/// Whether a 200 is the start of a raw stream, as Docker's daemon answers clients that ask for no upgrade: it
/// has neither length nor coding.
///
/// # Errors
///
/// A [`Mismatch`].
pub fn verify_raw_stream(answer: &ResponseHead) -> Result<(), Mismatch> {
    if answer.status() != StatusCode::OK {
        return Err(Mismatch::Status(answer.status()));
    }
    let fields = answer.known().fields();
    let framed = fields.has(Field::ContentLength) || fields.has(Field::TransferEncoding);
    if framed { Err(Mismatch::Framed) } else { Ok(()) }
}

/// The protocol of a 101: exactly one, with `Connection` listing `upgrade` (RFC 9110 §15.2.2).
fn sole_protocol(headers: &HeaderMap) -> Option<&[u8]> {
    sole(tokens::list(headers, &UPGRADE), tokens::contains(headers, &CONNECTION, "upgrade"))
}

fn sole<'h>(mut protocols: impl Iterator<Item = &'h [u8]>, connection_has_it: bool) -> Option<&'h [u8]> {
    let protocol = protocols.next().filter(|protocol| tokens::is_protocol(protocol))?;
    (protocols.next().is_none() && connection_has_it).then_some(protocol)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::Limits;

    fn request(text: &'static str) -> RequestHead {
        RequestHead::parse(Bytes::from_static(text.as_bytes()), &Limits::default()).expect("legal")
    }

    fn answer(text: &'static str) -> ResponseHead {
        ResponseHead::parse(Bytes::from_static(text.as_bytes()), &Limits::default()).expect("legal")
    }

    /// RFC 9110 §7.8; behaviours 21 and 40.
    #[test]
    fn chooses_only_what_is_offered_over_http11() {
        let table = [
            ("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: ECHO\r\n\r\n", true, Ok("echo")),
            (
                "GET / HTTP/1.1\r\nHost: a\r\nConnection: x, upgrade\r\nUpgrade: a, chat/2\r\n\r\n",
                true,
                Ok("chat/2"),
            ),
            (
                "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n",
                false,
                Err(Refusal::BodyUnread),
            ),
            (
                "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: ech, echo2\r\n\r\n",
                true,
                Err(Refusal::NoCommonProtocol),
            ),
            (
                "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrades\r\nUpgrade: echo\r\n\r\n",
                true,
                Err(Refusal::NoOffer),
            ),
            ("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: echo\r\n\r\n", true, Err(Refusal::NoOffer)),
            ("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n\r\n", true, Err(Refusal::NoOffer)),
            ("GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n", true, Err(Refusal::Http10)),
        ];
        for (text, body_read, expected) in table {
            let chosen = choose_upgrade(&request(text), body_read, ["echo", "chat/2"]);
            assert_eq!(chosen, expected, "{text}");
        }
    }

    /// RFC 9110 §9.3.6; behaviour 21: Go's rpc client asks over HTTP/1.0 with bare LF.
    #[test]
    fn accepts_connect_without_a_body() {
        assert_eq!(check_connect(&request("CONNECT /_goRPC_ HTTP/1.0\n\n")), Ok(()));
        assert_eq!(check_connect(&request("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n")), Ok(()));
        let body = request("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(check_connect(&body), Err(Refusal::ConnectBody));
        assert_eq!(check_connect(&request("GET / HTTP/1.0\r\n\r\n")), Err(Refusal::NotConnect));
    }

    /// RFC 9110 §15.2.2 and §9.3.6.
    #[test]
    fn checks_the_last_head() {
        let asks = request("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: tcp\r\n\r\n");
        let connect = request("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n");
        let check = |request: &RequestHead, text| {
            let answer = answer(text);
            check_last_head(request, answer.status(), answer.headers())
        };
        assert_eq!(check(&asks, "HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"), Ok(()));
        assert_eq!(check(&asks, "HTTP/1.1 101 X\r\n\r\n"), Err(Refusal::Bare101));
        assert_eq!(check(&asks, "HTTP/1.1 101 X\r\nUpgrade: tcp\r\n\r\n"), Err(Refusal::Bare101));
        let two = "HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: tcp, udp\r\n\r\n";
        assert_eq!(check(&asks, two), Err(Refusal::Bare101));
        let other = "HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: udp\r\n\r\n";
        assert_eq!(check(&asks, other), Err(Refusal::NotOffered));
        assert_eq!(check(&asks, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), Ok(()));
        assert_eq!(check(&asks, "HTTP/1.1 100 X\r\n\r\n"), Err(Refusal::Interim(StatusCode::CONTINUE)));
        let framed = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
        assert_eq!(check(&connect, framed), Err(Refusal::FramedTunnel));
        assert_eq!(check(&connect, "HTTP/1.0 200 Connected to Go RPC\n\n"), Ok(()));
    }

    /// Design §4.9: a tunnel starts only after a verified answer.
    #[test]
    fn verifies_answers_for_the_client() {
        let upgrade = |text| verify_upgrade(&answer(text), ["echo", "tcp"]);
        assert_eq!(upgrade("HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: TCP\r\n\r\n"), Ok("tcp"));
        assert_eq!(
            upgrade("HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"),
            Err(Mismatch::Protocol)
        );
        assert_eq!(upgrade("HTTP/1.1 101 X\r\nupgrade: tcp\r\n\r\n"), Err(Mismatch::Bare101));
        assert_eq!(upgrade("HTTP/1.1 200 OK\r\n\r\n"), Err(Mismatch::Status(StatusCode::OK)));
        assert_eq!(verify_connect(&answer("HTTP/1.1 299 X\r\nContent-Length: 3\r\n\r\n")), Ok(()));
        let refused = verify_connect(&answer("HTTP/1.1 407 X\r\n\r\n"));
        assert_eq!(refused, Err(Mismatch::Status(StatusCode::PROXY_AUTHENTICATION_REQUIRED)));
        assert_eq!(verify_raw_stream(&answer("HTTP/1.1 200 OK\r\n\r\n")), Ok(()));
        let chunked = answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        assert_eq!(verify_raw_stream(&chunked), Err(Mismatch::Framed));
    }
}
