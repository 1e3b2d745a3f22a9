//! Live streams: server-sent events (WHATWG HTML §9.2), one line of JSON each.

use std::sync::Arc;
use std::time::Duration;

use hijack::{Error, Exchange, Outcome, Responder};
use http::{Response, StatusCode};
use serde::Serialize;
use tokio::io::AsyncWriteExt;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, timeout};

use super::typed;
use crate::{Event, Gateway, MessageView};

/// What is opened and closed from now on.
pub(super) async fn events(gateway: &Gateway, exchange: Exchange) -> Result<Outcome, Error> {
    let mut events = gateway.events();
    let mut stream = Stream::start(exchange, Duration::ZERO).await?;
    loop {
        let Ok(next) = timeout(stream.patience(), events.recv()).await else {
            stream.rest().await?;
            continue;
        };
        match next {
            Ok(Event::Opened(view)) => stream.put("opened", &*view).await?,
            Ok(Event::Closed(view)) => stream.put("closed", &*view).await?,
            Err(RecvError::Lagged(count)) => stream.put("skipped", &Skipped { count }).await?,
            Err(RecvError::Closed) => return stream.finish().await,
        }
    }
}

/// The messages of one connection, until it ends.
pub(super) async fn messages(
    gateway: &Gateway,
    exchange: Exchange,
    id: u64,
    mut messages: Receiver<Arc<MessageView>>,
) -> Result<Outcome, Error> {
    let mut stream = Stream::start(exchange, GATHER).await?;
    loop {
        let Ok(next) = timeout(stream.patience(), messages.recv()).await else {
            stream.rest().await?;
            continue;
        };
        match next {
            Ok(message) => stream.put("message", &*message).await?,
            Err(RecvError::Lagged(count)) => stream.put("skipped", &Skipped { count }).await?,
            Err(RecvError::Closed) => {
                if let Some(view) = gateway.get(id) {
                    stream.put("closed", &view).await?;
                }
                return stream.finish().await;
            }
        }
    }
}

#[derive(Serialize)]
struct Skipped {
    count: u64,
}

/// An answer that goes on.
struct Stream {
    responder: Responder,
    /// How long something waits for more that goes with it.
    gather: Duration,
    /// When it was last sent what there was.
    flushed: Instant,
    is_flushed: bool,
}

impl Stream {
    async fn start(exchange: Exchange, gather: Duration) -> Result<Self, Error> {
        let (head, _) = typed(StatusCode::OK, "text/event-stream", "").into_parts();
        let responder = exchange.start(Response::from_parts(head, ()))?;
        let mut stream = Self { responder, gather, flushed: Instant::now(), is_flushed: false };
        // A client knows by it that nothing is missed from here on.
        stream.beat().await?;
        Ok(stream)
    }

    async fn put(&mut self, event: &str, value: &impl Serialize) -> Result<(), Error> {
        let data = serde_json::to_string(value).unwrap_or_default();
        self.is_flushed = false;
        self.responder.write_all(format!("event: {event}\ndata: {data}\n\n").as_bytes()).await?;
        // The first one of a burst leaves at once, the others together.
        let is_first = !self.gather.is_zero() && self.flushed.elapsed() >= self.gather;
        if is_first { self.flush().await } else { Ok(()) }
    }

    /// How long to wait for something before [`rest`](Self::rest).
    fn patience(&self) -> Duration {
        if self.is_flushed { BEAT } else { self.gather.saturating_sub(self.flushed.elapsed()) }
    }

    /// Nothing has come for that long.
    async fn rest(&mut self) -> Result<(), Error> {
        if self.is_flushed { self.beat().await } else { self.flush().await }
    }

    /// A comment, by which either side finds that the other one is gone.
    async fn beat(&mut self) -> Result<(), Error> {
        self.responder.write_all(b": \n\n").await?;
        self.flush().await
    }

    async fn flush(&mut self) -> Result<(), Error> {
        self.responder.flush().await?;
        (self.flushed, self.is_flushed) = (Instant::now(), true);
        Ok(())
    }

    async fn finish(self) -> Result<Outcome, Error> {
        self.responder.finish().await
    }
}

/// How long a message waits for others: no eye sees it, and a write for each costs more than the relay.
const GATHER: Duration = Duration::from_millis(10);

/// Silence after which a sign of life is sent.
const BEAT: Duration = Duration::from_secs(15);
