//! The ways through: which one a client finds, what it says where none is, TLS around and inside, proxies.

#![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use futures_util::stream;
use hijack::tls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use hijack::tls::rustls::server::WebPkiClientVerifier;
use hijack::tls::rustls::{ClientConfig, RootCertStore, ServerConfig, crypto};
use hijack::{Client, Exchange, Listener, Proxy, handover};
use hijack_tonic::interop::test_service_client::TestServiceClient;
use hijack_tonic::interop::{self, BoolValue, Empty, Payload, SimpleRequest, StreamingInputCallRequest};
use hijack_tonic::reverse::{Agent, AgentRegistry};
use hijack_tonic::tonic::service::Routes;
use hijack_tonic::{Asked, Channel, Dialer, Mode, Reject, Server, Takeover};
use http::{Response, StatusCode};
use support::{World, grpc};
use tokio::time::Instant;
use tonic::Code;
use tonic::codec::CompressionEncoding::Gzip;

async fn calls(channel: Channel) -> Result<(), tonic::Status> {
    TestServiceClient::new(channel).empty_call(Empty {}).await.map(drop)
}

/// A proxy's doing: what it makes of a request for the token; everything else passes.
async fn behind<F>(grpc: Server, token: impl Fn(Exchange) -> F + Clone + Send + Sync + 'static) -> Dialer
where
    F: Future<Output = Result<hijack::Outcome, hijack::Error>> + Send + 'static,
{
    let listener = Listener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/grpc", listener.local_address());
    tokio::spawn(async move {
        let handler = move |exchange: Exchange| {
            let (grpc, token) = (grpc.clone(), token.clone());
            async move {
                let is_token = handover::offers(exchange.head()).any(|offer| offer == b"hijack-grpc");
                if is_token { token(exchange).await } else { grpc.serve(exchange).await }
            }
        };
        hijack::Server::new().serve(listener, handler).await;
    });
    Dialer::to(&url).expect("a URL")
}

/// T7: a proxy that drops `Upgrade`, as nginx does as delivered: `auto` goes on to a WebSocket, and remembers.
#[tokio::test]
async fn auto_finds_the_websocket_where_the_token_is_dropped() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let dialer = behind(grpc(), move |exchange| {
        count.fetch_add(1, SeqCst);
        // What our server answers to a request without Upgrade.
        let mut response = Response::new(hijack::Body::from("the request offers no upgrade\n"));
        *response.status_mut() = StatusCode::UPGRADE_REQUIRED;
        async move { exchange.respond(response).await }
    })
    .await;
    for _ in 0..3 {
        calls(dialer.channel()).await.expect("by WebSocket");
    }
    assert_eq!(asked.load(SeqCst), 1, "remembered by the dialer and its channels");
    let failed = calls(dialer.mode(Mode::Token).channel()).await.expect_err("no way");
    assert_eq!(failed.code(), Code::Unavailable);
    assert!(failed.message().contains("which a proxy on the way may have removed"), "{failed}");
}

/// A proxy that swallows the request costs three seconds, once.
#[tokio::test]
async fn auto_waits_three_seconds_for_the_token() {
    let dialer = behind(grpc(), |exchange| async move {
        tokio::time::sleep(Duration::from_secs(30)).await;
        drop(exchange);
        Ok(hijack::Outcome::taken())
    })
    .await;
    let began = Instant::now();
    calls(dialer.channel()).await.expect("by WebSocket");
    assert!((2900..3500).contains(&began.elapsed().as_millis()), "after {:?}", began.elapsed());
    let began = Instant::now();
    calls(dialer.channel()).await.expect("by WebSocket");
    assert!(began.elapsed() < Duration::from_secs(1), "remembered");
}

/// Where neither works both reasons are told, and where nobody listens that.
#[tokio::test]
async fn auto_tells_what_is_wrong_with_either_way() {
    let dialer = behind(grpc().without_websocket(), |exchange| async move {
        let mut response = Response::new(hijack::Body::from("no upgrades here\n"));
        *response.status_mut() = StatusCode::NOT_FOUND;
        exchange.respond(response).await
    })
    .await;
    let failed = calls(dialer.channel()).await.expect_err("no way");
    for words in [
        "neither way in works",
        "as a token: the server answered 404",
        "as a WebSocket: the server answered 426",
    ] {
        assert!(failed.message().contains(words), "{words:?} is not in {failed}");
    }
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let failed =
        calls(Dialer::to(&format!("http://{nobody}/")).unwrap().channel()).await.expect_err("nobody");
    assert!(failed.code() == Code::Unavailable && !failed.message().contains("neither"), "{failed}");
    assert!(failed.message().contains(&nobody.to_string()), "{failed}");
}

