//! Inside TLS, where both ends show who they are.

use std::sync::Arc;

use hijack::rpc::{Context, Dial, Fault, Json, Methods, Server};
use hijack::tls::rustls::pki_types::PrivateKeyDer;
use hijack::tls::rustls::server::WebPkiClientVerifier;
use hijack::tls::rustls::{ClientConfig, RootCertStore, ServerConfig, crypto};

/// A certificate, its key, and the store that trusts it.
fn identity(name: &str) -> (Vec<u8>, PrivateKeyDer<'static>, RootCertStore) {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).expect("a certificate");
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).expect("a certificate");
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    (made.cert.der().to_vec(), key, roots)
}

#[tokio::test]
async fn a_handler_sees_the_certificate_of_the_client() {
    let provider = Arc::new(crypto::ring::default_provider());
    let (server_cert, server_key, server_roots) = identity("localhost");
    let (client_cert, client_key, client_roots) = identity("client");
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(client_roots), Arc::clone(&provider));
    let server_tls = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_client_cert_verifier(verifier.build().expect("a root"))
        .with_single_cert(vec![server_cert.into()], server_key)
        .expect("a certificate and its key");
    let client_tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(server_roots)
        .with_client_auth_cert(vec![client_cert.clone().into()], client_key)
        .expect("a certificate and its key");

    let mut methods = Methods::<Json>::new();
    methods
        .add_with("Who.Calls", |context: Context, (): ()| async move {
            let identity = context.tls().ok_or_else(|| Fault::new("no TLS"))?;
            Ok::<_, Fault>(identity.certificates().iter().map(|one| one.to_vec()).collect::<Vec<_>>())
        })
        .expect("a name of its own");
    let listener =
        hijack::Listener::bind("127.0.0.1:0").await.expect("a port").with_tls(Arc::new(server_tls));
    let port = listener.local_address().rsplit_once(':').expect("a port").1.to_owned();
    let handler = Server::new(methods).into_handler();
    tokio::spawn(async move { hijack::Server::new().serve(listener, handler).await });

    let client = hijack::Client::builder().tls(Arc::new(client_tls)).build();
    let dial = Dial::to(&format!("https://localhost:{port}")).expect("a URL").by(client);
    let client = dial.open(&Json).await.expect("a connection");
    let seen: Vec<Vec<u8>> = client.call("Who.Calls", &()).await.expect("an answer");
    assert_eq!(seen, [client_cert]);
}
