//! TLS for listeners, by rustls.
//!
//! A configuration made here offers ALPN `http/1.1` and nothing else: HTTP/2 connections cannot be taken over
//! whole. Bring your own with [`Listener::with_tls`] for client certificates and the like.

use std::fmt;
use std::io::{self, IoSlice};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
pub use tokio_rustls::rustls;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::{TlsAcceptor, TlsStream};

use crate::Error;
use crate::observe::{EndReason, Lease, State, Timeout};
use crate::server::{Config, Listener};
use crate::stream::Transport;

/// A server's TLS configuration from PEM files: the certificate chain, own certificate first, and its key.
///
/// # Errors
///
/// [`Error::Config`] that names the file and what is wrong with it.
pub fn server_config(certificates: &Path, key: &Path) -> Result<Arc<ServerConfig>, Error> {
    let unusable = |file: &Path, error: &dyn fmt::Display| {
        Error::Config(format!("cannot use {} for TLS: {error} (it must be a PEM file)", file.display()))
    };
    let chain: Vec<_> = CertificateDer::pem_file_iter(certificates)
        .and_then(Iterator::collect)
        .map_err(|error| unusable(certificates, &error))?;
    if chain.is_empty() {
        return Err(unusable(certificates, &"it holds no certificate"));
    }
    let key_der = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(key, &error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key_der))
        .map_err(|error| unusable(key, &error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

impl Listener {
    /// The same listener with TLS inside its connections.
    #[must_use]
    pub fn with_tls(mut self, config: Arc<ServerConfig>) -> Self {
        self.tls = Some(Acceptor(config.into()));
        self
    }
}

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

/// Makes TLS sessions of accepted connections.
#[derive(Clone)]
pub(crate) struct Acceptor(TlsAcceptor);

impl Acceptor {
    /// Shakes hands, within the limits on time and number.
    pub(crate) async fn accept(
        &self,
        io: Transport,
        lease: Lease,
        config: &Config,
    ) -> Result<(Transport, Lease), Error> {
        let limit = config.max_handshakes;
        lease.set_state(State::Handshake);
        if lease.registry().handshakes() > limit {
            lease.record().set_end(EndReason::LimitReached("max_handshakes", limit));
            return Err(Error::Config(format!("more than {limit} TLS handshakes under way")));
        }
        let shaken = tokio::time::timeout(config.handshake_timeout, self.0.accept(io)).await;
        let Ok(shaken) = shaken else {
            lease.record().set_end(EndReason::TimedOut(Timeout::Handshake));
            return Err(io::Error::from(io::ErrorKind::TimedOut).into());
        };
        let tls = shaken.inspect_err(|error| lease.record().set_end(EndReason::Broken(error.kind())))?;
        lease.set_state(State::Idle);
        Ok((Transport::Tls(Session(Box::new(tls.into()))), lease))
    }
}

impl fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Acceptor")
    }
}
