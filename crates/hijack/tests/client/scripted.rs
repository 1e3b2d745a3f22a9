//! A client, and the server of its connections in the test's own hands.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hijack::{
    Answer, Body, BoxError, Client, ClientConfig, ClientConnection, Decline, Endpoint, Error, Stream, Untaken,
};
use http::{HeaderMap, Request, StatusCode};
use http_body::Frame;
use tokio::io::DuplexStream;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::support::{self, Events, assert_bytes, once, soon};

/// The server's end of a connection.
pub(crate) type Far<Io = TcpStream> = support::Client<Io>;

/// What [`echo`] sends when it asks for an upgrade to `echo`.
pub(crate) const ECHO: &str = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
/// The answer that grants it.
pub(crate) const SWITCHED: &str =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";

/// The request that reads as [`support::GET`].
pub(crate) fn get() -> Request<Body> {
    Request::get("http://a/").body(Body::empty()).expect("a request")
}

/// A request with a body.
pub(crate) fn post<B>(body: B) -> Request<B> {
    Request::post("http://a/").body(body).expect("a request")
}

/// A 200 with this body.
pub(crate) fn answered(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// A client, what it tells its observer, and a port on which the test is the server.
pub(crate) struct Stage {
    pub(crate) client: Client,
    pub(crate) events: Events,
    pub(crate) listener: TcpListener,
    pub(crate) endpoint: Endpoint,
}

impl Stage {
    pub(crate) async fn new(configure: impl FnOnce(&mut ClientConfig)) -> Self {
        let (client, events) = client(configure);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let endpoint = Endpoint::tcp("127.0.0.1", address.port());
        Self { client, events, listener, endpoint }
    }

    /// A new connection, both ends of it.
    pub(crate) async fn connect(&self) -> (ClientConnection, Far) {
        let (connection, far) = tokio::join!(self.client.connect(&self.endpoint), self.accept());
        (connection.expect("somebody listens"), far)
    }

    /// The next connection that the client opens.
    pub(crate) async fn accept(&self) -> Far {
        let (far, _) = soon("a connection", self.listener.accept()).await.expect("an open listener");
        far.set_nodelay(true).expect("an open socket");
        support::Client(far)
    }

    /// Whether nobody connects at the moment.
    pub(crate) async fn is_deserted(&self) -> bool {
        once(self.listener.accept()).await.is_none()
    }
}

/// A client that is observed.
pub(crate) fn client(configure: impl FnOnce(&mut ClientConfig)) -> (Client, Events) {
    let (log, events) = support::log();
    (Client::builder().observer(log).configure(configure).build(), events)
}

/// A connection over TCP with the usual configuration, and its server's end.
pub(crate) async fn pair() -> (ClientConnection, Far) {
    Stage::new(|_| ()).await.connect().await
}

/// A connection over a pipe in memory that holds `len` bytes, for tests under virtual time or of exact pieces.
pub(crate) fn pipe(
    len: usize,
    configure: impl FnOnce(&mut ClientConfig),
) -> (ClientConnection<DuplexStream>, Far<DuplexStream>) {
    let (near, far) = tokio::io::duplex(len);
    (client(configure).0.connection(near, ""), support::Client(far))
}

/// The next answer's head.
pub(crate) async fn answer_of<Io: Stream>(connection: &mut ClientConnection<Io>) -> Answer {
    soon("an answer", connection.answer()).await.expect("a legal answer")
}

/// The next answer, whole.
#[track_caller]
pub(crate) fn expect_answer<'c, Io: Stream>(
    connection: &'c mut ClientConnection<Io>,
    status: u16,
    body: &'c str,
) -> impl Future<Output = Answer> + 'c {
    let caller = std::panic::Location::caller();
    async move {
        let answer = answer_of(connection).await;
        let got = soon("the body", connection.read_to_end(1 << 20)).await.expect("a whole body");
        assert_eq!(answer.status(), StatusCode::from_u16(status).expect("a status"), "{caller}");
        assert_bytes(&got, body, caller);
        answer
    }
}

/// A whole exchange: our request, the server's answer with this body, and that the client has read it.
pub(crate) async fn exchange(connection: &mut ClientConnection, far: &mut Far, body: &str) {
    soon("sending", connection.send(get())).await.expect("an open connection");
    far.expect(support::GET).await;
    far.send(answered(body)).await;
    expect_answer(connection, 200, body).await;
}

/// The answer that declined, and the connection if it is still good.
pub(crate) fn declined<T, Io>(taken: Result<T, Untaken<Io>>) -> (Box<Decline>, Option<ClientConnection<Io>>) {
    let Err(untaken) = taken else { panic!("expected to be declined") };
    match untaken.error {
        Error::Declined(decline) => (decline, untaken.connection),
        error => panic!("expected to be declined, got {error:?}"),
    }
}

/// Polls `future` up to `count` times and drops it.
pub(crate) async fn polled<F: Future>(count: usize, future: F) -> Option<F::Output> {
    let mut future = std::pin::pin!(future);
    for _ in 1..count {
        if let Some(output) = once(future.as_mut()).await {
            return Some(output);
        }
        tokio::task::yield_now().await;
    }
    once(future).await
}

/// Begins `act` again and again, each time for `polls` polls, until it completes: as a reader does that selects
/// between it and something else.
pub(crate) async fn in_the_end<T>(polls: usize, mut act: impl AsyncFnMut() -> T) -> T {
    let tries = async {
        loop {
            if let Some(output) = polled(polls, act()).await {
                return output;
            }
            tokio::task::yield_now().await;
        }
    };
    soon("a future that is polled again and again", tries).await
}

/// A body that the test feeds, of unknown length.
pub(crate) struct Source(UnboundedReceiver<Result<Frame<Bytes>, BoxError>>);

/// What feeds a [`Source`]; dropping it is the end of the body.
pub(crate) struct Feed(UnboundedSender<Result<Frame<Bytes>, BoxError>>);

pub(crate) fn source() -> (Source, Feed) {
    let (sender, receiver) = unbounded_channel();
    (Source(receiver), Feed(sender))
}

impl Feed {
    pub(crate) fn data(&self, data: impl Into<Bytes>) {
        let _ = self.0.send(Ok(Frame::data(data.into())));
    }

    pub(crate) fn trailers(&self, trailers: HeaderMap) {
        let _ = self.0.send(Ok(Frame::trailers(trailers)));
    }

    pub(crate) fn fail(&self, why: &'static str) {
        let _ = self.0.send(Err(why.into()));
    }

    /// Whether the body was dropped.
    pub(crate) fn is_unwanted(&self) -> bool {
        self.0.is_closed()
    }
}

impl http_body::Body for Source {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.0.poll_recv(cx)
    }
}
