//! Behaviour 23: takeovers under real layers. Those that answer with the response leave the layers behind; those inside
//! the handler stay under them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hijack::tower::{Hijacker, IncomingBody};
use hijack::{Conn, EndReason, Error, Listener, State};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use tokio::io::AsyncWriteExt;
use tower::limit::ConcurrencyLimitLayer;
use tower::timeout::TimeoutLayer;
use tower::{ServiceBuilder, service_fn};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::cors::CorsLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::set_status::SetStatusLayer;
use tower_http::trace::TraceLayer;

use crate::act::{Act, AnyBody, Shell, Talk, boxed};
use crate::play::serve;
use crate::support::{GET, OK, Site, until};

const OTHER: &str = "GET /ok HTTP/1.1\r\nHost: a\r\n\r\n";
const ASKS: &str = "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n";
const ECHO: Act = Act::Raw(Talk::Echo);
const CUT: Duration = Duration::from_millis(200);

async fn listener() -> Listener {
    Listener::bind("127.0.0.1:0").await.expect("a free port")
}

/// A site whose service has one layer; it takes over in the way of a shell.
macro_rules! site {
    ($layer:expr, $shell:expr, $act:expr) => {{
        let (shell, act): (Shell, Act) = ($shell, $act);
        let inner = service_fn(move |request: Request<IncomingBody>| act.service(shell, request));
        serve(listener().await, |_| (), ServiceBuilder::new().layer($layer).service(inner))
    }};
}

fn hijacker<B>(request: &Request<B>) -> Hijacker {
    request.extensions().get::<Hijacker>().expect("served by hijack").clone()
}

/// A conversation of two seconds under a timeout of 200 ms.
#[tokio::test]
async fn a_conversation_outlives_the_timeout() {
    const LIVES: Duration = Duration::from_secs(2);
    let inner = service_fn(|request: Request<IncomingBody>| async move {
        let response = hijacker(&request).take_over_with(|mut conn: Conn| async move {
            conn.write_all(b"a").await?;
            tokio::time::sleep(LIVES).await;
            conn.write_all(b"b").await?;
            conn.close().await.map(drop)
        });
        Ok::<_, Error>(response)
    });
    let layered = ServiceBuilder::new().layer(TimeoutLayer::new(CUT)).service(inner);
    let mut site = serve(listener().await, |_| (), layered);
    let begun = Instant::now();
    let mut client = site.client_with(GET).await;
    client.expect("a").await;
    client.expect_rest("b").await;
    assert!(begun.elapsed() >= LIVES, "it lasted {:?}", begun.elapsed());
    drop(client);
    assert_eq!(site.events.reason().await, EndReason::Closed);
}

/// Inside the handler a conversation is cut by the timeout, in the middle of it.
#[tokio::test]
async fn a_conversation_inside_is_cut_by_the_timeout() {
    let mut site = site!(TimeoutLayer::new(CUT), Shell::Inside, ECHO);
    let begun = Instant::now();
    let mut client = site.client_with(GET).await;
    client.send("x").await;
    client.expect("x").await;
    client.expect_rest("").await;
    assert!(begun.elapsed() >= CUT, "it lasted {:?}", begun.elapsed());
    assert_eq!(site.events.reason().await, EndReason::Dropped);
}

/// With one request allowed at a time a second is served during the first one's conversation.
#[tokio::test]
async fn a_conversation_holds_no_permit() {
    let site = site!(ConcurrencyLimitLayer::new(1), Shell::With, ECHO);
    let mut first = site.client_with([GET, "x"].concat()).await;
    first.expect("x").await;
    let mut second = site.client_with(OTHER).await;
    second.expect(OK).await;
    first.send("y").await;
    first.expect("y").await;
}

/// Inside the handler it does hold one, until it ends.
#[tokio::test]
async fn a_conversation_inside_holds_its_permit() {
    let site = site!(ConcurrencyLimitLayer::new(1), Shell::Inside, ECHO);
    let mut first = site.client_with([GET, "x"].concat()).await;
    first.expect("x").await;
    let mut second = site.client_with(OTHER).await;
    until("the second request has come", || site.tracker().count_in(State::Active) == 1).await;
    assert!(second.is_silent().await, "the first one is not through");
    first.end().await;
    first.expect_rest("").await;
    drop(first);
    second.expect(OK).await;
}

