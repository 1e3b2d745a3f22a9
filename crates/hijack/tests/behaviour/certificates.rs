//! A certificate of one's own, for both ends of TLS.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use hijack::tls::rustls::{ClientConfig, RootCertStore, ServerConfig, crypto};
use hijack::tls::server_config;

/// Both ends' configurations for the name `localhost`, the server's by way of PEM files. No other client trusts it.
pub(crate) fn configs() -> (Arc<ServerConfig>, ClientConfig) {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let name = format!("hijack-{}-{}", std::process::id(), COUNT.fetch_add(1, Relaxed));
    let file = |end: &str| std::env::temp_dir().join(format!("{name}.{end}"));
    let (certificate, key) = (file("crt"), file("key"));
    std::fs::write(&certificate, made.cert.pem()).expect("a folder for such files");
    std::fs::write(&key, made.signing_key.serialize_pem()).expect("a folder for such files");
    let server = server_config(&certificate, &key).expect("PEM files");
    for file in [certificate, key] {
        std::fs::remove_file(file).expect("written above");
    }
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).expect("a certificate");
    let client = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    (server, client)
}