/// A certificate for `localhost`, and a client that trusts it and asks for `alpn`.
fn certificate(alpn: &[u8]) -> (Arc<hijack::tls::rustls::ServerConfig>, Arc<ClientConfig>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let folder = std::env::temp_dir().join(format!("hijack-tonic-{}-{:p}", std::process::id(), &made));
    std::fs::create_dir_all(&folder).expect("a folder");
    let (certificate, key) = (folder.join("crt"), folder.join("key"));
    std::fs::write(&certificate, made.cert.pem()).expect("written");
    std::fs::write(&key, made.signing_key.serialize_pem()).expect("written");
    let server = hijack::tls::server_config(&certificate, &key).expect("PEM files");
    std::fs::remove_dir_all(&folder).expect("ours");
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).expect("a certificate");
    let mut client = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    client.alpn_protocols = vec![alpn.to_vec()];
    (server, Arc::new(client))
}

/// T26: the same over TLS, whose identity each call knows.
#[tokio::test]
async fn over_tls() {
    let (server, client) = certificate(b"http/1.1");
    let service = tonic::service::interceptor::InterceptedService::new(
        interop::server(),
        |request: tonic::Request<()>| {
            let takeover = request.extensions().get::<Takeover>().expect("behind a takeover");
            assert!(takeover.identity().is_some(), "over TLS");
            Ok(request)
        },
    );
    let listener = Listener::bind("127.0.0.1:0").await.unwrap().with_tls(server);
    let port = listener.local_address().rsplit_once(':').unwrap().1.to_owned();
    let grpc = Server::new(Routes::new(service)).connect([format!("localhost:{port}")]);
    tokio::spawn(async move { hijack::Server::new().serve_service(listener, grpc).await });
    let dialer = Dialer::to(&format!("https://localhost:{port}/grpc")).unwrap();
    let dialer = dialer.by(Client::builder().tls(client).build());
    for mode in [Mode::Token, Mode::WebSocket, Mode::Connect, Mode::Auto] {
        calls(dialer.clone().mode(mode).channel()).await.unwrap_or_else(|error| panic!("{mode:?}: {error}"));
    }
}

/// A certificate of its own, its key, and the store that trusts it.
fn identity(name: &str) -> (CertificateDer<'static>, PrivateKeyDer<'static>, RootCertStore) {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).expect("a certificate");
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).expect("a certificate");
    (made.cert.der().clone(), made.signing_key.serialize_der().try_into().expect("a key"), roots)
}

/// T22: whom a client's certificate names is known before the 101, to gates and to those who name agents.
#[tokio::test]
async fn a_certificate_says_who_asks() {
    let provider = Arc::new(crypto::ring::default_provider());
    let (server_cert, server_key, server_roots) = identity("localhost");
    let (ann, ann_key, ann_roots) = identity("ann");
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(ann_roots), Arc::clone(&provider));
    let verifier = verifier.allow_unauthenticated().build().expect("a root");
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![server_cert], server_key)
        .expect("a certificate and its key");
    let client = || {
        ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(server_roots.clone())
    };
    let known =
        client().with_client_auth_cert(vec![ann.clone()], ann_key).expect("a certificate and its key");
    let unknown = client().with_no_client_auth();

    let who = move |asked: &Asked<'_>| match asked.identity().and_then(|one| one.certificates().first()) {
        Some(certificate) if **certificate == *ann => Ok("ann".to_owned()),
        Some(_) => Err(Reject::new(StatusCode::FORBIDDEN, "another one\n")),
        None => Err(Reject::new(StatusCode::FORBIDDEN, "a certificate is wanted\n")),
    };
    let gate = who.clone();
    let registry = AgentRegistry::new().identify(move |asked| who(asked));
    let listener = Listener::bind("127.0.0.1:0").await.unwrap().with_tls(Arc::new(server));
    let port = listener.local_address().rsplit_once(':').unwrap().1.to_owned();
    let grpc = grpc().connect([format!("localhost:{port}")]).auth(move |asked| gate(asked).map(drop));
    let app = axum::Router::new()
        .route_service("/grpc", grpc.clone())
        .route_service("/agents", registry.clone())
        .fallback_service(grpc);
    tokio::spawn(async move { hijack::Server::new().serve_service(listener, app).await });

    let by = |config: ClientConfig| Client::builder().tls(Arc::new(config)).build();
    let dialer = Dialer::to(&format!("https://localhost:{port}/grpc")).unwrap();
    for mode in [Mode::Token, Mode::WebSocket, Mode::Connect] {
        let dialer = dialer.clone().mode(mode);
        let refused =
            calls(dialer.clone().by(by(unknown.clone())).channel()).await.expect_err("no certificate");
        assert!(refused.message().contains("the server answered 403"), "{mode:?}: {refused}");
        calls(dialer.by(by(known.clone())).channel())
            .await
            .unwrap_or_else(|error| panic!("{mode:?}: {error}"));
    }
    let agent = Agent::new(&format!("https://localhost:{port}/agents"), "bob").unwrap();
    let agent = agent.dial(|dialer| dialer.by(by(known)));
    tokio::spawn(async move { agent.serve(Routes::new(interop::server())).await });
    let agent = registry.wait_for("ann", Duration::from_secs(5)).await.expect("as the certificate has it");
    calls(agent).await.expect("called");
}