/// A panic in a conversation is nothing that a layer could catch: it closes, and is recorded. One in the handler is
/// answered by the layer, and the connection goes on.
#[tokio::test]
async fn panics_and_the_layer_that_catches_them() {
    let mut site = site!(CatchPanicLayer::new(), Shell::With, Act::Raw(Talk::Panic));
    site.client_with(GET).await.expect_rest("").await;
    assert_eq!(site.events.reason().await, EndReason::Panicked);
    let mut site = site!(CatchPanicLayer::new(), Shell::Inside, Act::Raw(Talk::Panic));
    site.client_with(GET).await.expect_rest("").await;
    assert_eq!(site.events.reason().await, EndReason::Panicked);
    let site = site!(CatchPanicLayer::new(), Shell::With, Act::Panic);
    let mut client = site.client_with(GET).await;
    let head = client.head().await;
    assert!(head.starts_with("HTTP/1.1 500 Internal Server Error\r\n"), "{head}");
    client.expect("Service panicked").await;
    client.send(OTHER).await;
    client.expect(OK).await;
}

/// What the usual stack is asked: an upgrade, a body, something long.
async fn many<B>(request: Request<B>) -> Result<Response<AnyBody>, Error>
where
    B: http_body::Body<Error: Into<hijack::BoxError>>,
{
    match request.uri().path() {
        "/long" => Ok(Response::new(boxed(Full::from("long ".repeat(1_000))))),
        "/body" => {
            let body = request.into_body().collect().await.map_err(Error::other)?;
            Ok(Response::new(boxed(Full::from(body.to_bytes()))))
        }
        "/panic" => panic!("on purpose"),
        "/inside" => {
            let conn = hijacker(&request).protocols(["echo"]).take_over().await?;
            Talk::Echo.run(conn).await?;
            Ok(Response::new(boxed(Full::from("never"))))
        }
        _ => {
            let typed = hijacker(&request).protocols(["echo"]);
            Ok(typed.take_over_with(|conn| Talk::Echo.run(conn)).map(boxed))
        }
    }
}

async fn usual() -> Site {
    let stack = ServiceBuilder::new()
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .layer(TraceLayer::new_for_http())
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(CatchPanicLayer::new())
        .layer(CompressionLayer::new())
        .layer(RequestBodyLimitLayer::new(100))
        .layer(CorsLayer::permissive());
    serve(listener().await, |_| (), stack.service(service_fn(many)))
}

#[track_caller]
fn assert_lines(head: &str, lines: &[&str]) {
    for line in lines {
        let count = head.split("\r\n").filter(|got| got.eq_ignore_ascii_case(line)).count();
        assert_eq!(count, 1, "expected {line:?} once in {head}");
    }
}

/// Trace, compression, CORS, a limit on bodies, a catcher of panics and request ids, all at once: the 101 carries what
/// they add, no framing, and works.
#[tokio::test]
async fn upgrades_under_the_usual_stack() {
    let site = usual().await;
    let extra = "\r\nOrigin: http://b\r\nAccept-Encoding: gzip\r\nX-Request-Id: seven\r\n\r\n";
    let mut client = site.client_with(ASKS.replace("\r\n\r\n", extra) + "early").await;
    let head = client.head().await;
    assert!(head.starts_with("HTTP/1.1 101 Switching Protocols\r\n"), "{head}");
    let lines =
        ["Connection: Upgrade", "Upgrade: echo", "X-Request-Id: seven", "Access-Control-Allow-Origin: *"];
    assert_lines(&head, &lines);
    let lower = head.to_lowercase();
    assert!(!["content-", "transfer-"].iter().any(|name| lower.contains(name)), "{head}");
    client.expect("early").await;
    client.send("late").await;
    client.expect("late").await;
    client.end().await;
    client.expect_rest("").await;
    // Inside the handler they are too late to add anything.
    let mut client = site.client_with(ASKS.replace("GET /", "GET /inside") + "early").await;
    client
        .expect("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nearly")
        .await;
}

