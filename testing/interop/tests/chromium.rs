//! Chromium against our server: a page opens WebSockets to where it came from, and to where it did not.

use std::sync::{Mutex, mpsc};
use std::time::Duration;

use hijack::{Body, Error, Exchange, Listener, Outcome};
use hijack_interop::process::Folder;
use hijack_interop::{browser, websocket};
use http::{Response, StatusCode, header};

#[test]
fn a_page_talks_to_its_own_server() {
    let (seen, results) = mpsc::channel();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let (port, serving) = runtime.block_on(serve(seen));
    runtime.spawn(serving);

    let folder = Folder::new("chromium").expect("a folder is made");
    let Some(running) = browser::start(&folder, &format!("http://127.0.0.1:{port}/")) else { return };
    let result = results.recv_timeout(Duration::from_secs(120));
    assert_eq!(result.as_deref(), Ok("ok"), "{}", running.log());
    let origins = FOREIGN.lock().expect("no panic").clone();
    assert_eq!(origins, [format!("http://127.0.0.1:{port} asks localhost:{port}")]);
}

/// The foreign pages that asked, so that the page's failure is the refusal and nothing else.
static FOREIGN: Mutex<Vec<String>> = Mutex::new(Vec::new());

async fn serve(seen: mpsc::Sender<String>) -> (u16, impl Future<Output = ()>) {
    let listener = Listener::bind("127.0.0.1:0").await.expect("a port is free");
    let port = listener.local_address().to_string().rsplit(':').next().and_then(|port| port.parse().ok());
    let route = move |exchange| route(exchange, seen.clone());
    (port.expect("a port"), async move { hijack::Server::new().serve(listener, route).await })
}

async fn route(mut exchange: Exchange, seen: mpsc::Sender<String>) -> Result<Outcome, Error> {
    let path = exchange.uri().path().to_owned();
    if let Some(path) = path.strip_prefix("/ws/") {
        let asked = [header::ORIGIN, header::HOST].map(|name| {
            let value = exchange.head().headers().get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        });
        if asked[0] != format!("http://{}", asked[1]) {
            FOREIGN.lock().expect("no panic").push(format!("{} asks {}", asked[0], asked[1]));
        }
        return websocket::serve(exchange, path).await;
    }
    let mut response = Response::new(Body::empty());
    match path.as_str() {
        "/" => {
            let html = header::HeaderValue::from_static("text/html; charset=utf-8");
            response.headers_mut().insert(header::CONTENT_TYPE, html);
            *response.body_mut() = Body::from(include_str!("../clients/websocket.html"));
        }
        "/result" => {
            let mut result = Vec::new();
            while let Some(part) = exchange.body().data().await? {
                result.extend_from_slice(&part);
            }
            let _ = seen.send(String::from_utf8_lossy(&result).into_owned());
        }
        _ => *response.status_mut() = StatusCode::NOT_FOUND,
    }
    exchange.respond(response).await
}
