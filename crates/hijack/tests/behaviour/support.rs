//! What the tests share: a server with its events, and a client that says exactly which bytes.

use std::fmt::Debug;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use hijack::{
    Config, ConnLimits, Connection, ConnectionId, EndReason, Error, Exchange, Listener, Observer, Outcome,
    Server, Tracker,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

/// How long anything may take that must happen.
const PATIENCE: Duration = Duration::from_secs(10);

/// The usual request.
pub(crate) const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// Waits for what must happen soon.
pub(crate) async fn soon<F: Future>(what: &str, future: F) -> F::Output {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(output) => output,
        Err(_) => panic!("{what} did not happen within {PATIENCE:?}"),
    }
}

/// Polls `future` once and drops it: a wait that was cancelled if it was not ready.
pub(crate) async fn once<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// Bytes as text that shows every one of them, the long middle of long ones left out.
pub(crate) fn shown(bytes: &[u8]) -> String {
    const MOST: usize = 2_000;
    if bytes.len() <= MOST {
        return bytes.escape_ascii().to_string();
    }
    let (start, end) = (&bytes[..MOST / 2], &bytes[bytes.len() - MOST / 2..]);
    format!("{} … {} ({} bytes)", start.escape_ascii(), end.escape_ascii(), bytes.len())
}

#[track_caller]
pub(crate) fn assert_bytes(got: impl AsRef<[u8]>, expected: impl AsRef<[u8]>, what: impl Debug) {
    let (got, expected) = (got.as_ref(), expected.as_ref());
    if got != expected {
        let same = got.iter().zip(expected).take_while(|(got, expected)| got == expected).count();
        panic!(
            "{what:?}: differs from byte {same} on\nexpected: {}\n     got: {}",
            shown(expected),
            shown(got)
        );
    }
}

/// `len` bytes of which no two stretches are alike.
pub(crate) fn pattern(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(next).flatten().take(len).collect()
}

/// A client: an open stream and the bytes that are expected on it.
#[derive(Debug)]
pub(crate) struct Client<Io = TcpStream>(pub(crate) Io);

impl Client {
    pub(crate) async fn connect(address: &str) -> Self {
        Self(TcpStream::connect(address).await.expect("a server listens"))
    }

    /// Closes with a reset instead of a FIN.
    pub(crate) fn reset(self) {
        socket2::SockRef::from(&self.0).set_linger(Some(Duration::ZERO)).expect("an open socket");
    }
}

impl Client<UnixStream> {
    pub(crate) async fn connect_unix(address: &str) -> Self {
        let path = address.strip_prefix("unix:").expect("an address of a Unix socket");
        Self(UnixStream::connect(path).await.expect("a server listens"))
    }
}

