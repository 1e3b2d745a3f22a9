//! TLS for outgoing connections.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

use super::Session;
use crate::Error;
use crate::client::ClientBuilder;
use crate::transport::Transport;

/// A client's TLS configuration that trusts the authorities of this machine, offers ALPN `http/1.1` and shows no
/// certificate of its own.
///
/// # Errors
///
/// [`Error::Config`] if the machine has no authorities.
pub fn client_config() -> Result<Arc<ClientConfig>, Error> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        let why = found.errors.first().map_or_else(|| "none was found".to_owned(), ToString::to_string);
        return Err(Error::Config(format!(
            "no certificate authorities to check servers with: {why} (install ca-certificates, or name a file)"
        )));
    }
    build(roots, None)
}

/// A client's TLS configuration that trusts the authorities in one PEM file, and shows the certificate and key in
/// two others where they are given: what Docker calls `ca.pem`, `cert.pem` and `key.pem`.
///
/// # Errors
///
/// [`Error::Config`] that names the file and what is wrong with it.
pub fn client_config_with(
    authorities: &Path,
    identity: Option<(&Path, &Path)>,
) -> Result<Arc<ClientConfig>, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in super::certificates(authorities)? {
        roots.add(certificate).map_err(|error| super::unusable(authorities, &error))?;
    }
    let identity = identity.map(|(certificates, key)| {
        let key_der = PrivateKeyDer::from_pem_file(key).map_err(|error| super::unusable(key, &error))?;
        Ok::<_, Error>((super::certificates(certificates)?, key_der))
    });
    build(roots, identity.transpose()?)
}

fn build(
    roots: RootCertStore,
    identity: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
) -> Result<Arc<ClientConfig>, Error> {
    let unusable = |error| Error::Config(format!("cannot use this configuration for TLS: {error}"));
    let builder = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .with_root_certificates(roots);
    let mut config = match identity {
        Some((chain, key)) => builder.with_client_auth_cert(chain, key).map_err(unusable)?,
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

impl ClientBuilder {
    /// The TLS configuration for `https://` endpoints. Without one, [`client_config`] is made at the first such
    /// connection.
    pub fn tls(mut self, config: Arc<ClientConfig>) -> Self {
        self.connector = Connector(OnceLock::from(TlsConnector::from(config)));
        self
    }
}

/// Makes TLS sessions over connections to servers.
#[derive(Clone, Default)]
pub(crate) struct Connector(OnceLock<TlsConnector>);

impl Connector {
    /// Shakes hands with the server that is to be `host`.
    pub(crate) async fn connect(&self, host: &str, io: Transport) -> io::Result<Transport> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let tls = self.connector()?.connect(name, io).await?;
        Ok(Transport::Tls(Session(Box::new(tls.into()))))
    }

    fn connector(&self) -> io::Result<&TlsConnector> {
        if self.0.get().is_none() {
            let config = client_config().map_err(io::Error::other)?;
            let _ = self.0.set(config.into());
        }
        self.0.get().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}
