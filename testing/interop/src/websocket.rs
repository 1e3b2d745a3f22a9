//! WebSocket with other people's libraries: Python's `websockets`, Node's `ws`, Go's `gorilla/websocket` and
//! `golang.org/x/net/websocket`. Each serves the endpoints of `README.md` (`servers/`) and has a client that tries
//! them (`clients/`); [`serve`] is ours.

use std::process::Command;
use std::sync::{Arc, LazyLock};

use hijack::ws::{self, CloseCode, Config, Deflate, Reject, Role, WebSocket};
use hijack::{Error, Exchange, Outcome};
use http::StatusCode;
use tokio::io::AsyncReadExt;

use crate::foreign::Foreign;
use crate::peer::{find, go_library, run_client, script};

/// A library for WebSocket that none of us wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Library {
    /// `websockets`, for Python.
    Python,
    /// `ws`, for Node.
    Node,
    /// `gorilla/websocket`, for Go.
    Gorilla,
    /// `golang.org/x/net/websocket`, which has no pings, codes or compression.
    Xnet,
}

impl Library {
    /// Its server; `None` if it is missing here.
    ///
    /// # Panics
    /// If it does not start, or if it is missing and `CI=true`.
    #[must_use]
    pub fn serve(self) -> Option<Foreign> {
        Some(Foreign::endpoints(self.command("servers")?))
    }

    /// Has its client try one case at `base`. False if it is missing here.
    ///
    /// # Panics
    /// If the case fails (with what the client said), or if the library is missing and `CI=true`.
    pub fn run(self, base: &str, case: &str) -> bool {
        let Some(command) = self.command("clients") else { return false };
        run_client(command, &format!("{self:?}"), base, &[case]);
        true
    }

    fn command(self, folder: &str) -> Option<Command> {
        match self {
            Self::Python => {
                Some(script(find("HIJACK_WEBSOCKETS", "websockets")?, &format!("{folder}/websocket.py")))
            }
            Self::Node => {
                let modules = find("HIJACK_NODE_MODULES", "ws")?;
                let mut command = script(find("HIJACK_NODE", "node")?, &format!("{folder}/websocket.mjs"));
                command.env("HIJACK_NODE_MODULES", modules);
                Some(command)
            }
            Self::Gorilla => go_library(&format!("{folder}/gorilla/main.go")),
            Self::Xnet => go_library(&format!("{folder}/xnet/main.go")),
        }
    }
}

/// Python's `websockets` as client of a trial of `count` cases; false if it is missing here.
///
/// # Panics
/// If it fails, or if it is missing and `CI=true`.
#[must_use]
pub fn run_python_under_trial(base: &str, count: usize) -> bool {
    let Some(command) = Library::Python.command("clients") else { return false };
    run_client(command, "Python", base, &["autobahn", &count.to_string(), crate::autobahn::AGENT]);
    true
}

/// Our endpoints; `path` is what stands behind `/ws/`.
///
/// # Errors
/// If the connection fails, or the client breaks the protocol.
pub async fn serve(exchange: Exchange, path: &str) -> Result<Outcome, Error> {
    let (name, argument) = path.split_once('/').unwrap_or((path, ""));
    if !["echo", "takeover", "ping", "close", "abrupt"].contains(&name) {
        return exchange.respond(Reject::new(StatusCode::NOT_FOUND, "not found\n").into_response()).await;
    }
    let config = if name == "takeover" { &KEEPING } else { &FORGETTING };
    let socket = match ws::accept(exchange, config) {
        Ok(socket) => socket,
        Err(refused) => return refused.answer().await,
    };
    let talked = match name {
        "ping" => ping(socket).await,
        "close" => close(socket, argument).await,
        "abrupt" => abrupt(socket).await,
        _ => echo(socket).await,
    };
    // Clients that go without a word are part of the tests; the others see what went wrong.
    talked.map_or_else(|error| Err(error.into()), |()| Ok(Outcome::taken()))
}

async fn echo(mut socket: WebSocket) -> Result<(), ws::Error> {
    while let Some(message) = socket.recv().await? {
        socket.feed(message).await?;
    }
    Ok(())
}

/// The library does not tell of pongs, so this one is read by hand.
async fn ping(mut socket: WebSocket) -> Result<(), ws::Error> {
    socket.ping(PING).await?;
    let mut conn = socket.into_conn();
    let mut pong = [0; 2 + 4 + PING.len()];
    conn.read_exact(&mut pong).await?;
    let (head, key) = (&pong[..2], [pong[2], pong[3], pong[4], pong[5]]);
    let payload: Vec<u8> = pong[6..].iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
    let mut socket = WebSocket::over(conn, Role::Server, Config::default());
    let is_pong = head == [0x8a, 0x80 | 13] && payload == PING;
    socket.send(if is_pong { "you are".to_owned() } else { format!("no pong: {pong:x?}") }).await?;
    echo(socket).await
}

async fn close(mut socket: WebSocket, code: &str) -> Result<(), ws::Error> {
    let code = code.parse().map_or(CloseCode::NORMAL, CloseCode::new);
    socket.close(code, "so long").await
}

async fn abrupt(mut socket: WebSocket) -> Result<(), ws::Error> {
    socket.recv().await?;
    drop(socket.into_conn());
    Ok(())
}

/// What servers ping with.
const PING: &[u8; 13] = b"are you there";

/// Compresses every message by itself.
static FORGETTING: LazyLock<Arc<Config>> = LazyLock::new(|| Arc::new(config(true)));

/// Compresses with what went before in mind.
static KEEPING: LazyLock<Arc<Config>> = LazyLock::new(|| Arc::new(config(false)));

fn config(forgets: bool) -> Config {
    let mut deflate = Deflate::default();
    deflate.server_no_context_takeover = forgets;
    deflate.client_no_context_takeover = forgets;
    let mut config = Config::default();
    config.deflate = Some(deflate);
    config.subprotocols = ["v2.echo", "v1.echo"].map(str::to_owned).into();
    config
}
