//! Every limit of a WebSocket, its name, its default and the reason for it.

use std::time::Duration;

use hijack_proto::ws::deflate;
use hijack_proto::ws::handshake::Origins;

use super::Limits;

/// What a WebSocket allows, and how long it waits. Times have a grain of 100 ms and cost no timer per connection.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// Bounds on frames and messages: [`Limits`].
    pub limits: Limits,
    /// Bytes beyond which a message is not received: [`Error::Skipped`](super::Error::Skipped) tells of it, what more comes
    /// of it is thrown away, and the connection goes on, as in `golang.org/x/net/websocket`. Default `None`: a message
    /// beyond [`Limits::message_len`] ends the connection by 1009, and one beyond this must be shorter than that to be
    /// skipped. Messages that are taken [piece by piece](super::WebSocket::recv_pieces) may have any length.
    pub skip_len: Option<u64>,
    /// Bytes that may wait to be sent before senders await their turn. Default 256 KiB: some more than a socket takes
    /// at once, so that a fast peer never waits for us.
    pub queue_len: usize,
    /// Silence of the peer after which it is pinged. Default 30 s: routers that translate addresses forget silent
    /// connections after some minutes. `None` never pings.
    pub ping_after: Option<Duration>,
    /// Time that the peer has to answer such a ping by any byte. Default 30 s.
    pub pong_timeout: Duration,
    /// Time for the peer to answer our Close, whatever else it sends meanwhile. Default 5 s.
    pub close_timeout: Duration,
    /// Compression, if the peer wants it too (RFC 7692). Default `None`: it costs more time than it saves on most
    /// networks, and must not mix secrets with what others choose.
    pub deflate: Option<deflate::Config>,
    /// Which web pages may connect, on a server. Default: those of the same host, and clients that are no pages.
    pub origins: Origins,
    /// Subprotocols of a server, the one it likes best first; none by default, and none is answered then.
    pub subprotocols: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            skip_len: None,
            queue_len: 256 * 1024,
            ping_after: Some(Duration::from_secs(30)),
            pong_timeout: Duration::from_secs(30),
            close_timeout: Duration::from_secs(5),
            deflate: None,
            origins: Origins::default(),
            subprotocols: Vec::new(),
        }
    }
}
