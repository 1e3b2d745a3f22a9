//! The fields that a filter may ask for: one table, from which parser, errors, documentation and tests take them.

use crate::view::ConnectionView;

/// A field of [`ConnectionView`] as filters name it.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    /// Other names for the same.
    pub(super) synonyms: &'static [&'static str],
    pub(super) kind: Kind,
}

/// What a field holds and how it is read; this decides operators and values.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// Words; missing ones count as empty.
    Text(fn(&ConnectionView) -> &str),
    /// One of a few words.
    Choice(&'static [&'static str], fn(&ConnectionView) -> &str),
    /// The address of a client.
    Peer(fn(&ConnectionView) -> &str),
    /// Any of the tags.
    Tags,
    Number(fn(&ConnectionView) -> Option<u64>),
    /// Milliseconds.
    Duration(fn(&ConnectionView) -> Option<u64>),
    /// Bytes.
    Size(fn(&ConnectionView) -> Option<u64>),
}

impl Field {
    /// The field of this name.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        FIELDS.iter().find(|field| field.names().any(|known| known == name))
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.synonyms.iter().copied())
    }

    /// Whether larger and smaller mean something.
    pub(super) fn is_ordered(&self) -> bool {
        matches!(self.kind, Kind::Number(_) | Kind::Duration(_) | Kind::Size(_))
    }

    /// Whether a part of it can be asked for.
    pub(super) fn is_text(&self) -> bool {
        matches!(self.kind, Kind::Text(_) | Kind::Peer(_) | Kind::Tags)
    }
}

impl PartialEq for Field {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Field {}

const fn field(name: &'static str, kind: Kind) -> Field {
    Field { name, synonyms: &[], kind }
}

const fn named_also(name: &'static str, synonyms: &'static [&'static str], kind: Kind) -> Field {
    Field { name, synonyms, kind }
}

/// Every field, in the order of the documentation.
pub(super) static FIELDS: [Field; 28] = [
    field("id", Kind::Number(|view| Some(view.id))),
    field("route", Kind::Text(|view| &view.route)),
    field("peer", Kind::Peer(|view| &view.peer)),
    field("upstream", Kind::Text(|view| &view.upstream)),
    field("protocol", Kind::Text(|view| &view.protocol)),
    named_also("subject", &["user"], Kind::Text(|view| or_empty(&view.subject))),
    field("state", Kind::Choice(&["open", "closing", "closed"], |view| &view.state)),
    field("gear", Kind::Choice(&["spliced", "framed", "tapped"], |view| &view.gear)),
    field("request", Kind::Text(|view| &view.request)),
    field("subprotocol", Kind::Text(|view| or_empty(&view.subprotocol))),
    field("extensions", Kind::Text(|view| or_empty(&view.extensions))),
    field("age", Kind::Duration(|view| Some(view.age_ms))),
    field("idle", Kind::Duration(|view| Some(view.idle_ms))),
    field("bytes_in", Kind::Size(|view| Some(view.bytes_in))),
    field("bytes_out", Kind::Size(|view| Some(view.bytes_out))),
    field("bytes", Kind::Size(|view| Some(view.bytes_in.saturating_add(view.bytes_out)))),
    field("messages_in", Kind::Number(|view| Some(view.messages_in))),
    field("messages_out", Kind::Number(|view| Some(view.messages_out))),
    field("messages", Kind::Number(|view| Some(view.messages_in.saturating_add(view.messages_out)))),
    field("illegal_in", Kind::Number(|view| Some(view.illegal_in))),
    field("illegal_out", Kind::Number(|view| Some(view.illegal_out))),
    field("movable", Kind::Choice(&["true", "false"], |view| if view.movable { "true" } else { "false" })),
    field("not_movable", Kind::Text(|view| or_empty(&view.not_movable))),
    field("taps", Kind::Number(|view| Some(view.taps))),
    named_also("tag", &["tags"], Kind::Tags),
    field(
        "closed_by",
        Kind::Choice(&["client", "upstream", "gateway", "operator"], |view| or_empty(&view.closed_by)),
    ),
    field("reason", Kind::Text(|view| or_empty(&view.reason))),
    field("code", Kind::Number(|view| view.code.map(u64::from))),
];

fn or_empty(text: &Option<String>) -> &str {
    text.as_deref().unwrap_or_default()
}
