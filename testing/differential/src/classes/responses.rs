//! Responses that our client accepts and another one refuses.

use super::{BARE_LF, Class, FRAMING_TRAILERS, Refusal, SMALLER_LIMIT, TAB};
use crate::head::{heads, is, lists, values};
use crate::peer::Peer;

pub(super) const CLASSES: &[Class] = &[
    BARE_LF,
    SMALLER_LIMIT,
    TAB,
    FRAMING_TRAILERS,
    Class {
        name: "HEAD answered without a length",
        reason: "the connection goes on behind it (RFC 9112 §6.3 rule 1); Node waits for the end of a body",
        holds: |refusal| {
            refusal.by(Peer::Node)
                && refusal.previous_method() == "HEAD"
                && !heads(refusal.previous_head()).last().is_some_and(|head| declares_length(head))
        },
    },
    Class {
        name: "CONNECT answered by no tunnel",
        reason: "an ordinary response (RFC 9110 §9.3.6), behind which ours goes on; Node takes over behind any \
                 head, be it interim, Go closes",
        holds: |refusal| match refusal.peer {
            Peer::Node => refusal.method() == "CONNECT" && !refusal.word(1).starts_with(b"2"),
            Peer::Go => refusal.previous_method() == "CONNECT",
        },
    },
    Class {
        name: "bytes behind a response",
        reason: "they spoil the connection, not the response that came in front of them; Node drops both",
        holds: |refusal| refusal.by(Peer::Node) && refusal.is_followed(),
    },
    Class {
        name: "ambiguous length where no body is",
        reason: "no field gives these responses a body (RFC 9112 §6.3 rules 1 and 2), so ours does not read any",
        holds: |refusal| refusal.heads_without_body().iter().any(|head| has_ambiguous_length(head)),
    },
    Class {
        name: "connection kept for other reasons",
        reason: "ours reads Connection and nothing else (RFC 9112 §9.3); Node obeys Proxy-Connection and \
                 Keep-Alive too",
        holds: |refusal| {
            let keep_alive = values(refusal.previous_head(), "keep-alive").next();
            refusal.by(Peer::Node)
                && (lists(refusal.previous_head(), "proxy-connection", "close") || keep_alive.is_some())
        },
    },
    Class {
        name: "interim response that ends the connection",
        reason: "the final one is still to come (RFC 9110 §15.2), and says itself what is behind it; Node closes",
        holds: |refusal| {
            refusal.by(Peer::Node)
                && refusal.interims().iter().any(|head| {
                    lists(head, "connection", "close")
                        || lists(head, "proxy-connection", "close")
                        || head.starts_with(b"HTTP/1.0")
                })
        },
    },
];

/// Whether llhttp finds a length: `chunked` last of all, with no more than spaces behind it.
fn declares_length(head: &[u8]) -> bool {
    let last_coding =
        values(head, "transfer-encoding").last().and_then(|list| list.rsplit(|&byte| byte == b',').next());
    let has_tab_behind = |coding: &[u8]| coding.iter().rfind(|&&byte| byte != b' ') == Some(&b'\t');
    let is_chunked = |coding: &[u8]| is(coding.trim_ascii(), "chunked") && !has_tab_behind(coding);
    values(head, "content-length").next().is_some() || last_coding.is_some_and(is_chunked)
}

fn has_ambiguous_length(head: &[u8]) -> bool {
    let is_length = |text: &[u8]| {
        std::str::from_utf8(text.trim_ascii())
            .is_ok_and(|text| text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<i64>().is_ok())
    };
    let is_chunked = |coding: &[u8]| is(coding.trim_ascii(), "chunked");
    let lengths = values(head, "content-length").count();
    let codings = values(head, "transfer-encoding").count();
    lengths + codings > 1
        || !values(head, "content-length").all(is_length)
        || !values(head, "transfer-encoding").all(is_chunked)
}

impl Refusal<'_> {
    /// Whether the server sent something behind the refused response that nobody had asked for yet.
    fn is_followed(&self) -> bool {
        let end = self.message().body.end;
        self.stream.segments().any(|segment| segment.start < end && end < segment.end)
    }

    /// The heads in front of the final one.
    fn interims(&self) -> Vec<&[u8]> {
        let mut heads = heads(self.head());
        heads.pop();
        heads
    }

    fn heads_without_body(&self) -> Vec<&[u8]> {
        if self.has_no_body() { heads(self.head()) } else { self.interims() }
    }

    fn has_no_body(&self) -> bool {
        let status = &self.message().accepted.start[..];
        let is_tunnel = self.method() == "CONNECT" && status.starts_with(b"2");
        is_tunnel || self.method() == "HEAD" || [&b"101"[..], b"204", b"304"].contains(&status)
    }
}
