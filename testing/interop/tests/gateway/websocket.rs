//! Other people's WebSocket clients, through the gateway, to other people's servers, in each of the gateway's ways with
//! compression. What a case checks is in the client's script under `clients/`.

use hijack::ws::{Deflate, Dial, Message, dial_config};
use hijack_interop::gateway::Program;
use hijack_interop::websocket::Library;

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
    let ended = gateway.ask("/api/connections?filter=state=closed&limit=1000");
    let ended = ended["connections"].as_array().expect("a list");
    assert!(ended.len() > 10, "{} connections", ended.len());
    // The frames were read to the end: nothing that these libraries do is illegal to the gateway.
    let is_legal = |view: &&serde_json::Value| view["illegal_in"] == 0 && view["illegal_out"] == 0;
    let illegal: Vec<_> = ended.iter().filter(|view| !is_legal(view)).collect();
    assert!(illegal.is_empty(), "{illegal:?}");
}

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
