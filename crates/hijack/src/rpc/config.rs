//! Every limit of net/rpc, its name, its default and the reason for it.

use std::time::Duration;

/// What a connection allows, and how long it waits, in either role.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// Bytes of one call or answer that is received. Default 16 MiB; a longer one ends the connection where it says its
    /// length, before memory is taken for it.
    pub message_len: usize,
    /// Calls under way at once on one connection. Default 1,024. A client's further ones wait for their turn; a server
    /// reads no further ones meanwhile, and TCP makes its client wait.
    pub in_flight: usize,
    /// Bytes that may wait to be sent before further calls wait for their turn, and before a server reads no further
    /// ones. Default 256 KiB: some more than a socket takes at once, so that a fast peer never waits for us. One message
    /// may exceed it, and so may the answers of a server's calls that are under way already.
    pub queue_len: usize,
    /// Time without the peer taking a byte of what waits to be sent. Default 30 s; then the connection ends.
    pub write_timeout: Duration,
    /// Time for a call of a client's, unless it says otherwise. Default `None`: there are calls that are meant to take
    /// hours, and a server that is gone is found by TCP's probes.
    pub call_timeout: Option<Duration>,
    /// Time for the answer to the CONNECT. Default 10 s.
    pub connect_timeout: Duration,
    /// Time that a connection which we end is still read, so that the peer sees our last answers. Default 2 s.
    pub linger_timeout: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            message_len: 16 << 20,
            in_flight: 1024,
            queue_len: 256 * 1024,
            write_timeout: Duration::from_secs(30),
            call_timeout: None,
            connect_timeout: Duration::from_secs(10),
            linger_timeout: Duration::from_secs(2),
        }
    }
}
