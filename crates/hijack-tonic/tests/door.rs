//! Who gets in, who does not, and what stands behind the takeover: over raw sockets.

#![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

mod support;

use std::time::Duration;

use hijack::Timeout;
use hijack_tonic::interop::test_service_client::TestServiceClient;
use hijack_tonic::interop::unimplemented_service_client::UnimplementedServiceClient;
use hijack_tonic::interop::{self, Empty, Payload, SimpleRequest, unimplemented_service_server};
use hijack_tonic::tonic::service::Routes;
use hijack_tonic::{Mode, Reject, Server, Takeover, Way, auth};
use http::{HeaderName, HeaderValue, StatusCode};
use support::{World, grpc, read_head, request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};
use tonic::Code;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

const WEBSOCKET: &str = "GET /grpc HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// T20: a refusal is an ordinary answer, behind which the connection serves the next request. RFC 9110 §7.8.
#[tokio::test]
async fn a_refusal_leaves_the_connection_to_http() {
    let world = World::start().await;
    let protocols = "Upgrade: hijack-grpc, websocket\r\n";
    let post = "POST /grpc HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: hijack-grpc\r\n";
    for (head, status, words) in [
        ("GET /grpc HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), 426, protocols),
        (request("h2c"), 426, protocols),
        (request("h2c, hijack-grpc-reverse"), 426, protocols),
        ("GET /grpc HTTP/1.1\r\nHost: a\r\nUpgrade: hijack-grpc\r\n\r\n".to_owned(), 426, protocols),
        ("GET /grpc HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n\r\n".to_owned(), 426, protocols),
        (
            "GET /grpc HTTP/1.0\r\nConnection: upgrade, keep-alive\r\nUpgrade: hijack-grpc\r\n\r\n"
                .to_owned(),
            426,
            protocols,
        ),
        (format!("{post}Content-Length: 5\r\n\r\nbytes"), 400, "body"),
        (format!("{post}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400, "body"),
        (request("hijack-grpc").replace("GET", "PUT"), 405, "Allow: GET, POST, CONNECT\r\n"),
        (format!("{WEBSOCKET}Sec-WebSocket-Protocol: other\r\n\r\n"), 400, "subprotocol hijack-grpc"),
        (format!("{WEBSOCKET}\r\n"), 400, "subprotocol hijack-grpc"),
        (
            format!("{WEBSOCKET}Sec-WebSocket-Protocol: hijack-grpc\r\nOrigin: http://evil\r\n\r\n"),
            403,
            "origin is not accepted",
        ),
    ] {
        let answers = world.ask(&head).await;
        assert!(answers.starts_with(&format!("HTTP/1.1 {status} ")), "{head}\n{answers}");
        assert!(answers.contains(words), "{words:?} is not in\n{answers}");
        assert!(answers.ends_with("\r\n\r\nhello"), "kept alive behind\n{head}\n{answers}");
    }
}

/// T20, defect 6: a `CONNECT` is for a name of ours and never dialled; refused, it ends the connection (RFC 9931).
#[tokio::test]
async fn a_connect_never_dials() {
    let elsewhere = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = elsewhere.local_addr().unwrap();
    let world = World::serve(grpc().connect(["Api.Example:80"])).await;
    for authority in [&*address.to_string(), "api.example:81", "api.example.org:80", "api.example"] {
        let answers = world.ask(&format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n")).await;
        assert!(!answers.contains("hello") && !answers.contains(" 200 "), "{authority}\n{answers}");
    }
    let answers = world.ask(&format!("CONNECT {address} HTTP/1.1\r\nHost: {address}\r\n\r\n")).await;
    assert!(answers.starts_with("HTTP/1.1 403 ") && answers.contains("nothing is dialled"), "{answers}");
    let mut known = world.connect().await;
    known.write_all(b"CONNECT api.EXAMPLE:80 HTTP/1.1\r\nHost: api.example:80\r\n\r\n").await.unwrap();
    assert!(read_head(&mut known).await.starts_with("HTTP/1.1 200 OK\r\n"));
    let dialled = timeout(Duration::from_millis(200), elsewhere.accept()).await;
    assert!(dialled.is_err(), "somebody dialled {address}");
}

/// T20: who it is, is asked before the 101; by `Authorization`, for a `CONNECT` by `Proxy-Authorization`.
#[tokio::test]
async fn credentials_are_asked_for_before_the_takeover() {
    let gate = auth::basic("grpc", |user, password| (user, password) == ("agent", "secret"));
    let world = World::serve(grpc().connect(["api:80"]).auth(gate)).await;
    let answers = world.ask(&request("hijack-grpc")).await;
    assert!(answers.starts_with("HTTP/1.1 401 ") && answers.ends_with("hello"), "{answers}");
    assert!(answers.contains("Www-Authenticate: Basic realm=\"grpc\"\r\n"), "{answers}");
    // "agent:wrong"
    let wrong = request("hijack-grpc").replace("Host", "Authorization: Basic YWdlbnQ6d3Jvbmc=\r\nHost");
    assert!(world.ask(&wrong).await.starts_with("HTTP/1.1 401 "));
    let answers = world.ask("CONNECT api:80 HTTP/1.1\r\nHost: api:80\r\n\r\n").await;
    assert!(answers.starts_with("HTTP/1.1 407 ") && !answers.contains("hello"), "{answers}");
    assert!(answers.contains("Proxy-Authenticate: Basic realm=\"grpc\"\r\n"), "{answers}");

    // "agent:secret"
    let credentials = HeaderValue::from_static("Basic YWdlbnQ6c2VjcmV0");
    for (mode, name) in [
        (Mode::Token, "authorization"),
        (Mode::WebSocket, "authorization"),
        (Mode::Connect, "proxy-authorization"),
    ] {
        let dialer = world.dialer().mode(mode).connect_to("api:80".parse().unwrap());
        let refused = TestServiceClient::new(dialer.channel()).empty_call(Empty {}).await;
        let refused = refused.expect_err("no credentials");
        // gRPC has a code for a server's 401, and none for a proxy's 407.
        let code = if mode == Mode::Connect { Code::Unavailable } else { Code::Unauthenticated };
        assert!(refused.code() == code && refused.message().contains("give credentials"), "{refused}");
        let dialer = dialer.header(HeaderName::from_static(name), credentials.clone());
        TestServiceClient::new(dialer.channel()).empty_call(Empty {}).await.expect("let in");
    }
}

/// T21: nothing answers through a tunnel but the services that were named.
#[tokio::test]
async fn nothing_else_answers_behind_the_takeover() {
    let world = World::start().await;
    let channel = world.dialer().channel();
    let other = UnimplementedServiceClient::new(channel.clone()).unimplemented_call(Empty {}).await;
    assert_eq!(other.expect_err("not named").code(), Code::Unimplemented);
    for path in ["/hello", "/grpc", "/", "/grpc.testing.TestService", "/grpc.health.v1.Health/Check"] {
        let request = http::Request::post(path).header("content-type", "application/grpc");
        let request = request.body(tonic::body::Body::empty()).unwrap();
        let answer = tower_service::Service::call(&mut channel.clone(), request).await.expect("an answer");
        assert_eq!(answer.headers()["grpc-status"], "12", "{path} is UNIMPLEMENTED");
    }
}

/// A service of another route.
struct Other;

#[tonic::async_trait]
impl unimplemented_service_server::UnimplementedService for Other {
    async fn unimplemented_call(
        &self,
        _: tonic::Request<Empty>,
    ) -> Result<tonic::Response<Empty>, tonic::Status> {
        Ok(tonic::Response::new(Empty {}))
    }
}

/// T21: of two routes each has its own services alone, whichever way in.
#[tokio::test]
async fn a_route_has_its_own_services_alone() {
    let other = unimplemented_service_server::UnimplementedServiceServer::new(Other);
    let app = axum::Router::new()
        .route_service("/grpc", grpc())
        .route_service("/other", Server::new(Routes::new(other)));
    let listener = hijack::Listener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_address();
    tokio::spawn(async move { hijack::Server::new().serve_service(listener, app).await });
    for mode in [Mode::Token, Mode::WebSocket] {
        let channel = |path: &str| {
            hijack_tonic::Dialer::to(&format!("http://{address}{path}")).unwrap().mode(mode).channel()
        };
        for (path, tests, others) in
            [("/grpc", Code::Ok, Code::Unimplemented), ("/other", Code::Unimplemented, Code::Ok)]
        {
            let code =
                |answer: Result<_, tonic::Status>| answer.map_or_else(|status| status.code(), |_| Code::Ok);
            let asked = TestServiceClient::new(channel(path)).empty_call(Empty {}).await;
            assert_eq!(code(asked), tests, "{mode:?} {path}");
            let asked = UnimplementedServiceClient::new(channel(path)).unimplemented_call(Empty {}).await;
            assert_eq!(code(asked), others, "{mode:?} {path}");
        }
    }
}

/// Who may not come in learns no names: known and unknown ones are answered alike.
#[tokio::test]
async fn names_are_not_told_to_strangers() {
    let gate = auth::basic("grpc", |user, password| (user, password) == ("agent", "secret"));
    let world = World::serve(grpc().connect(["api:80"]).auth(gate)).await;
    let ask = async |authority: &str, more: &str| {
        let head = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{more}\r\n");
        world.ask(&head).await.lines().next().unwrap_or_default().to_owned()
    };
    let known = ask("api:80", "").await;
    assert!(known.starts_with("HTTP/1.1 407 "), "{known}");
    assert_eq!(ask("other:80", "").await, known);
    // "agent:secret"
    let unknown = ask("other:80", "Proxy-Authorization: Basic YWdlbnQ6c2VjcmV0\r\n").await;
    assert!(unknown.starts_with("HTTP/1.1 403 "), "{unknown}");
}

/// T22: each call knows the takeover that it came over, and whom the gate found.
#[tokio::test]
async fn every_call_knows_its_takeover() {
    let service = tonic::service::interceptor::InterceptedService::new(
        interop::server(),
        |request: tonic::Request<()>| {
            let takeover = request.extensions().get::<Takeover>().expect("behind a takeover");
            let user = takeover.extensions().get::<auth::User>().map(|user| user.0.clone());
            let said = format!(
                "{} {} {:?} {:?} {}",
                takeover.way(),
                takeover.uri(),
                takeover.headers().get("x-tenant"),
                user,
                matches!(takeover.peer(), hijack::Peer::Tcp(peer) if peer.ip().is_loopback()),
            );
            Err(tonic::Status::aborted(said))
        },
    );
    let server = Server::new(Routes::new(service)).auth(|asked| {
        assert_eq!(asked.way(), Way::Token);
        let user = asked.headers().get("x-user").and_then(|user| user.to_str().ok().map(str::to_owned));
        let user = user.ok_or(Reject::new(StatusCode::FORBIDDEN, "who?\n"))?;
        asked.extensions_mut().insert(auth::User(user));
        Ok(())
    });
    let world = World::serve(server).await;
    let dialer = world
        .dialer()
        .mode(Mode::Token)
        .header(HeaderName::from_static("x-user"), HeaderValue::from_static("ann"))
        .header(HeaderName::from_static("x-tenant"), HeaderValue::from_static("seven"));
    let said =
        TestServiceClient::new(dialer.channel()).empty_call(Empty {}).await.expect_err("what it knows");
    assert_eq!(said.message(), "token /grpc Some(\"seven\") Some(\"ann\") true");
}

/// T19: bytes that come with the request, or before the 101, are kept.
#[tokio::test]
async fn an_early_preface_is_kept_at_every_split() {
    let world = World::start().await;
    let early = [request("hijack-grpc").as_bytes(), PREFACE].concat();
    let head_len = early.len() - PREFACE.len();
    for split in (0..head_len).step_by(7).chain(head_len..=early.len()) {
        let mut stream = world.connect().await;
        stream.set_nodelay(true).unwrap();
        stream.write_all(&early[..split]).await.unwrap();
        tokio::task::yield_now().await;
        stream.write_all(&early[split..]).await.unwrap();
        assert!(read_head(&mut stream).await.starts_with("HTTP/1.1 101 "), "split at {split}");
        let mut settings = [0; 9];
        stream.read_exact(&mut settings).await.expect("the server's own settings");
        assert_eq!((settings[3], settings[4]), (4, 0), "SETTINGS, split at {split}");
    }
}

/// T18, defect 4: a peer that says nothing behind the 101 is let go, one that says something else at once.
#[tokio::test]
async fn a_silent_peer_is_let_go() {
    let world = World::serve(grpc().configure(|config| {
        config.preface_timeout = Duration::from_millis(300);
    }))
    .await;
    for begun in [0, 1, 23] {
        let mut stream = world.connect().await;
        stream.write_all(request("hijack-grpc").as_bytes()).await.unwrap();
        read_head(&mut stream).await;
        let begin = Instant::now();
        stream.write_all(&PREFACE[..begun]).await.unwrap();
        assert_eq!(stream.read(&mut [0; 64]).await.unwrap_or(0), 0, "closed");
        let lasted = begin.elapsed();
        assert!((250..1000).contains(&lasted.as_millis()), "{begun} bytes: closed after {lasted:?}");
    }
    for garbage in ["x", "GET / HTTP/1.1\r\n", "PRI * HTTP/2.1\r\n", "\u{16}\u{3}\u{1}"] {
        let mut stream = world.connect().await;
        stream.write_all(request("hijack-grpc").as_bytes()).await.unwrap();
        read_head(&mut stream).await;
        let begin = Instant::now();
        stream.write_all(garbage.as_bytes()).await.unwrap();
        assert_eq!(stream.read(&mut [0; 64]).await.unwrap_or(0), 0, "closed");
        assert!(
            begin.elapsed() < Duration::from_millis(200),
            "{garbage:?}: closed after {:?}",
            begin.elapsed()
        );
    }
}

/// A server of the test service, with TLS inside, and how its connections ended.
async fn tls_world(change: impl FnOnce(&mut hijack_tonic::Config)) -> (World, Ends) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let key = made.signing_key.serialize_der().try_into().unwrap();
    let provider = std::sync::Arc::new(hijack::tls::rustls::crypto::ring::default_provider());
    let tls = hijack::tls::rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let ends = Ends::default();
    let http = hijack::Server::builder().observer(ends.clone()).build();
    (World::serve_by(http, grpc().tls_inside(&tls).configure(change)).await, ends)
}

/// The reasons of connections' ends.
#[derive(Debug, Clone, Default)]
struct Ends(std::sync::Arc<std::sync::Mutex<Vec<hijack::EndReason>>>);

impl hijack::Observer for Ends {
    fn closed(&self, _: &hijack::Connection, reason: &hijack::EndReason) {
        self.0.lock().unwrap().push(reason.clone());
    }
}

impl Ends {
    fn all(&self) -> Vec<hijack::EndReason> {
        self.0.lock().unwrap().clone()
    }
}

/// Until the server closes.
async fn closed_after(stream: &mut tokio::net::TcpStream, begin: Instant) -> Duration {
    let mut all = Vec::new();
    let _ = timeout(Duration::from_secs(5), stream.read_to_end(&mut all)).await.expect("closed");
    begin.elapsed()
}

/// All first words have one time together: to begin TLS, to shake hands, and HTTP/2's preface.
#[tokio::test]
async fn first_words_share_one_time() {
    let (world, ends) = tls_world(|config| config.preface_timeout = Duration::from_millis(800)).await;
    for (words, reason) in [(&b""[..], Timeout::Head), (b"\x16", Timeout::Handshake), (b"P", Timeout::Head)] {
        let mut stream = world.connect().await;
        stream.write_all(request("hijack-grpc").as_bytes()).await.unwrap();
        read_head(&mut stream).await;
        let begin = Instant::now();
        tokio::time::sleep(Duration::from_millis(600)).await;
        stream.write_all(words).await.unwrap();
        let lasted = closed_after(&mut stream, begin).await;
        assert!((750..1200).contains(&lasted.as_millis()), "{words:?}: closed after {lasted:?}");
        world.http.tracker().emptied().await;
        assert_eq!(ends.all().pop(), Some(hijack::EndReason::TimedOut(reason)), "{words:?}");
    }
}

/// A shutdown waits a second for first words that are on their way, and no longer.
#[tokio::test]
async fn first_words_are_not_awaited_in_a_shutdown() {
    let (world, ends) = tls_world(|_| {}).await;
    let mut streams = Vec::new();
    for words in [&b""[..], b"\x16", b"P"] {
        let mut stream = world.connect().await;
        stream.write_all(request("hijack-grpc").as_bytes()).await.unwrap();
        read_head(&mut stream).await;
        stream.write_all(words).await.unwrap();
        streams.push(stream);
    }
    let begin = Instant::now();
    let report = world.http.shutdown(Duration::from_secs(8)).await;
    assert!((900..2000).contains(&begin.elapsed().as_millis()), "after {:?}", begin.elapsed());
    assert_eq!((report.taken, report.forced), (3, 0), "{report:?}");
    assert_eq!(ends.all().iter().filter(|end| **end == hijack::EndReason::ShutDown).count(), 2, "{ends:?}");
}

/// A client that does not call for so long is asked to go, and one that calls is not.
#[tokio::test]
async fn idle_clients_are_asked_to_go() {
    let world =
        World::serve(grpc().configure(|config| config.max_idle = Some(Duration::from_millis(500)))).await;
    let mut client = TestServiceClient::new(world.dialer().mode(Mode::Token).channel());
    let stays = world.http.tracker();
    let asked = support::outputs([1, 1], 400_000);
    let mut slow = client.streaming_output_call(asked).await.expect("answers").into_inner();
    while slow.message().await.expect("not cut").is_some() {}
    assert_eq!(stays.count(), 1, "a call of 0.8 s was under way");
    let id = stays.list()[0].id;
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        client.empty_call(Empty {}).await.expect("an answer");
    }
    assert!(stays.get(id).is_some(), "it was never silent for so long");
    let began = Instant::now();
    timeout(Duration::from_secs(2), stays.emptied()).await.expect("asked to go");
    assert!(began.elapsed() > Duration::from_millis(400), "after {:?}", began.elapsed());
    client.empty_call(Empty {}).await.expect("over a new connection");
}

/// An old connection's calls are finished, and further ones go over a new one.
#[tokio::test]
async fn old_clients_are_asked_to_go() {
    let world =
        World::serve(grpc().configure(|config| config.max_age = Some(Duration::from_millis(300)))).await;
    let mut client = TestServiceClient::new(world.dialer().mode(Mode::Token).channel());
    let mut slow =
        client.streaming_output_call(support::outputs([1; 4], 200_000)).await.expect("answers").into_inner();
    let id = world.http.tracker().list()[0].id;
    slow.message().await.expect("a message").expect("not the end");
    tokio::time::sleep(Duration::from_millis(300)).await;
    client.empty_call(Empty {}).await.expect("an answer");
    assert_eq!(world.http.tracker().count(), 2, "the old one has a call yet");
    let mut count = 1;
    while slow.message().await.expect("not cut").is_some() {
        count += 1;
    }
    assert_eq!(count, 4);
    let gone = async {
        while world.http.tracker().get(id).is_some() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(2), gone).await.expect("the old one ends");
}

/// Defect 4: a client that vanished without a FIN is found by pings.
#[tokio::test]
async fn a_client_that_answers_no_ping_is_let_go() {
    let world = World::serve(grpc().configure(|config| {
        config.keep_alive_interval = Some(Duration::from_millis(200));
        config.keep_alive_timeout = Duration::from_millis(200);
    }))
    .await;
    let mut stream = world.connect().await;
    stream.write_all(&[request("hijack-grpc").as_bytes(), PREFACE].concat()).await.unwrap();
    let begin = Instant::now();
    let mut all = Vec::new();
    let _ = timeout(Duration::from_secs(5), stream.read_to_end(&mut all)).await.expect("let go in the end");
    assert!((350..2000).contains(&begin.elapsed().as_millis()), "after {:?}", begin.elapsed());
}

/// T28: as many tunnels as the limit says, and no more.
#[tokio::test]
async fn tunnels_are_counted() {
    let world = World::serve(grpc().configure(|config| config.max_tunnels = 2)).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = world.connect().await;
        stream.write_all(&[request("hijack-grpc").as_bytes(), PREFACE].concat()).await.unwrap();
        assert!(read_head(&mut stream).await.starts_with("HTTP/1.1 101 "));
        held.push(stream);
    }
    let answers = world.ask(&request("hijack-grpc")).await;
    assert!(answers.starts_with("HTTP/1.1 503 ") && answers.contains("max_tunnels of 2"), "{answers}");
    assert!(answers.contains("Retry-After: 1\r\n") && answers.ends_with("hello"), "{answers}");
    drop(held.pop());
    let again = async {
        while TestServiceClient::new(world.dialer().channel()).empty_call(Empty {}).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(5), again).await.expect("the place is free again");
}

/// T28: a message beyond the limit ends its call, and no other one.
#[tokio::test]
async fn a_message_beyond_the_limit_is_resource_exhausted() {
    let world = World::serve(grpc().configure(|config| config.max_message_len = 1000)).await;
    let mut client = TestServiceClient::new(world.dialer().channel());
    let asked = |len| SimpleRequest {
        payload: Some(Payload { r#type: 0, body: vec![0; len] }),
        ..Default::default()
    };
    client.unary_call(asked(900)).await.expect("short enough");
    let refused = client.unary_call(asked(2000)).await.expect_err("too long");
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert_eq!(refused.message(), "message of 2006 bytes exceeds max_message_len 1000");
    client.empty_call(Empty {}).await.expect("the connection goes on");
    assert_eq!(world.http.tracker().count(), 1, "one connection for all of it");
}

/// T25: moby's way, where it is switched on: `POST` of length 0, `Upgrade: h2c`, and a preface behind the 101.
#[tokio::test]
async fn mobys_way_is_opt_in() {
    let asked =
        "POST /grpc HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 0\r\n\r\n";
    let refused = World::start().await.ask(asked).await;
    assert!(refused.starts_with("HTTP/1.1 426 "), "{refused}");
    let world = World::serve(grpc().h2c()).await;
    let mut stream = world.connect().await;
    stream.write_all(&[asked.as_bytes(), PREFACE].concat()).await.unwrap();
    let head = read_head(&mut stream).await;
    assert!(head.starts_with("HTTP/1.1 101 ") && head.contains("Upgrade: h2c\r\n"), "{head}");
    let mut settings = [0; 9];
    stream.read_exact(&mut settings).await.expect("the server's own settings");
}
