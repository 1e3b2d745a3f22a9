//! A server with a bit of everything, a client of it, and peers by hand.

use std::time::Duration;

use hijack::rpc::{Client, Config, Context, Fault, Json, Methods, Server};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// What no test needs.
pub(crate) const LONG: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) struct Args {
    pub(crate) a: i64,
    pub(crate) b: i64,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Quotient {
    pub(crate) quo: i64,
    pub(crate) rem: i64,
}

pub(crate) fn methods() -> Methods<Json> {
    let mut methods = Methods::new();
    let added = methods
        .add("Arith.Multiply", |Args { a, b }| async move { Ok::<_, Fault>(a * b) })
        .and_then(|methods| methods.add("Arith.Divide", divide))
        .and_then(|methods| methods.add("Text.Echo", |text: String| async move { Ok::<_, Fault>(text) }))
        .and_then(|methods| methods.add("Text.Fail", |text: String| async move { Err::<(), _>(text) }))
        .and_then(|methods| methods.add("Text.Nothing", |(): ()| async move { Ok::<_, Fault>(()) }))
        .and_then(|methods| methods.add("Time.Sleep", sleep))
        .and_then(|methods| methods.add("Bad.Panic", panic))
        .and_then(|methods| methods.add("Bad.PanicLater", panic_later))
        .and_then(|methods| methods.add("Bad.Reply", |(): ()| async move { Ok::<_, Fault>(Unsendable) }))
        .and_then(|methods| methods.add("a.b.C", |n: i64| async move { Ok::<_, Fault>(n + 1) }))
        .and_then(|methods| methods.add_with("Who.Calls", who));
    added.expect("names of their own");
    methods
}

async fn divide(Args { a, b }: Args) -> Result<Quotient, Fault> {
    if b == 0 {
        return Err(Fault::new("divide by zero"));
    }
    Ok(Quotient { quo: a / b, rem: a % b })
}

/// Sleeps for so many milliseconds.
async fn sleep(ms: u64) -> Result<u64, Fault> {
    tokio::time::sleep(Duration::from_millis(ms)).await;
    Ok(ms)
}

async fn panic((): ()) -> Result<(), Fault> {
    panic!("a secret")
}

async fn panic_later((): ()) -> Result<(), Fault> {
    tokio::task::yield_now().await;
    panic!("a secret")
}

async fn who(context: Context, (): ()) -> Result<Vec<String>, Fault> {
    let token =
        context.head().and_then(|head| head.headers().get("x-token")?.to_str().ok().map(str::to_owned));
    Ok(vec![context.method().to_owned(), context.peer().to_string(), token.unwrap_or_default()])
}

/// Arguments that cannot be sent, or a reply.
pub(crate) struct Unsendable;

impl Serialize for Unsendable {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Not before something was written.
        use serde::ser::SerializeSeq;
        let mut seq = serializer.serialize_seq(None)?;
        seq.serialize_element("begun")?;
        Err(serde::ser::Error::custom("cannot be sent"))
    }
}

/// A server of [`methods`] without HTTP, and where it is.
pub(crate) async fn serve_bare(config: Config) -> (Server<Json>, String) {
    let server = Server::with(Json, methods(), config);
    let listener = hijack::Listener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("tcp://{}", listener.local_address());
    let serving = server.clone();
    tokio::spawn(async move { serving.accept(listener).await });
    (server, url)
}

/// A client of a server of [`methods`].
pub(crate) async fn client() -> Client<Json> {
    let (_, url) = serve_bare(Config::default()).await;
    hijack::rpc::dial(&url).await.expect("it listens")
}

/// A socket to such a server, to write to by hand.
pub(crate) async fn socket(url: &str) -> TcpStream {
    TcpStream::connect(url.split_once("//").expect("a URL").1).await.expect("it listens")
}

/// A client, and its server by hand.
pub(crate) async fn by_hand(config: Config) -> (Client<Json>, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let stream = TcpStream::connect(listener.local_addr().expect("an address")).await.expect("it listens");
    let (peer, _) = listener.accept().await.expect("a connection");
    (Client::over(stream, &Json, config), peer)
}

/// Sends `bytes` and gives all that comes back until the end.
pub(crate) async fn ask(url: &str, bytes: &[u8]) -> String {
    let mut socket = socket(url).await;
    socket.write_all(bytes).await.expect("sent");
    socket.shutdown().await.expect("half closed");
    read_all(&mut socket).await
}

/// All that comes until the end.
pub(crate) async fn read_all(socket: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let read = timeout(LONG, socket.read_to_end(&mut answer)).await.expect("in time");
    read.expect("an orderly end");
    String::from_utf8_lossy(&answer).into_owned()
}

/// What comes until it ends in `end`.
pub(crate) async fn read_until(socket: &mut TcpStream, end: &str) -> String {
    let mut answer = Vec::new();
    let reading = async {
        while !answer.ends_with(end.as_bytes()) {
            let byte = socket.read_u8().await.expect("more");
            answer.push(byte);
        }
    };
    timeout(LONG, reading).await.expect("in time");
    String::from_utf8_lossy(&answer).into_owned()
}
