//! TLS, by rustls, in both roles.
//!
//! A configuration made here offers ALPN `http/1.1` and nothing else: HTTP/2 connections cannot be taken over
//! whole. Bring your own with [`Listener::with_tls`](crate::Listener::with_tls) or
//! [`ClientBuilder::tls`](crate::ClientBuilder::tls) where more is wanted.

mod client;
mod inside;
mod server;

use std::fmt;
use std::io::{self, IoSlice};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::TlsStream;
pub use tokio_rustls::rustls;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;

use crate::Error;
use crate::observe::Identity;
use crate::transport::Transport;

pub(crate) use client::Connector;
pub use client::{client_config, client_config_with};
pub use inside::accept;
pub(crate) use server::Acceptor;
pub use server::server_config;

/// A TLS session over another transport.
#[derive(Debug)]
pub struct Session(Box<TlsStream<Transport>>);

impl Session {
    /// The transport underneath.
    #[must_use]
    pub fn transport(&self) -> &Transport {
        self.0.get_ref().0
    }

    /// The state of the session: version, cipher, ALPN, certificates of the peer.
    #[must_use]
    pub fn state(&self) -> &rustls::CommonState {
        self.0.get_ref().1
    }
}

impl Session {
    /// Whom the peer's certificates name.
    #[must_use]
    pub fn identity(&self) -> Identity {
        let certificates = self.state().peer_certificates().unwrap_or_default();
        Identity { certificates: certificates.iter().map(|one| Bytes::copy_from_slice(one)).collect() }
    }
}

impl AsyncRead for Session {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Session {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0).poll_write(cx, data)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0).poll_write_vectored(cx, data)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_shutdown(cx)
    }
}

/// The certificates in a PEM file, one at least.
fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let chain: Vec<_> = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect)
        .map_err(|error| unusable(file, &error))?;
    if chain.is_empty() {
        return Err(unusable(file, &"it holds no certificate"));
    }
    Ok(chain)
}

fn unusable(file: &Path, error: &dyn fmt::Display) -> Error {
    Error::Config(format!("cannot use {} for TLS: {error} (it must be a PEM file)", file.display()))
}
