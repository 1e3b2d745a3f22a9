//! The known classes of requests that ours accepts and another server refuses, each with its reason.
//!
//! A class looks at the first request that the other server did not accept, and at the one before it, never at
//! the stream as a whole: an oddity elsewhere excuses nothing.

use crate::head::{is, request_line, trailers, values};
use crate::ours::{Ours, Request};
use crate::peer::Peer;

/// A kind of request on which servers differ for a known reason.
#[derive(Debug)]
pub struct Class {
    /// A short name for reports.
    pub name: &'static str,
    /// Why ours accepts and a peer refuses.
    pub reason: &'static str,
    /// Whether the refusal is of this kind.
    pub holds: fn(&Refusal<'_>) -> bool,
}

/// The first request of a stream that ours accepted and a peer did not.
#[derive(Debug, Clone, Copy)]
pub struct Refusal<'a> {
    /// Who refused.
    pub peer: Peer,
    /// The whole stream.
    pub stream: &'a [u8],
    /// What ours made of it.
    pub ours: &'a Ours,
    /// The number of the request in question.
    pub index: usize,
}

/// All of them; at most twelve.
pub const CLASSES: &[Class] = &[
    Class {
        name: "bare LF in a head",
        reason: "RFC 9112 §2.2 lets a recipient take a bare LF for a line end; Go and ours do, Node does not",
        holds: |refusal| refusal.by(Peer::Node) && has_bare_lf(refusal.head()),
    },
    Class {
        name: "empty line before a request",
        reason: "RFC 9112 §2.2 asks servers to skip one; ours and Node do, Go only behind a POST",
        holds: |refusal| refusal.by(Peer::Go) && matches!(refusal.head(), [b'\r' | b'\n', ..]),
    },
    Class {
        name: "method unknown to Node",
        reason: "a method is any token (RFC 9110 §9.1); llhttp has a fixed list",
        holds: |refusal| refusal.by(Peer::Node) && !NODE_METHODS.contains(&refusal.word(0)),
    },
    Class {
        name: "target outside llhttp's tables",
        reason: "ours passes UTF-8 bytes on as Go does, and any scheme of RFC 3986 §3.1; llhttp wants ASCII and \
                 letters",
        holds: |refusal| {
            refusal.by(Peer::Node)
                && (!refusal.word(1).is_ascii() || has_scheme_not_of_letters(refusal.word(1)))
        },
    },
    Class {
        name: "stray percent sign in a path",
        reason: "ours passes a target on and decodes nothing; Go parses it into a URL and wants two hex digits",
        holds: |refusal| refusal.by(Peer::Go) && has_stray_percent(refusal.word(1)),
    },
    Class {
        name: "smaller limit",
        reason: "ours takes heads of 64 KiB and trailers of 16 KiB; Node takes 16 KiB, Go trailers of 4 KiB",
        holds: |refusal| match refusal.peer {
            Peer::Node => refusal.head().len() >= 16 * 1024,
            Peer::Go => {
                trailers(refusal.body()).map(|(name, value)| name.len() + value.len()).sum::<usize>() > 4000
            }
        },
    },
    Class {
        name: "tab around a value",
        reason: "a tab is as good as a space around a value (RFC 9110 §5.6.3); llhttp takes only spaces around \
                 lengths, codings and connection options",
        holds: |refusal| {
            let has_tab = |head, name| values(head, name).any(|value| value.contains(&b'\t'));
            refusal.by(Peer::Node)
                && (has_tab(refusal.head(), "content-length")
                    || has_tab(refusal.head(), "transfer-encoding")
                    || has_tab(refusal.previous_head(), "connection"))
        },
    },
    Class {
        name: "framing fields as trailers",
        reason: "ours drops them unread (RFC 9110 §6.5.1); Node obeys them, Go refuses their announcement",
        holds: |refusal| match refusal.peer {
            Peer::Node => refusal.recent().any(has_framing_trailer),
            Peer::Go => values(refusal.head(), "trailer").any(announces_framing),
        },
    },
    Class {
        name: "connection kept for other reasons",
        reason: "ours reads all Connection lines and nothing else (RFC 9112 §9.3); Node obeys Proxy-Connection \
                 too, Go reads the first line alone from HTTP/1.0",
        holds: |refusal| match refusal.peer {
            Peer::Node => lists(refusal.previous_head(), "proxy-connection", "close"),
            Peer::Go => {
                request_line(refusal.previous_head()).last() == Some(&&b"HTTP/1.0"[..])
                    && values(refusal.previous_head(), "connection").nth(1).is_some()
            }
        },
    },
    Class {
        name: "request behind a declined upgrade",
        reason: "an upgrade may be ignored (RFC 9110 §7.8), and HTTP goes on; Node drops what it has read already",
        holds: |refusal| {
            refusal.by(Peer::Node)
                && lists(refusal.previous_head(), "connection", "upgrade")
                && values(refusal.previous_head(), "upgrade").next().is_some()
        },
    },
];

