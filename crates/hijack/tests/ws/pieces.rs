//! A peer whose bytes come in pieces of the test's choice, each of them seen alone: what TCP may do and a test with
//! sockets can only hope for.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use hijack::ws::{self, Config, Dial, WebSocket};
use hijack::{Exchange, Server};
use hijack_proto::ws::handshake::accept_hash;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::support::{empty, server, soon};
use crate::wire::{ACCEPT, BINARY, REQUEST, TEXT, field, frame, masked, open, switched};

type Answer = Box<dyn FnOnce(&str) -> Vec<Vec<u8>> + Send>;

/// The far end: it says its pieces, one a read with a wait before each, and keeps what it hears.
struct Far {
    says: VecDeque<Vec<u8>>,
    /// What it says once it has heard a head, made of that.
    answer: Option<Answer>,
    heard: Arc<Mutex<Vec<u8>>>,
    /// Bytes that were read of it.
    taken: Arc<Mutex<usize>>,
    waits: bool,
    reader: Option<Waker>,
}

impl Far {
    fn saying(pieces: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let says = pieces.into_iter().collect();
        Self { says, answer: None, heard: <_>::default(), taken: <_>::default(), waits: true, reader: None }
    }

    fn answering(answer: impl FnOnce(&str) -> Vec<Vec<u8>> + Send + 'static) -> Self {
        Self { answer: Some(Box::new(answer)), ..Self::saying([]) }
    }

    fn next(&mut self) -> Option<Vec<u8>> {
        let heard = self.heard.lock().expect("no panic");
        if let Some(head) = std::str::from_utf8(&heard).ok().filter(|heard| heard.ends_with("\r\n\r\n"))
            && let Some(answer) = self.answer.take()
        {
            self.says = answer(head).into();
        }
        self.says.pop_front()
    }
}

