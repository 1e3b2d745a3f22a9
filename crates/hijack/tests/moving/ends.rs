//! What is at the two ends of a relay: a client and a server that talk in one of four ways, and compare what comes.

use std::time::Duration;

use hijack::{PackedRelay, Relay, Tracker, Transport};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;

/// How the ends talk while their relay is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Both send as fast as the other one reads, which is slowly.
    Busy,
    /// The client has ended its direction, the server has not.
    HalfClosed,
    /// Both send, nobody reads.
    Stalled,
    /// After a few words both are silent.
    Idle,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Busy, Self::HalfClosed, Self::Stalled, Self::Idle];
}

type Io = Box<dyn Duplex>;

pub(crate) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

/// The far ends of a relay that has not begun, and the relay.
pub(crate) async fn pair(number: usize, tracker: &Tracker) -> ((Io, Io), PackedRelay) {
    // Both of TCP, both of Unix, and mixed.
    let (client, client_far) = connection(number.is_multiple_of(3)).await;
    let (server, server_far) = connection(number % 5 < 2).await;
    let mut relay = Relay::new(tracker.adopt(client_far), tracker.adopt(server_far));
    ((client, server), relay.pack().expect("a relay of sockets moves"))
}

/// A connection with room for much on the relay's way in and for little on its way out, so that it is soon blocked.
async fn connection(unix: bool) -> (Io, Transport) {
    if unix {
        let (near, far) = UnixStream::pair().expect("sockets");
        SockRef::from(&near).set_send_buffer_size(LARGE).expect("a socket");
        SockRef::from(&far).set_send_buffer_size(SMALL).expect("a socket");
        return (Box::new(near), far.into());
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    SockRef::from(&listener).set_recv_buffer_size(LARGE).expect("a socket");
    let (near, far) = tokio::join!(TcpStream::connect(address), listener.accept());
    let (near, far) = (near.expect("connected"), far.expect("accepted").0);
    SockRef::from(&near).set_send_buffer_size(LARGE).expect("a socket");
    SockRef::from(&near).set_recv_buffer_size(SMALL).expect("a socket");
    SockRef::from(&far).set_send_buffer_size(SMALL).expect("a socket");
    (Box::new(near), far.into())
}

const SMALL: usize = 32 * 1024;
const LARGE: usize = 1024 * 1024;

#[derive(Debug)]
pub(crate) struct Ends<P> {
    number: usize,
    kind: Kind,
    pair: P,
}

impl Ends<(Io, Io)> {
    pub(crate) fn new(number: usize, kind: Kind, pair: (Io, Io)) -> Self {
        Self { number, kind, pair }
    }

    /// Talks until both directions have ended, and panics if a byte is missing, doubled or changed. The last words
    /// are said when the relay has moved.
    pub(crate) async fn converse(self, moved: watch::Receiver<bool>) {
        let Self { number, kind, pair: (client, server) } = self;
        let (from_client, to_client) = tokio::io::split(client);
        let (from_server, to_server) = tokio::io::split(server);
        let before = if kind == Kind::Idle { WORDS } else { MUCH };
        let up = Direction { number, name: "up", before, ends_early: kind == Kind::HalfClosed };
        let down = Direction { number, name: "down", before, ends_early: false };
        tokio::join!(
            up.send(to_client, moved.clone()),
            up.receive(from_server, kind, moved.clone()),
            down.send(to_server, moved.clone()),
            down.receive(from_client, kind, moved),
        );
    }
}

const WORDS: usize = 1_000;
const MUCH: usize = 3 * 512 * 1024;

/// Bytes sent when the relay has moved.
const AFTER: usize = 100_000;

/// One direction of the talk.
#[derive(Debug, Clone, Copy)]
struct Direction {
    number: usize,
    name: &'static str,
    /// Bytes sent before the relay has moved.
    before: usize,
    /// Whether they are all.
    ends_early: bool,
}

impl Direction {
    fn len(self) -> usize {
        if self.ends_early { self.before } else { self.before + AFTER }
    }

    async fn send(self, mut to: impl AsyncWrite + Unpin, mut moved: watch::Receiver<bool>) {
        let text = Text::of(self);
        self.send_part(&mut to, &text, 0..self.before).await;
        if !self.ends_early {
            moved.wait_for(|moved| *moved).await.expect("the test goes on");
            self.send_part(&mut to, &text, self.before..self.len()).await;
        }
        to.shutdown().await.expect("ended");
    }

    async fn send_part(self, to: &mut (impl AsyncWrite + Unpin), text: &Text, part: std::ops::Range<usize>) {
        let mut at = part.start;
        while at < part.end {
            let piece = text.at(at, part.end - at);
            at += to.write(piece).await.unwrap_or_else(|error| panic!("{self:?} broke at {at}: {error}"));
        }
    }

    async fn receive(self, mut from: impl AsyncRead + Unpin, kind: Kind, mut moved: watch::Receiver<bool>) {
        let text = Text::of(self);
        let (mut at, mut buffer) = (0, vec![0; 16 * 1024]);
        if kind == Kind::Stalled {
            moved.wait_for(|moved| *moved).await.expect("the test goes on");
        }
        loop {
            let len = from
                .read(&mut buffer)
                .await
                .unwrap_or_else(|error| panic!("{self:?} broke at {at}: {error}"));
            if len == 0 {
                break;
            }
            let mut came = &buffer[..len];
            while !came.is_empty() {
                let expected = text.at(at, came.len());
                assert!(came.starts_with(expected), "{self:?}: wrong bytes behind {at}");
                at += expected.len();
                came = &came[expected.len()..];
            }
            let slowly = kind == Kind::Busy && !*moved.borrow();
            if slowly {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        assert_eq!(at, self.len(), "{self:?} ended early");
    }
}

/// What a direction sends: a block without pattern, time and again. Its length has no common factor with that of any
/// buffer, so that nothing lost or doubled goes unseen.
struct Text(Vec<u8>);

impl Text {
    fn of(direction: Direction) -> Self {
        let mut state =
            0x9e37_79b9_7f4a_7c15_u64 ^ (direction.number as u64) << 1 ^ direction.name.len() as u64;
        let next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        };
        Self(std::iter::repeat_with(next).flatten().take(10_007).collect())
    }

    fn at(&self, at: usize, most: usize) -> &[u8] {
        let start = at % self.0.len();
        &self.0[start..self.0.len().min(start + most)]
    }
}
