//! Every limit, its name, its default and the reason for it.

use std::time::Duration;

/// What a server allows on the connections that it has taken in.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// Tunnels that may live at once. Default 1,024. A further request is answered 503.
    pub max_tunnels: usize,
    /// Calls under way in one tunnel. Default 256: HTTP/2 tells the client, whose further calls wait, and one that does
    /// not heed it has them refused.
    pub max_streams: u32,
    /// Bytes of one message of a client's. Default 4 MiB, as everywhere in gRPC; beyond it the call ends with
    /// `RESOURCE_EXHAUSTED`. What a service decodes has a limit of its own (`max_decoding_message_size`).
    pub max_message_len: usize,
    /// Bytes of the headers of one call. Default 16 KiB.
    pub max_header_len: u32,
    /// Time from the 101 to the last byte of HTTP/2's preface, a handshake of TLS inside among it. Default 10 s, as for a head
    /// of HTTP/1.1. A peer that sends something else is let go at once.
    pub preface_timeout: Duration,
    /// Silence after which the client is pinged. Default 25 s: less than the 60 s after which proxies cut what is silent.
    /// `None` never pings.
    pub keep_alive_interval: Option<Duration>,
    /// Time for the answer to such a ping. Default 20 s.
    pub keep_alive_timeout: Duration,
    /// Bytes of one call that may wait to be read. Default 1 MiB.
    ///
    /// Times [`max_streams`](Self::max_streams), or [`connection_window`](Self::connection_window) if that is less, it is what
    /// one tunnel may have us hold: lower both for clients that are trusted with less.
    pub stream_window: u32,
    /// Bytes of all calls of a tunnel that may wait to be read. Default 64 MiB: half of it is what h2 grants small frames
    /// that wait, before it ends the connection and all its calls.
    pub connection_window: u32,
    /// Time without a call under way after which the client is asked to go (GOAWAY). Default `None`: it may stay.
    pub max_idle: Option<Duration>,
    /// Age at which the client is asked to go; calls under way are finished, however long they take, and further ones go over
    /// a connection of their own. Default `None`: it may stay.
    pub max_age: Option<Duration>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_tunnels: 1_024,
            max_streams: 256,
            max_message_len: 4 * 1024 * 1024,
            max_header_len: 16 * 1024,
            preface_timeout: Duration::from_secs(10),
            keep_alive_interval: Some(KEEP_ALIVE_INTERVAL),
            keep_alive_timeout: KEEP_ALIVE_TIMEOUT,
            stream_window: STREAM_WINDOW,
            connection_window: CONNECTION_WINDOW,
            max_idle: None,
            max_age: None,
        }
    }
}

/// How a [`Channel`](crate::Channel) speaks.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ChannelConfig {
    /// Deadline of calls that name none. Default `None`: they may take for ever.
    pub deadline: Option<Duration>,
    /// Silence after which the server is pinged, calls under way or not. Default 25 s. `None` never pings.
    pub keep_alive_interval: Option<Duration>,
    /// Time for the answer to such a ping. Default 20 s; then all calls end with `UNAVAILABLE`.
    pub keep_alive_timeout: Duration,
    /// Bytes of one call that may wait to be read. Default 1 MiB.
    pub stream_window: u32,
    /// Bytes of all calls that may wait to be read. Default 64 MiB: see [`Config::connection_window`].
    pub connection_window: u32,
    /// Bytes of the headers of one answer. Default 16 KiB.
    pub max_header_len: u32,
}

impl Default for ChannelConfig {
    fn default() -> Self {
        Self {
            deadline: None,
            keep_alive_interval: Some(KEEP_ALIVE_INTERVAL),
            keep_alive_timeout: KEEP_ALIVE_TIMEOUT,
            stream_window: STREAM_WINDOW,
            connection_window: CONNECTION_WINDOW,
            max_header_len: 16 * 1024,
        }
    }
}

const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(25);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(20);
const STREAM_WINDOW: u32 = 1024 * 1024;
const CONNECTION_WINDOW: u32 = 64 * 1024 * 1024;
