//! `GET /ws/chat`: a room. What one says all hear, framed once for all of them.
//!
//! Nobody waits for anybody: what a member has not read yet waits in its connection's queue, and a member whose queue
//! is full is dropped with 1013.

use std::collections::HashMap;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hijack::ws::{self, CloseCode, Message, MessageKind, Prepared, Reader, WebSocket, Writer};
use hijack::{Body, Error, Exchange, Outcome};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderValue, Response};
use tokio::sync::oneshot;

/// Those who are here.
#[derive(Default)]
pub(super) struct Room(Mutex<Members>);

#[derive(Default)]
struct Members {
    joined: u64,
    here: HashMap<u64, Member>,
}

/// The room's end of a member.
struct Member {
    writer: Writer,
    /// Goes with the member: its task is told at once, whatever still waits in its queue.
    _place: oneshot::Sender<()>,
}

/// A member's own end: it leaves the room with it.
struct Seat<'r> {
    room: &'r Room,
    id: u64,
    dropped: oneshot::Receiver<()>,
}

/// Bytes that may wait for one member beside what the socket takes: sixteen of the longest messages, and much more
/// than a page that is alive ever lags behind.
const QUEUE_LEN: usize = 1024 * 1024;

/// Bytes of one message: this is talk between people.
const MESSAGE_LEN: u64 = 64 * 1024;

impl Room {
    fn lock(&self) -> MutexGuard<'_, Members> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, writer: Writer) -> Seat<'_> {
        let (place, dropped) = oneshot::channel();
        let mut members = self.lock();
        members.joined += 1;
        let id = members.joined;
        members.here.insert(id, Member { writer, _place: place });
        Seat { room: self, id, dropped }
    }

    /// Gives a message to everybody; whoever has no room for it is dropped.
    fn say(&self, kind: MessageKind, payload: &[u8]) {
        let message = Prepared::new(kind, payload);
        self.lock().here.retain(|_, member| member.writer.try_send_prepared(&message).is_ok());
    }

    fn tell(&self, text: &str) {
        self.say(MessageKind::Text, text.as_bytes());
    }
}

impl Seat<'_> {
    fn say(&self, message: &Message) {
        match message {
            Message::Text(text) => self.room.tell(&format!("{}: {text}", self.id)),
            Message::Binary(bytes) => self.room.say(MessageKind::Binary, bytes),
        }
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.room.lock().here.remove(&self.id);
        self.room.tell(&format!("* {} went", self.id));
    }
}

/// Joins the room.
pub(super) async fn join(exchange: Exchange, room: Arc<Room>) -> Result<Outcome, Error> {
    let server = ws::Server::new(move |socket| stay(socket, Arc::clone(&room)));
    let configure = |config: &mut ws::Config| {
        config.limits.message_len = MESSAGE_LEN;
        config.queue_len = QUEUE_LEN;
    };
    server.configure(configure).serve(exchange).await
}

async fn stay(socket: WebSocket, room: Arc<Room>) -> Result<(), Error> {
    let mut told = pin!(socket.conn().told());
    let (mut reader, writer) = socket.split();
    let seat = room.enter(writer.clone());
    room.tell(&format!("* {} came", seat.id));
    // It leaves before its Close, which may take its time.
    match listen(&mut reader, seat, told.as_mut()).await? {
        Ended::ByItself => Ok(()),
        Ended::ByUs(code, reason) => Ok(part(reader, &writer, code, reason).await?),
    }
}

/// How a member's time in the room ended.
enum Ended {
    ByItself,
    ByUs(CloseCode, &'static str),
}

/// Tells all what the member says.
async fn listen(
    reader: &mut Reader,
    mut seat: Seat<'_>,
    mut told: Pin<&mut impl Future<Output = ()>>,
) -> Result<Ended, ws::Error> {
    loop {
        tokio::select! {
            message = reader.recv() => match message? {
                Some(message) => seat.say(&message),
                None => return Ok(Ended::ByItself),
            },
            _ = &mut seat.dropped => {
                return Ok(Ended::ByUs(CloseCode::TRY_LATER, "too slow: the others do not wait"));
            }
            () = &mut told => return Ok(Ended::ByUs(CloseCode::GOING_AWAY, "the server shuts down")),
        }
    }
}

/// The Close waits behind what the member has not read, for as long as a Close may.
async fn part(mut reader: Reader, writer: &Writer, code: CloseCode, reason: &str) -> Result<(), ws::Error> {
    writer.close(code, reason).await?;
    while reader.recv().await?.is_some() {}
    Ok(())
}

/// The room's page. Nothing is loaded and nothing runs but what stands in it: `nonce` is another one each time.
pub(super) async fn page(exchange: Exchange) -> Result<Outcome, Error> {
    let nonce = format!("{:032x}", rand::random::<u128>());
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let mut response = Response::new(Body::from(PAGE.replace("{nonce}", &nonce)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::try_from(policy).map_err(Error::other)?);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    exchange.respond(response).await
}

const PAGE: &str = include_str!("chat.html");
