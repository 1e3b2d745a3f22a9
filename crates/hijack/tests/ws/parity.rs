//! The shape of `golang.org/x/net/websocket`, row by row: what its users find here, and under which name. Rows that have
//! tests of their own (`MaxPayloadBytes` in `oversize`, codecs in `values`, refusals in `handshake`) are touched only.

use hijack::ws::{self, CloseCode, Dial, DialError, Json, Message, Reject, Role, WebSocket};
use http::{HeaderName, HeaderValue, StatusCode};

use crate::support::{Site, soon};
use crate::wire::pair;

/// `Server{Config, Handshake, Handler}`: the handshake sees and narrows, the handler owns the connection and knows its
/// request, and its return closes.
async fn double() -> Site {
    let handler = |mut socket: WebSocket| async move {
        assert_eq!(socket.role(), Role::Server, "IsServerConn");
        let head = socket.conn().head().expect("Request");
        assert_eq!((head.uri().path(), head.headers()["x-user"].as_bytes()), ("/double", &b"gopher"[..]));
        assert_eq!(socket.subprotocol(), Some("v1"), "Config().Protocol");
        while let Some(Json(number)) = socket.recv_value::<Json<i64>>().await? {
            if number == 0 {
                return Ok(()); // closes
            }
            socket.send_value(&Json(number * 2)).await?;
        }
        Ok(())
    };
    let server = ws::Server::new(handler).handshake(|asked| {
        if asked.origin() != Some("http://page.test") {
            return Err(Reject::new(StatusCode::FORBIDDEN, "another page\n"));
        }
        assert!(asked.location().ends_with("/double"), "{}", asked.location());
        let narrowed = asked.subprotocols().find(|offer| *offer == "v1");
        asked.set_subprotocol(narrowed);
        Ok(())
    });
    let server = server.configure(|config| config.origins.allowed = vec!["http://page.test".into()]);
    Site::start(|_| (), server.into_handler()).await
}

fn config(site: &Site, origin: &'static str) -> Dial {
    let url = format!("ws://{}/double", site.address);
    let dial = Dial::to(&url).expect("NewConfig").subprotocols(["v2", "v1"]);
    dial.origin(HeaderValue::from_static(origin))
        .header(HeaderName::from_static("x-user"), HeaderValue::from_static("gopher"))
}

/// `DialConfig`, `JSON.Send` and `JSON.Receive`, and the handler's return.
#[tokio::test]
async fn a_config_dials_and_values_travel() {
    let site = double().await;
    let mut socket =
        soon("DialConfig", ws::dial_config(&config(&site, "http://page.test"))).await.expect("open");
    assert_eq!((socket.role(), socket.subprotocol()), (Role::Client, Some("v1")), "IsClientConn, narrowed");
    for number in [1, -21] {
        socket.send_value(&Json(number)).await.expect("JSON.Send");
        let doubled: Option<Json<i64>> = soon("JSON.Receive", socket.recv_value()).await.expect("open");
        assert_eq!(doubled, Some(Json(number * 2)));
    }
    socket.send_value(&Json(0)).await.expect("JSON.Send");
    assert_eq!(soon("io.EOF", socket.recv()).await.expect("in order"), None);
    assert_eq!(socket.close_frame().map(|close| close.code), Some(CloseCode::NORMAL));
}

/// An error of `Handshake` is a refusal with its status; `DialError` has it, and what the server said.
#[tokio::test]
async fn a_handshake_refuses() {
    let site = double().await;
    let refused = soon("DialConfig", ws::dial_config(&config(&site, "http://elsewhere.test"))).await;
    let Err(DialError::Declined(decline)) = refused else { panic!("{refused:?}") };
    assert_eq!(decline.head.status(), StatusCode::FORBIDDEN);
    let unreachable = ws::dial("ws://127.0.0.1:1/").await.expect_err("nobody listens");
    assert!(matches!(unreachable, DialError::Http(_)), "{unreachable:?}");
}

/// `Conn` is safe for concurrent use: one task receives while others send. `Message` keeps text and bytes apart.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_is_shared() {
    let (client, mut server) = pair(|_| (), |_| ()).await;
    let (mut reader, writer) = client.split();
    let reading = tokio::spawn(async move { (reader.recv().await, reader.recv().await) });
    let sending: Vec<_> = (0..4)
        .map(|_| {
            let writer = writer.clone();
            tokio::spawn(async move {
                writer.send("text").await?;
                writer.send(vec![0xFF]).await
            })
        })
        .collect();
    let mut count = [0, 0];
    for _ in 0..8 {
        match soon("Message.Receive", server.recv()).await.expect("open").expect("open") {
            Message::Text(text) => count[usize::from(text != "text")] += 1,
            Message::Binary(bytes) => count[usize::from(bytes == [0xFF])] += 1,
        }
    }
    assert_eq!(count, [4, 4]);
    for task in sending {
        task.await.expect("no panic").expect("open");
    }
    server.send("one").await.expect("open");
    server.send(vec![2]).await.expect("open");
    let (first, second) = soon("both", reading).await.expect("no panic");
    assert_eq!((first.expect("open"), second.expect("open")), (Some("one".into()), Some(vec![2].into())));
}
