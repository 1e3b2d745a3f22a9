//! Both ends of a WebSocket in the test's hands: raw frames against ours, and ours against ours.

use std::sync::Arc;

use hijack::ws::{self, Config, Dial, DialError, WebSocket};
use hijack_proto::ws::handshake::accept_hash;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::TcpStream;

use crate::support::{Client, Site, server, soon, tcp_pair};

pub(crate) const TEXT: u8 = 0x81;
pub(crate) const BINARY: u8 = 0x82;
pub(crate) const CLOSE: u8 = 0x88;
pub(crate) const PING: u8 = 0x89;
pub(crate) const PONG: u8 = 0x8A;
/// A continuation that ends its message.
pub(crate) const LAST: u8 = 0x80;

/// The request of RFC 6455 §1.2, and what answers it.
pub(crate) const REQUEST: &str = "GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
pub(crate) const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A header that promises `len` bytes.
pub(crate) fn header(first: u8, masked: bool, len: u64) -> Vec<u8> {
    let mask = u8::from(masked) << 7;
    let mut bytes = vec![first];
    match len {
        0..=125 => bytes.push(mask | u8::try_from(len).expect("small")),
        126..=0xFFFF => {
            bytes.push(mask | 126);
            bytes.extend(u16::try_from(len).expect("small").to_be_bytes());
        }
        _ => {
            bytes.push(mask | 127);
            bytes.extend(len.to_be_bytes());
        }
    }
    if masked {
        bytes.extend(KEY);
    }
    bytes
}

/// A server's frame.
pub(crate) fn frame(first: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    [&header(first, false, payload.len() as u64), payload].concat()
}

/// A client's frame.
pub(crate) fn masked(first: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    let mut bytes = header(first, true, payload.len() as u64);
    bytes.extend(payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key));
    bytes
}

/// A Close's payload.
pub(crate) fn code(code: u16) -> Vec<u8> {
    code.to_be_bytes().to_vec()
}

/// A frame as it came, unmasked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) first: u8,
    pub(crate) key: Option<[u8; 4]>,
    pub(crate) payload: Vec<u8>,
}

pub(crate) async fn read_frame(io: &mut (impl AsyncRead + Unpin)) -> Frame {
    let read = async {
        let (first, second) = (io.read_u8().await?, io.read_u8().await?);
        let len = match second & 0x7F {
            126 => io.read_u16().await?.into(),
            127 => io.read_u64().await?,
            len => len.into(),
        };
        let mut key = [0; 4];
        if second & 0x80 != 0 {
            io.read_exact(&mut key).await?;
        }
        let mut payload = vec![0; usize::try_from(len).expect("it fits")];
        io.read_exact(&mut payload).await?;
        payload.iter_mut().zip(key.iter().cycle()).for_each(|(byte, key)| *byte ^= key);
        std::io::Result::Ok(Frame { first, key: (second & 0x80 != 0).then_some(key), payload })
    };
    soon("a frame", read).await.expect("a whole frame")
}

impl<Io: AsyncRead + AsyncWrite + Unpin> Client<Io> {
    /// Reads a frame and compares it.
    pub(crate) async fn expect_frame(&mut self, first: u8, payload: impl AsRef<[u8]>) {
        let got = read_frame(&mut self.0).await;
        assert_eq!(
            (got.first, &*got.payload),
            (first, payload.as_ref()),
            "first byte and payload of a frame"
        );
    }
}

/// A site whose WebSockets are `handler`'s.
pub(crate) async fn site<H, F>(configure: impl FnOnce(&mut Config), handler: H) -> Site
where
    H: Fn(WebSocket) -> F + Send + Sync + 'static,
    F: Future<Output = Result<(), hijack::Error>> + Send + 'static,
{
    Site::start(|_| (), ws::Server::new(handler).configure(configure).into_handler()).await
}

/// Sends everything back.
pub(crate) async fn echo(mut socket: WebSocket) -> Result<(), hijack::Error> {
    while let Some(message) = socket.recv().await? {
        socket.feed(message).await?;
    }
    Ok(())
}

/// A client of `site` that was switched.
pub(crate) async fn open(site: &Site) -> Client {
    let mut client = site.client_with(REQUEST).await;
    client.0.set_nodelay(true).expect("an open socket");
    let head = client.head().await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    client
}

/// The first value of a header in a head, by its name in any case.
pub(crate) fn field<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    head.lines()
        .filter_map(|line| line.split_once(": "))
        .find_map(|(got, value)| got.eq_ignore_ascii_case(name).then_some(value))
}

/// Our server's end of a connection whose client is raw.
pub(crate) async fn serving(configure: impl FnOnce(&mut Config)) -> (WebSocket<TcpStream>, Client) {
    let (mut client, exchange) = crate::support::exchange(REQUEST).await;
    let mut config = Config::default();
    configure(&mut config);
    let mut socket = ws::accept(exchange, &Arc::new(config)).expect("it asks for one");
    socket.flush().await.expect("open");
    client.head().await;
    (socket, client)
}

/// The usual answer to a client whose key wants `accept`, with `more` lines of head.
pub(crate) fn switched(accept: &str, more: &str) -> String {
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{more}\r\n"
    )
}

/// What our client makes of an answer, which is made of what its key wants; and the raw server.
pub(crate) async fn dialled(
    dial: &Dial,
    answer: impl FnOnce(&str) -> Vec<u8>,
) -> (Result<WebSocket<TcpStream>, DialError>, Client) {
    let (mut far, near) = tcp_pair().await;
    let answering = async {
        let head = far.head().await;
        let key = field(&head, "Sec-WebSocket-Key").expect("a key");
        far.send(answer(&accept_hash(key.as_bytes()))).await;
        far
    };
    let (socket, far) = tokio::join!(soon("the dialling", ws::client(dial, near)), answering);
    (socket, far)
}

/// Our client's end of a connection whose server is raw.
pub(crate) async fn dialling(configure: impl FnOnce(&mut Config)) -> (WebSocket<TcpStream>, Client) {
    let dial = Dial::to("ws://a/").expect("a URL").configure(configure);
    let (socket, far) = dialled(&dial, |accept| switched(accept, "").into()).await;
    (socket.expect("it was granted"), far)
}

/// Both ends of a connection, the client's first.
pub(crate) async fn pair(
    client: impl FnOnce(&mut Config),
    server: impl FnOnce(&mut Config),
) -> (WebSocket<TcpStream>, WebSocket<TcpStream>) {
    let (far, near) = tcp_pair().await;
    pair_over(far.0, near, client, server).await
}

/// As [`pair`], over any stream.
pub(crate) async fn pair_over<A: hijack::Stream, B: hijack::Stream>(
    far: A,
    near: B,
    client: impl FnOnce(&mut Config),
    serve: impl FnOnce(&mut Config),
) -> (WebSocket<A>, WebSocket<B>) {
    let dial = Dial::to("ws://a/").expect("a URL").configure(client);
    let mut config = Config::default();
    serve(&mut config);
    let accepting = async {
        let connection = server(|_| ()).0.connection(near, "");
        let exchange = connection.next().await.expect("a legal head").expect("a request");
        let mut socket = ws::accept(exchange, &Arc::new(config)).expect("it asks for one");
        socket.flush().await.expect("open");
        socket
    };
    let (client, server) =
        soon("the handshake", async { tokio::join!(ws::client(&dial, far), accepting) }).await;
    (client.expect("granted"), server)
}