/// T26: TLS inside a `CONNECT`, as clients do whose channel is TLS and whose proxy is this server; and without it as before.
#[tokio::test]
async fn tls_inside_connect() {
    let (server, client) = certificate(b"h2");
    let world = World::serve(grpc().connect(["localhost:443"]).tls_inside(&server)).await;
    let proxy = Proxy::new(format!("http://{}", world.address).parse().unwrap());
    let client = Client::builder().tls(client).build();
    let inside =
        client.connect_through(&proxy, &"https://localhost".parse().unwrap()).await.expect("TLS inside");
    let (mut h2, connection) =
        h2::client::handshake(inside.take_over().expect("nothing was asked")).await.expect("HTTP/2");
    tokio::spawn(async move { drop(connection.await) });
    let request = http::Request::post("https://localhost/grpc.testing.TestService/EmptyCall")
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    let (answer, mut body) = h2.send_request(request.body(()).unwrap(), false).unwrap();
    body.send_data(bytes::Bytes::from_static(&[0; 5]), true).unwrap();
    let mut body = answer.await.expect("a head").into_body();
    while let Some(data) = body.data().await {
        data.expect("a message");
    }
    assert_eq!(body.trailers().await.unwrap().expect("trailers")["grpc-status"], "0");
    let plain = world.dialer().mode(Mode::Connect).connect_to("localhost:443".parse().unwrap());
    calls(plain.channel()).await.expect("without TLS");
    calls(world.dialer().mode(Mode::Token).channel()).await.expect("by token");
}

/// A client behind a proxy of its own goes through it first.
#[tokio::test]
async fn through_a_proxy() {
    let world = World::start().await;
    let listener = Listener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Proxy::new(format!("http://{}", listener.local_address()).parse().unwrap());
    tokio::spawn(async move {
        let handler = |exchange: Exchange| async move {
            let to = exchange.uri().authority().expect("an authority").to_string();
            let server = hijack::Tracker::default().adopt(tokio::net::TcpStream::connect(to).await?);
            let client = exchange.accept_connect(http::HeaderMap::new()).await?;
            let _end = hijack::Relay::new(client, server).run().await;
            Ok(hijack::Outcome::taken())
        };
        hijack::Server::new().serve(listener, handler).await;
    });
    for mode in [Mode::Token, Mode::WebSocket, Mode::Auto] {
        let dialer = world.dialer().mode(mode).through(proxy.clone());
        calls(dialer.channel()).await.unwrap_or_else(|error| panic!("{mode:?}: {error}"));
    }
}