impl<Io: AsyncRead + AsyncWrite + Unpin> Client<Io> {
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        soon(&format!("sending {} bytes", bytes.len()), async {
            self.0.write_all(bytes).await?;
            self.0.flush().await
        })
        .await
        .expect("the server takes what is sent");
    }

    /// Ends our direction.
    pub(crate) async fn end(&mut self) {
        soon("half-closing", self.0.shutdown()).await.expect("an open connection");
    }

    /// Reads as many bytes as are expected and compares them.
    pub(crate) async fn expect(&mut self, expected: impl AsRef<[u8]>) {
        let expected = expected.as_ref();
        let mut got = Vec::new();
        let whole = async {
            while got.len() < expected.len() {
                let left = (expected.len() - got.len()) as u64;
                if (&mut self.0).take(left).read_buf(&mut got).await.is_ok_and(|len| len > 0) {
                    continue;
                }
                break;
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, whole).await.is_ok();
        assert_bytes(&got, expected, if in_time { "bytes from the server" } else { "waited in vain" });
    }

    /// A head, up to and with its empty line.
    pub(crate) async fn head(&mut self) -> String {
        let mut head = Vec::new();
        let whole = async {
            while !head.ends_with(b"\r\n\r\n") {
                head.push(self.0.read_u8().await?);
            }
            io::Result::Ok(())
        };
        match tokio::time::timeout(PATIENCE, whole).await {
            Ok(Ok(())) => String::from_utf8(head).expect("a head of text"),
            other => panic!("expected a whole head, got {} and then {other:?}", shown(&head)),
        }
    }

    /// Everything up to the server's end, which must be a FIN.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        match tokio::time::timeout(PATIENCE, self.0.read_to_end(&mut rest)).await {
            Ok(Ok(_)) => rest,
            other => panic!("expected the end, got {} and then {other:?}", shown(&rest)),
        }
    }

    /// Everything up to the server's end, be it a FIN or a reset.
    pub(crate) async fn rest_or_reset(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        let _ = soon("the end of the connection", self.0.read_to_end(&mut rest)).await;
        rest
    }

    /// Compares everything up to the server's end, which must be a FIN.
    pub(crate) async fn expect_rest(&mut self, expected: impl AsRef<[u8]>) {
        assert_bytes(self.rest().await, expected, "bytes up to the server's end");
    }

    /// Whether nothing is there to be read, not even an end.
    pub(crate) async fn is_silent(&mut self) -> bool {
        let mut byte = [0];
        once(self.0.read(&mut byte)).await.is_none()
    }
}

/// What an observer heard.
#[derive(Debug)]
pub(crate) enum Event {
    Opened(Connection),
    Taken(Connection),
    Closed(Connection, EndReason),
}

/// The events of a server, in order.
#[derive(Debug)]
pub(crate) struct Events(UnboundedReceiver<Event>);

struct Log(UnboundedSender<Event>);

impl Observer for Log {
    fn opened(&self, connection: &Connection) {
        let _ = self.0.send(Event::Opened(connection.clone()));
    }

    fn taken(&self, connection: &Connection) {
        let _ = self.0.send(Event::Taken(connection.clone()));
    }

    fn closed(&self, connection: &Connection, reason: &EndReason) {
        let _ = self.0.send(Event::Closed(connection.clone(), reason.clone()));
    }
}

impl Events {
    pub(crate) async fn next(&mut self) -> Event {
        soon("an event", self.0.recv()).await.expect("the server lives")
    }

    /// What has been heard and not asked for.
    pub(crate) fn heard(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.0.try_recv().ok()).collect()
    }

    /// The next end of a connection.
    pub(crate) async fn closed(&mut self) -> (Connection, EndReason) {
        loop {
            if let Event::Closed(connection, reason) = self.next().await {
                return (connection, reason);
            }
        }
    }

    /// The next takeover.
    pub(crate) async fn taken(&mut self) -> Connection {
        loop {
            if let Event::Taken(connection) = self.next().await {
                return connection;
            }
        }
    }

    /// The reason of the next end.
    pub(crate) async fn reason(&mut self) -> EndReason {
        self.closed().await.1
    }
}

/// An observer, and what it hears.
pub(crate) fn log() -> (impl Observer, Events) {
    let (sender, receiver) = unbounded_channel();
    (Log(sender), Events(receiver))
}

/// A server whose answers carry no `Date`, so that they are the same at any time, and what happens on it.
pub(crate) fn server(configure: impl FnOnce(&mut Config)) -> (Server, Events) {
    let (log, events) = log();
    let builder = Server::builder().observer(log).configure(|config| config.date = false);
    (builder.configure(configure).build(), events)
}

/// A server that serves a listener.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) server: Server,
    pub(crate) address: String,
    pub(crate) events: Events,
    pub(crate) serving: JoinHandle<()>,
}

impl Site {
    /// Serves `handler` on a free port.
    pub(crate) async fn start<H, F>(configure: impl FnOnce(&mut Config), handler: H) -> Self
    where
        H: Fn(Exchange) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Outcome, Error>> + Send + 'static,
    {
        Self::on(Listener::bind("127.0.0.1:0").await.expect("a free port"), configure, handler)
    }

