//! What stands in for `tls` without the feature: types that nothing can be made of.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::Error;
use crate::observe::{Identity, Lease};
use crate::server::Config;
use crate::transport::Transport;

/// A TLS session: there is none without the feature `tls`.
#[derive(Debug)]
pub enum Session {}

impl Session {
    /// The transport underneath.
    #[must_use]
    pub fn transport(&self) -> &Transport {
        match *self {}
    }

    pub(crate) fn identity(&self) -> Identity {
        match *self {}
    }
}

impl AsyncRead for Session {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match *self {}
    }
}

impl AsyncWrite for Session {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        match *self {}
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match *self {}
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match *self {}
    }
}

/// Makes TLS sessions: there is none without the feature `tls`.
#[derive(Debug, Clone)]
pub(crate) enum Acceptor {}

impl Acceptor {
    #[allow(clippy::unused_async, reason = "the same signature as with the feature")]
    pub(crate) async fn accept(
        &self,
        _: Transport,
        _: Lease,
        _: &Config,
    ) -> Result<(Transport, Lease), Error> {
        match *self {}
    }
}

/// Makes TLS sessions over connections to servers: without the feature `tls` it says so.
#[derive(Debug, Clone, Default)]
pub(crate) struct Connector;

impl Connector {
    #[allow(clippy::unused_async, reason = "the same signature as with the feature")]
    pub(crate) async fn connect(&self, _: &str, _: Transport) -> io::Result<Transport> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "this program is built without the feature tls"))
    }
}
