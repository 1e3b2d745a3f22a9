//! Go's net/rpc as a server (`servers/rpc`) and as a client (`clients/rpc`), and the same methods served by us.

use std::process::Command;
use std::time::Duration;

use hijack::rpc::{Fault, Gob, Json, Methods, MsgPack};
use hijack_gob::ByteBuf;
use serde::{Deserialize, Serialize};

use crate::foreign::Foreign;
use crate::peer::{go, go_library, run_client};
use crate::transcript;

/// A server of Go's with everything that `servers/rpc` has.
#[derive(Debug)]
pub struct GoServer {
    foreign: Foreign,
    /// Where it speaks gob and JSON without HTTP, and the path of its Unix socket.
    pub gob: String,
    /// See `gob`.
    pub json: String,
    /// See `gob`.
    pub unix: String,
    /// Where it speaks gob by CONNECT inside TLS, and the certificate that it shows, as PEM.
    pub tls: (String, String),
}

impl GoServer {
    /// Starts it; `None` if Go is missing here.
    ///
    /// # Panics
    /// If it does not start, or if Go is missing and `CI=true`.
    #[must_use]
    pub fn start() -> Option<Self> {
        let foreign = Foreign::endpoints(go("./servers/rpc")?);
        let request = b"GET /addresses HTTP/1.0\r\n\r\n";
        let answer = transcript::ask(foreign.base(), request, false).expect("an answer");
        let answer = String::from_utf8(answer).expect("text");
        let json = answer.split_once("\r\n\r\n").expect("a body").1;
        let addresses: serde_json::Value = serde_json::from_str(json).expect("JSON");
        let address = |name: &str| addresses[name].as_str().expect("an address").to_owned();
        let (gob, json) = (format!("tcp://{}", address("gob")), format!("tcp://{}", address("json")));
        let tls = (format!("https://{}", address("tls")), address("certificate"));
        Some(Self { gob, json, unix: format!("unix:{}", address("unix")), tls, foreign })
    }

    /// Its URL.
    #[must_use]
    pub fn base(&self) -> &str {
        self.foreign.base()
    }
}

/// Has Go's client run all its cases, or one, against `url`. False if Go is missing here.
///
/// # Panics
/// If a case fails (with what the client said), or if Go is missing and `CI=true`.
pub fn call_as_go(url: &str, codec: &str) -> bool {
    let Some(client) = go("./clients/rpc") else { return false };
    run_client(client, "net/rpc", url, &[codec]);
    true
}

/// A server of Go's that speaks gob on its standard input and output; `None` if Go is missing here.
///
/// # Panics
/// If Go is missing and `CI=true`.
#[must_use]
pub fn go_on_stdio() -> Option<Command> {
    let mut command = go("./servers/rpc")?;
    command.arg("--stdio");
    Some(command)
}

/// What Go's `rpc.DialHTTP` says to each of so many connections to `url`: "ok", or why not. `None` if Go is missing here.
///
/// # Panics
/// If its program fails, or if Go is missing and `CI=true`.
#[must_use]
pub fn dial_as_go(url: &str, count: usize) -> Option<Vec<String>> {
    let output = go("./clients/rpc")?.args([url, "dial", &count.to_string()]).output().expect("Go starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
}

/// A server of net/rpc on hashicorp/yamux (`servers/yamuxrpc`), and its address; `None` if it is missing here.
///
/// # Panics
/// If it does not start, or if it is missing and `CI=true`.
#[must_use]
pub fn serve_yamux() -> Option<(Foreign, String)> {
    let foreign = Foreign::endpoints(go_library("./servers/yamuxrpc")?);
    let address = foreign.base().trim_start_matches("http://").to_owned();
    Some((foreign, address))
}

/// Has a client of net/rpc on hashicorp/yamux call the server at `address`. False if it is missing here.
///
/// # Panics
/// If a call fails (with what the client said), or if it is missing and `CI=true`.
pub fn call_by_yamux(address: &str) -> bool {
    let Some(client) = go_library("./clients/yamuxrpc") else { return false };
    run_client(client, "net/rpc on yamux", address, &[]);
    true
}

/// A server of net-rpc-msgpackrpc's (`servers/msgpackrpc`), and its URL; `None` if it is missing here.
///
/// # Panics
/// If it does not start, or if it is missing and `CI=true`.
#[must_use]
pub fn serve_msgpack() -> Option<(Foreign, String)> {
    let foreign = Foreign::endpoints(go_library("./servers/msgpackrpc")?);
    let url = foreign.base().replace("http:", "tcp:");
    Some((foreign, url))
}

/// Has net-rpc-msgpackrpc's client call the server at `url`. False if it is missing here.
///
/// # Panics
/// If a call fails (with what the client said), or if it is missing and `CI=true`.
pub fn call_as_msgpack(url: &str) -> bool {
    let Some(client) = go_library("./clients/msgpackrpc") else { return false };
    run_client(client, "net-rpc-msgpackrpc", url, &[]);
    true
}

/// Two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, hijack_gob::Gob)]
#[allow(missing_docs, reason = "they are called A and B")]
pub struct Args {
    #[serde(rename = "A", default)]
    pub a: i64,
    #[serde(rename = "B", default)]
    pub b: i64,
}

/// What remains of a division.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, hijack_gob::Gob)]
#[serde(default)]
#[derive(Default)]
pub struct Quotient {
    /// The quotient.
    #[serde(rename = "Quo")]
    pub quo: i64,
    /// The remainder.
    #[serde(rename = "Rem")]
    pub rem: i64,
}

/// Nothing, as a struct.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, hijack_gob::Gob)]
pub struct Empty {}

/// Arguments or replies of a codec.
macro_rules! methods {
    ($name:ident, $codec:ty) => {
        /// The methods of `servers/rpc`.
        ///
        /// # Panics
        /// Never: the names are different.
        #[must_use]
        pub fn $name() -> Methods<$codec> {
            let mut methods = Methods::new();
            let added = methods
                .add("Arith.Multiply", multiply)
                .and_then(|methods| methods.add("Arith.Divide", divide))
                .and_then(|methods| {
                    methods.add("Text.Echo", |text: String| async move { Ok::<_, Fault>(text) })
                })
                .and_then(|methods| {
                    methods.add("Text.Fail", |text: String| async move { Err::<Empty, _>(text) })
                })
                .and_then(|methods| {
                    methods.add("Text.Nothing", |empty: Empty| async move { Ok::<_, Fault>(empty) })
                })
                .and_then(|methods| {
                    methods.add("Blob.Echo", |blob: ByteBuf| async move { Ok::<_, Fault>(blob) })
                })
                .and_then(|methods| methods.add("Time.Sleep", sleep))
                .and_then(|methods| methods.add("a.b.C", |n: i64| async move { Ok::<_, Fault>(n + 1) }));
            added.expect("names of their own");
            methods
        }
    };
}

methods!(gob_methods, Gob);
methods!(json_methods, Json);
methods!(msgpack_methods, MsgPack);

async fn multiply(Args { a, b }: Args) -> Result<i64, Fault> {
    Ok(a * b)
}

async fn divide(Args { a, b }: Args) -> Result<Quotient, Fault> {
    if b == 0 {
        return Err(Fault::new("divide by zero"));
    }
    Ok(Quotient { quo: a / b, rem: a % b })
}

async fn sleep(ms: u64) -> Result<u64, Fault> {
    tokio::time::sleep(Duration::from_millis(ms)).await;
    Ok(ms)
}
