//! `GET /ws/chat`: a room. What one says all hear, framed once for all of them.
//!
//! Nobody waits for anybody: what a member has not read yet waits in a queue of its own, and a member whose queue is
//! full is dropped with 1013.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hijack::ws::{self, CloseCode, Message, MessageKind, Prepared, WebSocket};
use hijack::{Body, Error, Exchange, Outcome};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderValue, Response};
use tokio::sync::{mpsc, oneshot};

use super::websocket::say_goodbye;

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
    queue: mpsc::Sender<Arc<Prepared>>,
    /// Goes with the member: its task is told at once, whatever still waits in its queue.
    _place: oneshot::Sender<()>,
}

/// The member's own end.
struct Seat {
    id: u64,
    waiting: mpsc::Receiver<Arc<Prepared>>,
    dropped: oneshot::Receiver<()>,
}

/// Messages that may wait for one member. With the socket's buffers and [`MESSAGE_LEN`] that is some MiB at the most,
/// and much more than a page that is alive ever lags behind.
const QUEUE_LEN: usize = 64;

/// Bytes of one message: this is talk between people.
const MESSAGE_LEN: u64 = 64 * 1024;

impl Room {
    fn lock(&self) -> MutexGuard<'_, Members> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self) -> Seat {
        let (queue, waiting) = mpsc::channel(QUEUE_LEN);
        let (place, dropped) = oneshot::channel();
        let mut members = self.lock();
        members.joined += 1;
        let id = members.joined;
        members.here.insert(id, Member { queue, _place: place });
        Seat { id, waiting, dropped }
    }

    fn leave(&self, id: u64) {
        self.lock().here.remove(&id);
    }

    /// Gives a message to everybody; whoever has no room for it is dropped.
    fn say(&self, kind: MessageKind, payload: &[u8]) {
        let message = Arc::new(Prepared::new(kind, payload));
        self.lock().here.retain(|_, member| member.queue.try_send(Arc::clone(&message)).is_ok());
    }

    fn tell(&self, text: &str) {
        self.say(MessageKind::Text, text.as_bytes());
    }
}

/// Joins the room.
pub(super) async fn join(exchange: Exchange, room: Arc<Room>) -> Result<Outcome, Error> {
    let server = ws::Server::new(move |socket| stay(socket, Arc::clone(&room)));
    server.configure(|config| config.limits.message_len = MESSAGE_LEN).serve(exchange).await
}

async fn stay(socket: WebSocket, room: Arc<Room>) -> Result<(), Error> {
    let seat = room.enter();
    let id = seat.id;
    room.tell(&format!("* {id} came"));
    let ended = talk(socket, &room, seat).await;
    room.leave(id);
    room.tell(&format!("* {id} went"));
    ended
}

async fn talk(mut socket: WebSocket, room: &Room, mut seat: Seat) -> Result<(), Error> {
    let mut told = pin!(socket.conn().told());
    loop {
        let heard = tokio::select! {
            message = socket.recv() => match message? {
                Some(message) => {
                    say(room, seat.id, &message);
                    continue;
                }
                None => return Ok(()),
            },
            Some(heard) = seat.waiting.recv() => heard,
            _ = &mut seat.dropped => return drop_slow(socket).await,
            () = &mut told => return say_goodbye(socket).await,
        };
        tokio::select! {
            sent = socket.send_prepared(&heard) => sent?,
            _ = &mut seat.dropped => return drop_slow(socket).await,
            () = &mut told => return say_goodbye(socket).await,
        }
    }
}

fn say(room: &Room, id: u64, message: &Message) {
    match message {
        Message::Text(text) => room.tell(&format!("{id}: {text}")),
        Message::Binary(bytes) => room.say(MessageKind::Binary, bytes),
    }
}

/// The Close waits behind what the member has not read, for as long as a Close may.
async fn drop_slow(mut socket: WebSocket) -> Result<(), Error> {
    Ok(socket.close(CloseCode::TRY_LATER, "too slow: the others do not wait").await?)
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