/// The same stack does its ordinary work: it compresses, limits and catches, on one connection.
#[tokio::test]
async fn the_usual_stack_does_its_work() {
    let site = usual().await;
    let mut client = site.client().await;
    client.send("GET /long HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n").await;
    let head = client.head().await;
    assert_lines(&head, &["HTTP/1.1 200 OK", "Content-Encoding: gzip", "Transfer-Encoding: chunked"]);
    let mut end = Vec::new();
    while !end.ends_with(b"\r\n0\r\n\r\n") {
        end.push(tokio::io::AsyncReadExt::read_u8(&mut client.0).await.expect("an open connection"));
    }
    client.send("POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello").await;
    assert_lines(&client.head().await, &["HTTP/1.1 200 OK", "Content-Length: 5"]);
    client.expect("hello").await;
    client.send("GET /panic HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_lines(&client.head().await, &["HTTP/1.1 500 Internal Server Error", "Content-Length: 16"]);
    client.expect("Service panicked").await;
    let long = "x".repeat(101);
    client.send(format!("POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n{long}")).await;
    assert_lines(&client.head().await, &["HTTP/1.1 413 Payload Too Large"]);
}

/// Whether a conversation still waits to be run: the server holds what it captured.
fn conversation(
    held: &Arc<()>,
) -> impl FnOnce(Conn) -> std::future::Ready<Result<(), Error>> + Send + 'static {
    let held = Arc::clone(held);
    move |conn| panic!("it was declined: {conn:?}, {held:?}")
}

/// A layer that answers with another response has declined the takeover: its answer is sent, the conversation dropped
/// unrun, and HTTP goes on. So has one that only changes the status.
#[tokio::test]
async fn a_layer_declines() {
    let held = Arc::new(());
    let inner = {
        let held = Arc::clone(&held);
        service_fn(move |request: Request<IncomingBody>| {
            let response = hijacker(&request).protocols(["echo"]).take_over_with(conversation(&held));
            async move { Ok::<_, Error>(response) }
        })
    };
    let replaces = ServiceBuilder::new()
        .map_response(|_| Response::new(hijack::Body::from("ok")))
        .service(inner.clone());
    let changes = ServiceBuilder::new().layer(SetStatusLayer::new(StatusCode::FORBIDDEN)).service(inner);
    let replaces = serve(listener().await, |_| (), replaces);
    let changes = serve(listener().await, |_| (), changes);
    let mut client = replaces.client_with(ASKS).await;
    client.expect(OK).await;
    client.send(ASKS).await;
    client.expect(OK).await;
    let mut client = changes.client_with([ASKS, ASKS].concat()).await;
    for _ in 0..2 {
        assert_lines(&client.head().await, &["HTTP/1.1 403 Forbidden", "Content-Length: 0"]);
    }
    // The test has one, and each service.
    until("no conversation waits", || Arc::strong_count(&held) == 3).await;
}

/// A length that a layer adds, seeing no body, is not said of what is no answer's body; what the handler says is.
#[tokio::test]
async fn a_layers_length_is_not_said_of_a_raw_stream() {
    fn adds(mut response: Response<AnyBody>) -> Response<AnyBody> {
        let length = response.headers_mut().entry("content-length");
        length.or_insert(http::HeaderValue::from_static("0"));
        response
    }
    let connect = "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n";
    let raw = Talk::Say("raw");
    let table = [
        (Act::After(200, &[], raw), GET, "HTTP/1.1 200 OK\r\n\r\nraw"),
        (Act::Tunnel(raw), connect, "HTTP/1.1 200 OK\r\n\r\nraw"),
        (
            Act::After(200, &[("content-length", "3")], raw),
            GET,
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nraw",
        ),
    ];
    for (act, request, answer) in table {
        let inner = service_fn(move |request| act.service(Shell::With, request));
        let site = serve(listener().await, |_| (), ServiceBuilder::new().map_response(adds).service(inner));
        site.client_with(request).await.expect_rest(answer).await;
    }
}
