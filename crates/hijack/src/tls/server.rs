//! TLS for listeners.

use std::path::Path;
use std::sync::Arc;
use std::{fmt, io};

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ServerConfig, crypto};

use super::Session;
use crate::Error;
use crate::observe::{EndReason, Lease, State, Timeout};
use crate::server::{Config, Listener};
use crate::transport::Transport;

/// A server's TLS configuration from PEM files: the certificate chain, own certificate first, and its key.
///
/// # Errors
///
/// [`Error::Config`] that names the file and what is wrong with it.
pub fn server_config(certificates: &Path, key: &Path) -> Result<Arc<ServerConfig>, Error> {
    let chain = super::certificates(certificates)?;
    let key_der = PrivateKeyDer::from_pem_file(key).map_err(|error| super::unusable(key, &error))?;
    let provider = Arc::new(crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key_der))
        .map_err(|error| super::unusable(key, &error))?;
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
