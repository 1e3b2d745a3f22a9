//! What everybody outside sees of a connection: one shape for API, events, filters, console and command line.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A taken-over connection as it stood at one moment, or as it ended. Times are milliseconds.
///
/// "In" is from the client to the upstream, "out" is from the upstream to the client.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ConnectionView {
    /// Its name in this gateway, counted from 1.
    pub id: u64,
    /// The name of the route that it came by.
    pub route: String,
    /// The client's address, `unix` for a Unix socket.
    pub peer: String,
    /// The upstream, as the configuration names it.
    pub upstream: String,
    /// The token that was agreed upon: `websocket`, `tcp`, …; `connect` for a tunnel; `raw` behind a bare 200.
    pub protocol: String,
    /// The user, from the header or cookie that the route names.
    pub subject: Option<String>,
    /// `open`, `closing` or `closed`.
    pub state: String,
    /// How it is looked at: `spliced`, `framed` or `tapped`.
    pub gear: String,
    /// The request's method and target.
    pub request: String,
    /// The WebSocket subprotocol that was agreed upon.
    pub subprotocol: Option<String>,
    /// What was agreed upon of compression: `permessage-deflate` and its parameters.
    pub extensions: Option<String>,
    /// When it was opened, since the Unix epoch.
    pub opened_at_ms: u64,
    /// Time since it was opened, until now or until its end.
    pub age_ms: u64,
    /// Time since a byte moved.
    pub idle_ms: u64,
    /// Bytes from the client.
    pub bytes_in: u64,
    /// Bytes to the client.
    pub bytes_out: u64,
    /// Whole messages from the client; WebSocket only.
    pub messages_in: u64,
    /// Whole messages to the client; WebSocket only.
    pub messages_out: u64,
    /// Frames from the client that broke RFC 6455. After one nothing more is counted in that direction.
    pub illegal_in: u64,
    /// Frames from the upstream that did.
    pub illegal_out: u64,
    /// Whether it could go on in another process.
    pub movable: bool,
    /// Why not, if not.
    pub not_movable: Option<String>,
    /// Those who look at its messages.
    pub taps: u64,
    /// Words of the operators'.
    pub tags: Vec<String>,
    /// When it ended, since the Unix epoch.
    pub closed_at_ms: Option<u64>,
    /// Who ended it: `client`, `upstream`, `gateway` or `operator`.
    pub closed_by: Option<String>,
    /// The cause, in words.
    pub reason: Option<String>,
    /// The close code of a WebSocket, as sent or received first.
    pub code: Option<u16>,
    /// The calls of gRPC inside, on routes that are marked `grpc`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls: Option<CallsView>,
    /// The request's head; with one connection only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head: Option<HeadView>,
}

/// The head of the request that was taken over. The values of credentials are not shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HeadView {
    /// The method.
    pub method: String,
    /// The target.
    pub target: String,
    /// The fields, in order.
    pub headers: Vec<(String, String)>,
}

/// The calls of gRPC inside a connection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CallsView {
    /// Who calls: `client` or `upstream`; none before the first bytes.
    pub from: Option<String>,
    /// How many there were.
    pub begun: u64,
    /// How many are under way.
    pub open: u64,
    /// How many more there were than can be followed at once, so that nothing is known of them.
    pub not_followed: u64,
    /// Why no further calls are followed, if that is so.
    pub lost: Option<String>,
    /// How many ended with each status.
    pub ended: BTreeMap<String, u64>,
    /// The newest that have ended, then those under way; with one connection only. The newest ten of one that is closed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub list: Vec<CallView>,
}

impl CallsView {
    /// With so many of the listed calls at the most.
    pub(crate) fn newest(mut self, most: usize) -> Self {
        self.list.drain(..self.list.len().saturating_sub(most));
        self
    }
}

/// A call of gRPC. "In" is from the connection's client, whoever calls.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CallView {
    /// The number of its stream in HTTP/2.
    pub stream: u32,
    /// As `/package.Service/Method`.
    pub method: String,
    /// When it began, since the Unix epoch.
    pub began_at_ms: u64,
    /// How long it took, or has taken until now.
    pub duration_ms: u64,
    /// Messages from the connection's client.
    pub messages_in: u64,
    /// Messages to it.
    pub messages_out: u64,
    /// How it ended, as `DEADLINE_EXCEEDED`; none while it is under way. Of a stream that was reset, what that means.
    pub status: Option<String>,
    /// What the server said of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Who reset its stream: `client` or `upstream`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reset_by: Option<String>,
}

/// One message or piece of a stream, as whoever looks at a connection sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MessageView {
    /// Counted from 1 since somebody looks, both directions together.
    pub seq: u64,
    /// When it was complete, since the Unix epoch, in milliseconds.
    pub at_ms: u64,
    /// Who sent it: `client`, `upstream`, `gateway` (a ping) or `operator` (an injected message).
    pub from: String,
    /// Whom it went to: `client` or `upstream`.
    pub to: String,
    /// `text`, `binary`, `ping`, `pong`, `close`, or `data` for a stream without messages. Of Docker's streams `stdin`, `stdout`,
    /// `stderr`, `error` for the daemon's own, and `output` for a terminal's, which is not told apart.
    pub opcode: String,
    /// Bytes of the payload; of a compressed one that nobody inflates, as it travelled.
    pub size: u64,
    /// Whether the payload is still compressed, so that it is not shown.
    pub compressed: bool,
    /// Whether only the beginning is shown.
    pub truncated: bool,
    /// The payload, where it is text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The payload in base64, where it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
    /// Of a close: its code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
}
