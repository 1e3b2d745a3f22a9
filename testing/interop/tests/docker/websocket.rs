//! Behaviour 23: the same streams over a WebSocket, which Docker also speaks; by the library's own.

use std::time::Duration;

use hijack::ws::{CloseCode, Dial, dial_config};

use crate::site::{Site, code, script, soon};
use hijack_docker::Condition;

/// Binary messages; a Close is the end of stdin, and output comes behind it.
pub(crate) async fn attach_over_a_websocket(site: Site) {
    let id = site.create(&script("cat; sleep 0.3; echo late").with_stdin()).await;
    let wait = site.docker.wait(&id, Condition::NextExit).await.expect("waiting");
    let query = "stream=1&stdin=1&stdout=1&stderr=1";
    let target = site.docker.target(&format!("/containers/{id}/attach/ws?{query}")).await.expect("a version");
    let dial = |target| Dial::to(&format!("ws://docker{target}")).expect("a URL").unix_socket(site.socket());
    let mut socket = dial_config(&dial(target)).await.expect("granted");
    site.docker.start(&id).await.expect("started");
    socket.send(&b"hello\n"[..]).await.expect("open");
    let echoed = soon("an echo", socket.recv()).await.expect("open").expect("a message");
    assert!(echoed.as_text().is_none() && echoed.as_bytes() == b"hello\n", "{echoed:?}");
    let (reader, writer) = socket.split();
    let mut reader = reader;
    writer.close(CloseCode::NORMAL, "").await.expect("open");
    let late = soon("what comes behind our end", reader.recv()).await.expect("open");
    assert_eq!(late.expect("output").as_bytes(), b"late\n");
    let end = tokio::time::timeout(Duration::from_secs(10), reader.recv()).await.expect("its Close");
    assert!(matches!(end, Ok(None)), "{end:?}");
    assert_eq!(reader.close_frame().map(|close| close.code), Some(CloseCode::NORMAL));
    assert_eq!(code(wait).await, 0);
    let missing = site.docker.target(&format!("/containers/nope/attach/ws?{query}")).await.expect("known");
    assert!(dial_config(&dial(missing)).await.is_err(), "404, no upgrade");
}
