//! Both sides of a relay: our connections, and the far ends of them in the test's hands.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hijack::tls::rustls::pki_types::ServerName;
use hijack::{Conn, EndReason, Exchange, Listener, Outcome, Relay, RelayEnd, Stream, Tracker, Transport};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::certificates::configs;
use crate::support::{Client, Events, GET, Site, soon, tcp_pair};

/// What a side is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Tcp,
    Unix,
    Tls,
    Custom,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Tcp, Self::Unix, Self::Tls, Self::Custom];

    /// Every kind of client with every kind of server.
    pub(crate) fn pairs() -> impl Iterator<Item = (Self, Self)> {
        Self::ALL.into_iter().flat_map(|client| Self::ALL.map(|server| (client, server)))
    }
}

/// The far end of a side.
pub(crate) trait FarIo: Stream {
    /// The TCP socket that it is, or has inside.
    fn tcp(&self) -> Option<&TcpStream> {
        None
    }
}

impl FarIo for UnixStream {}
impl FarIo for DuplexStream {}

impl FarIo for TcpStream {
    fn tcp(&self) -> Option<&TcpStream> {
        Some(self)
    }
}

impl FarIo for TlsStream<TcpStream> {
    fn tcp(&self) -> Option<&TcpStream> {
        Some(self.get_ref().0)
    }
}

pub(crate) type Far = Client<Box<dyn FarIo>>;

impl fmt::Debug for Box<dyn FarIo> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a far end")
    }
}

impl Far {
    /// Has the close be a reset, where there is such a thing.
    pub(crate) fn will_reset(&self) {
        if let Some(tcp) = self.0.tcp() {
            socket2::SockRef::from(tcp).set_linger(Some(Duration::ZERO)).expect("an open socket");
        }
    }

    /// Closes with a reset.
    pub(crate) fn break_off(self) {
        assert!(self.0.tcp().is_some(), "only TCP has resets");
        self.will_reset();
    }

    /// What came until the end, and how it ended.
    pub(crate) async fn until_end(&mut self) -> (Vec<u8>, io::Result<()>) {
        let mut all = Vec::new();
        let read = tokio::io::AsyncReadExt::read_to_end(&mut self.0, &mut all);
        let result = soon("the end of what comes", read).await;
        (all, result.map(drop))
    }
}

/// Makes sides, all in one tracker's sight.
pub(crate) struct World {
    pub(crate) tracker: Tracker,
    pub(crate) events: Events,
    address: String,
    connector: TlsConnector,
    /// Connections that were accepted and taken over inside TLS.
    taken: Mutex<UnboundedReceiver<Conn>>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let (server, client) = configs();
        let (sender, taken) = unbounded_channel();
        let listener = Listener::bind("127.0.0.1:0").await.expect("a free port").with_tls(server);
        let take = move |exchange: Exchange| {
            let sender = sender.clone();
            async move {
                sender.send(exchange.take_over().await?).expect("a world");
                Ok(Outcome::taken())
            }
        };
        let site = Site::on(listener, |_| (), take);
        let (tracker, address) = (site.tracker(), site.address.clone());
        let connector = TlsConnector::from(Arc::new(client));
        Self { tracker, events: site.events, address, connector, taken: Mutex::new(taken) }
    }

    /// A side: the far end and ours.
    pub(crate) async fn side(&self, kind: Kind) -> (Far, Conn) {
        self.side_with(kind, "").await
    }

    /// A side on which `early` was read ahead: behind the head, where there was one.
    pub(crate) async fn side_with(&self, kind: Kind, early: &'static str) -> (Far, Conn) {
        let (far, io): (Box<dyn FarIo>, Transport) = match kind {
            Kind::Tcp => {
                let (far, near) = tcp_pair().await;
                (Box::new(far.0), near.into())
            }
            Kind::Unix => {
                let (far, near) = UnixStream::pair().expect("sockets");
                (Box::new(far), near.into())
            }
            Kind::Tls => return self.tls_side(early).await,
            Kind::Custom => {
                let (far, near) = tokio::io::duplex(20_000);
                (Box::new(far), Transport::custom(near))
            }
        };
        let mut conn = self.tracker.adopt(io);
        conn.unshift(early);
        (Client(far), conn)
    }

    async fn tls_side(&self, early: &str) -> (Far, Conn) {
        let mut taken = self.taken.lock().await;
        let tcp = TcpStream::connect(&self.address).await.expect("a server listens");
        let name = ServerName::try_from("localhost").expect("a name");
        let tls = soon("the handshake", self.connector.connect(name, tcp)).await.expect("a trusted server");
        let mut far = Client(Box::new(tls) as Box<dyn FarIo>);
        far.send(format!("{GET}{early}")).await;
        (far, soon("a takeover", taken.recv()).await.expect("a server"))
    }

    /// Far ends of a client and a server, and the relay between ours.
    pub(crate) async fn relay(&self, client: Kind, server: Kind) -> (Far, Far, Relay) {
        let (client, near) = self.side(client).await;
        let (server, far) = self.side(server).await;
        (client, server, Relay::new(near, far))
    }

    /// As [`relay`](Self::relay), running; it is dropped at its end.
    pub(crate) async fn running(&self, client: Kind, server: Kind) -> (Far, Far, Running) {
        let (client, server, relay) = self.relay(client, server).await;
        (client, server, run(relay))
    }
}

pub(crate) type Running = JoinHandle<RelayEnd>;

/// Runs a relay in a task of its own and drops it at its end.
pub(crate) fn run<C: Stream, S: Stream>(mut relay: Relay<C, S>) -> Running {
    tokio::spawn(async move { relay.run().await })
}

/// What became of a running relay.
pub(crate) async fn ended(running: Running) -> RelayEnd {
    soon("the end of the relay", running).await.expect("no panic")
}

/// The end must have this reason.
#[track_caller]
pub(crate) fn assert_end(end: &RelayEnd, by: Option<hijack::Side>, reason: &EndReason) {
    assert_eq!((end.by, &end.reason), (by, reason), "{end}");
}

/// A stream that can be closed whole only.
#[derive(Debug)]
pub(crate) struct Whole<Io>(pub(crate) Io);

impl<Io: Stream> AsyncRead for Whole<Io> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl<Io: Stream> AsyncWrite for Whole<Io> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Err(io::ErrorKind::Unsupported.into()))
    }
}