/// The official cases of compression: what a message says of itself is checked, and answers are compressed where that is
/// asked for.
#[tokio::test]
async fn compressed_messages() {
    let world = World::start().await;
    let plain = TestServiceClient::new(world.dialer().channel());
    let mut zipped = plain.clone().send_compressed(Gzip).accept_compressed(Gzip);
    let mut plain = plain;
    let payload = || Some(Payload { r#type: 0, body: vec![0; 27182] });
    let expecting = |value| Some(BoolValue { value });
    let unary = |value| SimpleRequest {
        payload: payload(),
        response_size: 314_159,
        expect_compressed: expecting(value),
        response_compressed: expecting(value),
        ..Default::default()
    };
    assert_eq!(plain.unary_call(unary(true)).await.expect_err("it is not").code(), Code::InvalidArgument);
    assert_eq!(zipped.unary_call(unary(false)).await.expect_err("it is").code(), Code::InvalidArgument);
    plain.unary_call(unary(false)).await.expect("plain");
    let answer = zipped.unary_call(unary(true)).await.expect("compressed");
    assert_eq!(answer.metadata().get("grpc-encoding").unwrap(), "gzip");
    assert_eq!(answer.into_inner().payload.unwrap().body.len(), 314_159);
    let input = |value| StreamingInputCallRequest { payload: payload(), expect_compressed: expecting(value) };
    let refused = plain.streaming_input_call(stream::iter([input(false), input(true)])).await;
    assert_eq!(refused.expect_err("the second is not").code(), Code::InvalidArgument);
    let answer =
        zipped.streaming_input_call(stream::iter([input(true), input(true)])).await.expect("compressed");
    assert_eq!(answer.into_inner().aggregated_payload_size, 2 * 27182);
}

/// T25: a client of BuildKit's asks for a session in moby's way, and is called: HTTP/2's preface comes from us.
#[tokio::test]
async fn a_session_in_mobys_way() {
    let registry = AgentRegistry::new().h2c().identify(|asked| {
        let name = asked.headers().get("x-docker-expose-session-uuid").and_then(|name| name.to_str().ok());
        Ok(name.unwrap_or_default().to_owned())
    });
    let listener = Listener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_address();
    let agents = registry.clone();
    tokio::spawn(async move { hijack::Server::new().serve_service(listener, agents).await });
    let connection = Client::new().connect(&address.parse().unwrap()).await.unwrap();
    let request = http::Request::post("/session").header("x-docker-expose-session-uuid", "seven");
    let request = request.body(hijack::Body::empty()).unwrap();
    let conn = connection.upgrade(request, ["h2c"]).await.expect("a 101");
    tokio::spawn(async move {
        let service = hyper_util::service::TowerToHyperService::new(Routes::new(interop::server()));
        let io = hyper_util::rt::TokioIo::new(conn);
        let executor = hyper_util::rt::TokioExecutor::new();
        hyper::server::conn::http2::Builder::new(executor).serve_connection(io, service).await
    });
    let session = registry.wait_for("seven", Duration::from_secs(2)).await.expect("it comes");
    calls(session).await.expect("called");
}

/// Calls that wait for one connection share its failure: they do not try one after the other.
#[tokio::test]
async fn calls_that_wait_fail_together() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dialer =
        Dialer::to(&format!("http://{}/", listener.local_addr().unwrap())).unwrap().mode(Mode::Token);
    let channel = dialer.channel();
    let accepted = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&accepted);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, SeqCst);
            tokio::time::sleep(Duration::from_millis(200)).await;
            drop(stream);
        }
    });
    let waiting: Vec<_> = (0..20).map(|_| tokio::spawn(calls(channel.clone()))).collect();
    let began = Instant::now();
    for call in waiting {
        assert_eq!(call.await.unwrap().expect_err("nobody answers").code(), Code::Unavailable);
    }
    assert!(began.elapsed() < Duration::from_secs(1) && accepted.load(SeqCst) == 2, "{accepted:?} tries");
}

/// On a route of an axum app, which answers all others; a `CONNECT` has no path, and comes to its fallback.
#[tokio::test]
async fn on_a_route_of_an_axum_app() {
    let listener = Listener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_address();
    let grpc = grpc().connect([address.clone()]);
    let app = axum::Router::new()
        .route("/hello", axum::routing::get(async || "hello"))
        .route_service("/grpc", grpc.clone())
        .fallback_service(grpc);
    tokio::spawn(async move { hijack::Server::new().serve_service(listener, app).await });
    let dialer = Dialer::to(&format!("http://{address}/grpc")).unwrap();
    for mode in [Mode::Token, Mode::WebSocket, Mode::Connect] {
        calls(dialer.clone().mode(mode).channel()).await.unwrap_or_else(|error| panic!("{mode:?}: {error}"));
    }
    let world = World { address, http: hijack::Server::new() };
    let refused = world.ask("GET /grpc HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(refused.starts_with("HTTP/1.1 426 ") && refused.ends_with("hello"), "{refused}");
}
