//! The known classes of messages that ours accepts and another one refuses, each with its reason.
//!
//! A class looks at the first message that the other one did not accept, and at the one before it, never at the
//! stream as a whole: an oddity elsewhere excuses nothing.

mod requests;
mod responses;

use crate::head::{is, start_line, trailers, values};
use crate::ours::{Message, Ours};
use crate::peer::Peer;
use crate::{Role, Stream};

/// A kind of message on which implementations differ for a known reason.
#[derive(Debug)]
pub struct Class {
    /// A short name for reports.
    pub name: &'static str,
    /// Why ours accepts and a peer refuses.
    pub reason: &'static str,
    /// Whether the refusal is of this kind.
    pub holds: fn(&Refusal<'_>) -> bool,
}

impl Class {
    /// All classes of a role's messages; at most twelve.
    #[must_use]
    pub fn all(role: Role) -> &'static [Self] {
        match role {
            Role::Server => requests::CLASSES,
            Role::Client => responses::CLASSES,
        }
    }
}

/// The first message of a stream that ours accepted and a peer did not.
#[derive(Debug, Clone, Copy)]
pub struct Refusal<'a> {
    /// Who refused.
    pub peer: Peer,
    /// The whole stream.
    pub stream: &'a Stream,
    /// What ours made of it.
    pub ours: &'a Ours,
    /// The number of the message in question.
    pub index: usize,
}

impl<'a> Refusal<'a> {
    /// The first class that explains it.
    #[must_use]
    pub fn class(&self) -> Option<&'static Class> {
        Class::all(self.stream.role()).iter().find(|class| (class.holds)(self))
    }

    fn by(&self, peer: Peer) -> bool {
        self.peer == peer
    }

    fn message(&self) -> &'a Message {
        &self.ours.messages[self.index]
    }

    /// The message before the refused one.
    fn previous(&self) -> Option<&'a Message> {
        self.ours.messages.get(self.index.checked_sub(1)?)
    }

    /// The bodies, framing included, of the refused message and the one before it.
    fn recent(&self) -> impl Iterator<Item = &'a [u8]> {
        let bytes = &self.stream.bytes;
        let messages = self.previous().into_iter().chain([self.message()]);
        messages.map(|message| &bytes[message.body.clone()])
    }

    /// The refused message's head, with what was skipped in front of it: empty lines, interim responses.
    fn head(&self) -> &'a [u8] {
        &self.stream.bytes[self.message().head.clone()]
    }

    /// The refused message's body with its framing.
    fn body(&self) -> &'a [u8] {
        &self.stream.bytes[self.message().body.clone()]
    }

    /// The method that the refused response answers.
    fn method(&self) -> &'a str {
        self.stream.asks.get(self.index).map_or("", |ask| &ask.method)
    }

    /// The method that the response before the refused one answers.
    fn previous_method(&self) -> &'a str {
        let ask = self.index.checked_sub(1).and_then(|index| self.stream.asks.get(index));
        ask.map_or("", |ask| &ask.method)
    }

    /// The head of the message before the refused one; empty if there is none.
    fn previous_head(&self) -> &'a [u8] {
        self.previous().map_or(&[], |message| &self.stream.bytes[message.head.clone()])
    }

    /// A word of the refused message's first line.
    fn word(&self, number: usize) -> &'a [u8] {
        start_line(self.head()).get(number).copied().unwrap_or_default()
    }
}

const BARE_LF: Class = Class {
    name: "bare LF in a head",
    reason: "RFC 9112 §2.2 lets a recipient take a bare LF for a line end; Go and ours do, Node does not",
    holds: |refusal| refusal.by(Peer::Node) && has_bare_lf(refusal.head()),
};

const SMALLER_LIMIT: Class = Class {
    name: "smaller limit",
    reason: "ours takes heads of 64 KiB and trailers of 16 KiB; Node takes 16 KiB, Go trailers of 4 KiB",
    holds: |refusal| match refusal.peer {
        Peer::Node => refusal.head().len() >= 16 * 1024,
        Peer::Go => {
            trailers(refusal.body()).map(|(name, value)| name.len() + value.len()).sum::<usize>() > 4000
        }
    },
};

const TAB: Class = Class {
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
};

const FRAMING_TRAILERS: Class = Class {
    name: "framing fields as trailers",
    reason: "ours drops them unread (RFC 9110 §6.5.1); Node obeys them, Go refuses their announcement",
    holds: |refusal| match refusal.peer {
        Peer::Node => refusal.recent().any(has_framing_trailer),
        Peer::Go => values(refusal.head(), "trailer").any(announces_framing),
    },
};

fn has_bare_lf(head: &[u8]) -> bool {
    head.first() == Some(&b'\n') || head.windows(2).any(|pair| pair[1] == b'\n' && pair[0] != b'\r')
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

#[cfg(test)]
mod tests {
    use super::{Class, Role};

    #[test]
    fn are_few_and_told_apart_by_their_names() {
        for role in [Role::Server, Role::Client] {
            let mut names: Vec<_> = Class::all(role).iter().map(|class| class.name).collect();
            let count = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), count);
            assert!(count <= 12);
        }
    }
}
