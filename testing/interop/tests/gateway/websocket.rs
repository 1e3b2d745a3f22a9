//! Other people's WebSocket clients, through the gateway, to other people's servers, in each of the gateway's ways with
//! compression. What a case checks is in the client's script under `clients/`.

use hijack::ws::{Deflate, Dial, Message, dial_config};
use hijack_interop::browser::Browser;
use hijack_interop::gateway::Program;
use hijack_interop::server::Server;
use hijack_interop::websocket::Library;
use serde_json::json;

/// `module, server: modes`.
macro_rules! ways {
    ($($module:ident, $server:ident: $($mode:ident)+;)+) => {$(
        mod $module {
            $(#[test]
            fn $mode() {
                super::all_clients(super::Library::$server, stringify!($mode));
            })+
        }
    )+};
}

ways! {
    python, Python: passthrough inflate plain;
    node, Node: passthrough inflate plain;
    gorilla, Gorilla: passthrough inflate plain;
}

const CASES: [&str; 12] = [
    "echo",
    "deflate",
    "fragments",
    "pipelined",
    "ping",
    "pinged",
    "close",
    "closed",
    "abrupt",
    "gone",
    "subprotocols",
    "refused",
];

/// Those that the mode may make a difference to; each is a process of its own, and some are slow to start.
fn cases(mode: &str) -> &'static [&'static str] {
    match mode {
        "passthrough" => &CASES,
        "inflate" => &CASES[..10],
        _ => &["echo", "fragments", "pinged", "close"],
    }
}

/// Has every client try every case of the mode.
fn all_clients(server: Library, mode: &str) {
    let Some(running) = server.serve() else { return };
    let Some(gateway) = Program::before(running.base(), &format!("compression = \"{mode}\"")) else { return };
    for client in [Library::Python, Library::Node, Library::Gorilla] {
        for case in cases(mode) {
            // gorilla forgets after each message, and keeps to no window: the others' scripts ask for more.
            if *case == "deflate" && server == Library::Gorilla && client != server {
                continue;
            }
            client.run(gateway.base(), case);
        }
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    runtime.block_on(compressed(gateway.base(), mode != "plain"));
    let ended = gateway.ended(11);
    // The frames were read to the end: nothing that these libraries do is illegal to the gateway.
    let is_legal = |view: &&serde_json::Value| view["illegal_in"] == 0 && view["illegal_out"] == 0;
    let illegal: Vec<_> = ended.iter().filter(|view| !is_legal(view)).collect();
    assert!(illegal.is_empty(), "{illegal:?}");
}

/// A page that came through the gateway, and its WebSockets.
#[test]
fn chromium() {
    let page = Server::start();
    tokio::runtime::Runtime::new().expect("a runtime starts").block_on(browse(&page));
}

async fn browse(page: &Server) {
    let Some(mut browser) = Browser::start().await else { return };
    for server in [Library::Python, Library::Node, Library::Gorilla] {
        for (mode, extensions) in [("passthrough", "permessage-deflate"), ("plain", "")] {
            let Some(running) = server.serve() else { return };
            let routes = format!(
                "[route.socket]\nupstream = \"{}\"\ncompression = \"{mode}\"\n[route.page]\npath = \"/peer\"\nupstream = \"{}\"\n",
                running.base(),
                page.base(),
            );
            let Some(gateway) = Program::start(&routes) else { return };
            browser.open(&format!("{}/peer", gateway.base())).await;
            browser.until("location.pathname === '/peer'").await;
            let seen = browser.eval(TALK).await;
            let agreed = seen[0].as_str().expect("text").split(';').next().unwrap_or_default();
            let talked = (agreed, &seen[1]);
            assert_eq!(talked, (extensions, &json!([4, 3, 100_000, 4001, true])), "{server:?} {mode}");
            let ended = gateway.ended(1);
            assert_eq!(ended[0]["messages_out"], 3, "{ended:?}");
        }
    }
    browser.close().await;
}

/// Sends a text, bytes and a long text, and closes when all have come back: what was agreed; lengths, code, cleanness.
const TALK: &str = "new Promise((done) => {
    const socket = new WebSocket(`ws://${location.host}/ws/echo`), seen = [];
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => [`text`, new Uint8Array([1, 2, 255]), `long `.repeat(20000)].forEach((it) => socket.send(it));
    socket.onmessage = ({ data }) => {
        seen.push(data.length ?? data.byteLength);
        if (seen.length === 3) socket.close(4001, `enough`);
    };
    socket.onclose = ({ code, wasClean }) => done([socket.extensions, [...seen, code, wasClean]]);
})";

/// Whether a client that offers compression gets it.
async fn compressed(base: &str, is_agreed: bool) {
    let dial = Dial::to(&format!("{}/ws/echo", base.replace("http:", "ws:"))).expect("a URL");
    let mut socket = dial_config(&dial.configure(|config| config.deflate = Some(Deflate::default())))
        .await
        .expect("a connection");
    assert_eq!(socket.is_compressed(), is_agreed);
    socket.send("through").await.expect("sent");
    assert_eq!(socket.recv().await.expect("an echo"), Some(Message::Text("through".to_owned())));
}