    /// Serves `handler` on `listener`.
    pub(crate) fn on<H, F>(listener: Listener, configure: impl FnOnce(&mut Config), handler: H) -> Self
    where
        H: Fn(Exchange) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Outcome, Error>> + Send + 'static,
    {
        let (server, events) = server(configure);
        let address = listener.local_address();
        let serving = tokio::spawn({
            let server = server.clone();
            async move { server.serve(listener, handler).await }
        });
        Self { server, address, events, serving }
    }

    pub(crate) async fn client(&self) -> Client {
        Client::connect(&self.address).await
    }

    /// A client that has sent `bytes`.
    pub(crate) async fn client_with(&self, bytes: impl AsRef<[u8]>) -> Client {
        let mut client = self.client().await;
        client.send(bytes).await;
        client
    }

    pub(crate) fn tracker(&self) -> Tracker {
        self.server.tracker()
    }
}

/// Answers everything with `ok`.
pub(crate) async fn ok(exchange: Exchange) -> Result<Outcome, Error> {
    exchange.respond(http::Response::new(hijack::Body::from("ok"))).await
}

/// What [`ok`] sends to HTTP/1.1.
pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Both ends of a TCP connection, the client's first.
pub(crate) async fn tcp_pair() -> (Client, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    let (client, accepted) = tokio::join!(Client::connect(&address), listener.accept());
    let (near, _) = accepted.expect("the client connects");
    near.set_nodelay(true).expect("an open socket");
    client.0.set_nodelay(true).expect("an open socket");
    (client, near)
}

/// The exchange of a request over TCP, in the hands of the test instead of a handler's.
pub(crate) async fn exchange(request: impl AsRef<[u8]>) -> (Client, Exchange<TcpStream>) {
    let (client, exchange, ..) = exchange_of(&server(|_| ()).0, request).await;
    (client, exchange)
}

/// As [`exchange`], of a given server.
pub(crate) async fn exchange_of(server: &Server, request: impl AsRef<[u8]>) -> (Client, Exchange<TcpStream>) {
    let (mut client, near) = tcp_pair().await;
    client.send(request).await;
    let next = soon("a request", server.connection(near, "").next()).await;
    (client, next.expect("a legal head").expect("a request"))
}

/// Waits until the connection has received `len` bytes in all, by reading ahead.
pub(crate) async fn read_ahead<Io: hijack::Stream>(
    exchange: &mut Exchange<Io>,
    tracker: &Tracker,
    len: usize,
) {
    let id = exchange.connection_id();
    let all = async {
        while bytes_in(tracker, id) < len as u64 {
            once(exchange.peer_gone()).await;
            tokio::task::yield_now().await;
        }
    };
    soon(&format!("receiving {len} bytes"), all).await;
}

fn bytes_in(tracker: &Tracker, id: ConnectionId) -> u64 {
    tracker.get(id).expect("a live connection").bytes_in
}

/// Completes when no connection is left.
pub(crate) async fn empty(tracker: &Tracker) {
    until("no connection is left", || tracker.count() == 0).await;
}

/// Waits until `condition` holds, which only counters tell.
pub(crate) async fn until(what: &str, condition: impl Fn() -> bool) {
    let holds = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    soon(what, holds).await;
}

/// Everything that comes, up to the end.
pub(crate) async fn read_all(io: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let mut all = Vec::new();
    soon("the end of the stream", io.read_to_end(&mut all)).await.expect("no error");
    all
}

/// The next `len` bytes.
pub(crate) async fn read_len(io: &mut (impl AsyncRead + Unpin), len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    soon(&format!("{len} bytes"), io.read_exact(&mut bytes)).await.expect("no error and no end");
    bytes
}

/// Limits with one of them set.
pub(crate) fn limits(set: impl FnOnce(&mut ConnLimits)) -> ConnLimits {
    let mut limits = ConnLimits::default();
    set(&mut limits);
    limits
}