impl<'a> Refusal<'a> {
    /// The first class that explains it.
    #[must_use]
    pub fn class(&self) -> Option<&'static Class> {
        CLASSES.iter().find(|class| (class.holds)(self))
    }

    fn by(&self, peer: Peer) -> bool {
        self.peer == peer
    }

    fn request(&self) -> &'a Request {
        &self.ours.requests[self.index]
    }

    /// The request before the refused one.
    fn previous(&self) -> Option<&'a Request> {
        self.ours.requests.get(self.index.checked_sub(1)?)
    }

    /// The bodies, framing included, of the refused request and the one before it.
    fn recent(&self) -> impl Iterator<Item = &'a [u8]> {
        let stream = self.stream;
        let requests = self.previous().into_iter().chain([self.request()]);
        requests.map(|request| &stream[request.body.clone()])
    }

    /// The refused request's head, with the empty lines in front of it.
    fn head(&self) -> &'a [u8] {
        &self.stream[self.request().head.clone()]
    }

    /// The refused request's body with its framing.
    fn body(&self) -> &'a [u8] {
        &self.stream[self.request().body.clone()]
    }

    /// The head of the request before the refused one; empty if there is none.
    fn previous_head(&self) -> &'a [u8] {
        self.previous().map_or(&[], |request| &self.stream[request.head.clone()])
    }

    /// A word of the refused request's first line: method, target, version.
    fn word(&self, number: usize) -> &'a [u8] {
        request_line(self.head()).get(number).copied().unwrap_or_default()
    }
}

fn has_bare_lf(head: &[u8]) -> bool {
    head.first() == Some(&b'\n') || head.windows(2).any(|pair| pair[1] == b'\n' && pair[0] != b'\r')
}

fn has_scheme_not_of_letters(target: &[u8]) -> bool {
    let scheme = target.windows(3).position(|window| window == b"://");
    scheme.is_some_and(|end| target[0] != b'/' && !target[..end].iter().all(u8::is_ascii_alphabetic))
}

fn has_stray_percent(target: &[u8]) -> bool {
    let mut parts = target.split(|&byte| byte == b'%').skip(1);
    parts.any(|part| part.len() < 2 || !part[..2].iter().all(u8::is_ascii_hexdigit))
}

/// Whether a field lists a word.
fn lists(head: &[u8], name: &'static str, word: &str) -> bool {
    let mut elements = values(head, name).flat_map(|value| value.split(|&byte| byte == b','));
    elements.any(|element| is(element.trim_ascii(), word))
}

fn has_framing_trailer(body: &[u8]) -> bool {
    trailers(body).any(|(name, _)| FRAMING.iter().any(|framing| is(name, framing)))
}

fn announces_framing(list: &[u8]) -> bool {
    let mut names = list.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
    names.any(|name| FRAMING.iter().any(|framing| is(name, framing)))
}

/// Fields that Node obeys in trailers, or that Go wants nobody to announce.
const FRAMING: &[&str] =
    &["content-length", "transfer-encoding", "trailer", "connection", "proxy-connection", "upgrade"];

/// The value of `http.METHODS`; `CONNECT` stands there as well.
const NODE_METHODS: &[&[u8]] = &[
    b"ACL",
    b"BIND",
    b"CHECKOUT",
    b"CONNECT",
    b"COPY",
    b"DELETE",
    b"GET",
    b"HEAD",
    b"LINK",
    b"LOCK",
    b"M-SEARCH",
    b"MERGE",
    b"MKACTIVITY",
    b"MKCALENDAR",
    b"MKCOL",
    b"MOVE",
    b"NOTIFY",
    b"OPTIONS",
    b"PATCH",
    b"POST",
    b"PROPFIND",
    b"PROPPATCH",
    b"PURGE",
    b"PUT",
    b"QUERY",
    b"REBIND",
    b"REPORT",
    b"SEARCH",
    b"SOURCE",
    b"SUBSCRIBE",
    b"TRACE",
    b"UNBIND",
    b"UNLINK",
    b"UNLOCK",
    b"UNSUBSCRIBE",
];