impl AsyncRead for Far {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        if std::mem::replace(&mut self.waits, false) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let Some(mut piece) = self.next() else {
            self.reader = Some(cx.waker().clone());
            return Poll::Pending;
        };
        let rest = piece.split_off(piece.len().min(buf.remaining()));
        if !rest.is_empty() {
            self.says.push_front(rest);
        }
        *self.taken.lock().expect("no panic") += piece.len();
        buf.put_slice(&piece);
        self.waits = true;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Far {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.heard.lock().expect("no panic").extend_from_slice(data);
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
        Poll::Ready(Ok(data.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Every way to cut `bytes` in two, whole ones and single bytes among them.
fn cuts(bytes: &[u8]) -> impl Iterator<Item = Vec<Vec<u8>>> {
    let single = bytes.iter().map(|&byte| vec![byte]).collect();
    let at = |cut| [&bytes[..cut], &bytes[cut..]].map(<[u8]>::to_vec);
    let two =
        (0..=bytes.len()).map(at).map(|halves| halves.into_iter().filter(|half| !half.is_empty()).collect());
    std::iter::once(single).chain(two)
}

async fn exchange(server: &Server, far: Far) -> Exchange<Far> {
    let next = soon("a request", server.connection(far, "").next()).await;
    next.expect("a legal head").expect("a request")
}

async fn message<Io: hijack::Stream>(socket: &mut WebSocket<Io>) -> ws::Message {
    soon("a message", socket.recv()).await.expect("open").expect("a message")
}

/// RFC 6455 §4.1 and §4.2: what stands behind a request is frames, wherever the stream is cut.
#[tokio::test]
async fn frames_behind_a_request_are_heard_at_every_cut() {
    let bytes = [REQUEST.as_bytes(), &masked(TEXT, "Hello"), &masked(BINARY, [7; 200])].concat();
    let (server, _events) = server(|_| ());
    for pieces in cuts(&bytes) {
        let far = Far::saying(pieces.clone());
        let heard = Arc::clone(&far.heard);
        let exchange = exchange(&server, far).await;
        let mut socket = ws::accept(exchange, &Arc::new(Config::default())).expect("it asks for one");
        let first = pieces[0].len();
        assert_eq!(message(&mut socket).await, "Hello".into(), "{first}");
        assert_eq!(message(&mut socket).await, vec![7; 200].into(), "{first}");
        socket.flush().await.expect("open");
        let head = String::from_utf8(heard.lock().expect("no panic").clone()).expect("a head");
        assert_eq!(field(&head, "Sec-WebSocket-Accept"), Some(ACCEPT), "{first}");
    }
}

/// RFC 6455 §4.1: and so is what stands behind a 101.
#[tokio::test]
async fn frames_behind_a_switch_are_heard_at_every_cut() {
    let dial = Dial::to("ws://a/chat").expect("a URL");
    let bytes =
        |accept: &str| [switched(accept, "").as_bytes(), &frame(TEXT, "Hello"), &frame(BINARY, "b")].concat();
    for number in 0..cuts(&bytes(ACCEPT)).count() {
        let far = Far::answering(move |head| {
            let key = field(head, "Sec-WebSocket-Key").expect("a key");
            cuts(&bytes(&accept_hash(key.as_bytes()))).nth(number).expect("as many")
        });
        let mut socket = soon("the handshake", ws::client(&dial, far)).await.expect("granted");
        assert_eq!(message(&mut socket).await, "Hello".into(), "{number}");
        assert_eq!(message(&mut socket).await, vec![b'b'].into(), "{number}");
    }
}

/// A request whose head has `len` bytes more.
fn long_request(len: usize) -> String {
    REQUEST.replacen("Host: a", &format!("Host: a\r\nX: {}", "x".repeat(len)), 1)
}

/// RUSTSEC-2023-0065 of another crate: a head is not read anew with each of its bytes. Eight times the length takes
/// some eight times as long, not sixty-four times.
#[tokio::test]
async fn a_long_head_byte_by_byte_takes_linear_time() {
    const LEN: usize = 16 << 10;
    let (server, _events) = server(|config| config.limits.head_len = 1 << 20);
    let single = |len| long_request(len).into_bytes().into_iter().map(|byte| vec![byte]);
    let mut ratios = Vec::new();
    // The machine may be busy with something else for a while: the best of some comparisons counts.
    for _ in 0..5 {
        let mut took = [Duration::ZERO; 2];
        for (took, len) in took.iter_mut().zip([LEN, 8 * LEN]) {
            let far = Far::saying(single(len));
            let begun = Instant::now();
            exchange(&server, far).await;
            *took = begun.elapsed();
        }
        let ratio = took[1].as_secs_f64() / took[0].as_secs_f64();
        if ratio < 24.0 {
            return;
        }
        ratios.push(ratio);
    }
    panic!("expected some 8, got {ratios:?}");
}

/// A head of a megabyte is refused at the limit: no byte is read beyond it, however they come.
#[tokio::test]
async fn a_head_beyond_the_limit_is_not_read() {
    const LIMIT: usize = 64 << 10;
    let (server, _events) = server(|config| {
        config.limits.head_len = LIMIT;
        config.linger_timeout = Duration::ZERO;
    });
    let bytes = long_request(1 << 20).into_bytes();
    for step in [1, 1_000] {
        let far = Far::saying(bytes.chunks(step).map(<[u8]>::to_vec));
        let (heard, taken) = (Arc::clone(&far.heard), Arc::clone(&far.taken));
        let refused = soon("a refusal", server.connection(far, "").next()).await;
        let Err(error) = refused else { panic!("it is too long") };
        let error = error.to_string();
        assert!(error.contains(&LIMIT.to_string()), "{error}");
        let taken = *taken.lock().expect("no panic");
        assert!(taken >= LIMIT && taken <= LIMIT + step, "{taken} bytes, {step} at once");
        assert!(heard.lock().expect("no panic").starts_with(b"HTTP/1.1 431 "));
    }
}

/// `head_timeout`: half an opening is answered 408 in time, and holds no place.
#[tokio::test]
async fn half_an_opening_is_not_waited_for() {
    let timeout = Duration::from_millis(200);
    let handler = ws::Server::new(crate::wire::echo).into_handler();
    let site = crate::support::Site::start(|config| config.head_timeout = timeout, handler).await;
    let begun = Instant::now();
    let mut client = site.client_with(&REQUEST[..REQUEST.len() - 2]).await;
    assert!(client.head().await.starts_with("HTTP/1.1 408 "));
    assert!(begun.elapsed() >= timeout, "{:?}", begun.elapsed());
    drop(client);
    empty(&site.tracker()).await;
    // What is open already is not timed by it.
    let mut client = open(&site).await;
    tokio::time::sleep(2 * timeout).await;
    client.send(masked(TEXT, "still here")).await;
    client.expect_frame(TEXT, "still here").await;
}
