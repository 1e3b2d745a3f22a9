//! Requests that our server accepts and another one refuses.

use super::{BARE_LF, Class, FRAMING_TRAILERS, SMALLER_LIMIT, TAB};
use crate::head::{lists, start_line, values};
use crate::peer::Peer;

pub(super) const CLASSES: &[Class] = &[
    BARE_LF,
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
    SMALLER_LIMIT,
    TAB,
    FRAMING_TRAILERS,
    Class {
        name: "connection kept for other reasons",
        reason: "ours reads all Connection lines and nothing else (RFC 9112 §9.3); Node obeys Proxy-Connection \
                 too, Go reads the first line alone from HTTP/1.0",
        holds: |refusal| match refusal.peer {
            Peer::Node => lists(refusal.previous_head(), "proxy-connection", "close"),
            Peer::Go => {
                start_line(refusal.previous_head()).last() == Some(&&b"HTTP/1.0"[..])
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

fn has_scheme_not_of_letters(target: &[u8]) -> bool {
    let scheme = target.windows(3).position(|window| window == b"://");
    scheme.is_some_and(|end| target[0] != b'/' && !target[..end].iter().all(u8::is_ascii_alphabetic))
}

fn has_stray_percent(target: &[u8]) -> bool {
    let mut parts = target.split(|&byte| byte == b'%').skip(1);
    parts.any(|part| part.len() < 2 || !part[..2].iter().all(u8::is_ascii_hexdigit))
}

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
