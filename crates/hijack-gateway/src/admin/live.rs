//! Live streams: server-sent events (WHATWG HTML §9.2), one line of JSON each.

use std::sync::Arc;
use std::time::Duration;

use hijack::{Error, Exchange, Outcome, Responder};
use http::{Response, StatusCode};
use serde::Serialize;
use tokio::io::AsyncWriteExt;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;

use super::typed;
use crate::{Event, Gateway, MessageView};

/// What is opened and closed from now on.
pub(super) async fn events(gateway: &Gateway, exchange: Exchange) -> Result<Outcome, Error> {
    let mut events = gateway.events();
    let mut stream = Stream::start(exchange).await?;
    loop {
        let Ok(next) = timeout(BEAT, events.recv()).await else {
            stream.beat().await?;
            continue;
        };
        match next {
            Ok(Event::Opened(view)) => stream.put("opened", &*view).await?,
            Ok(Event::Closed(view)) => stream.put("closed", &*view).await?,
            Err(RecvError::Lagged(count)) => stream.put("skipped", &Skipped { count }).await?,
            Err(RecvError::Closed) => return stream.finish().await,
        }
        stream.flush_if(events.is_empty()).await?;
    }
}

/// The messages of one connection, until it ends.
pub(super) async fn messages(
    gateway: &Gateway,
    exchange: Exchange,
    id: u64,
    mut messages: Receiver<Arc<MessageView>>,
) -> Result<Outcome, Error> {
    let mut stream = Stream::start(exchange).await?;
    loop {
        let Ok(next) = timeout(BEAT, messages.recv()).await else {
            stream.beat().await?;
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
        stream.flush_if(messages.is_empty()).await?;
    }
}

#[derive(Serialize)]
struct Skipped {
    count: u64,
}

/// An answer that goes on.
struct Stream(Responder);

impl Stream {
    async fn start(exchange: Exchange) -> Result<Self, Error> {
        let (head, _) = typed(StatusCode::OK, "text/event-stream", "").into_parts();
        let mut stream = Self(exchange.start(Response::from_parts(head, ()))?);
        // A client knows by it that nothing is missed from here on.
        stream.beat().await?;
        Ok(stream)
    }

    async fn put(&mut self, event: &str, value: &impl Serialize) -> Result<(), Error> {
        let data = serde_json::to_string(value).unwrap_or_default();
        Ok(self.0.write_all(format!("event: {event}\ndata: {data}\n\n").as_bytes()).await?)
    }

    /// A comment, by which either side finds that the other one is gone.
    async fn beat(&mut self) -> Result<(), Error> {
        self.0.write_all(b": \n\n").await?;
        Ok(self.0.flush().await?)
    }

    async fn flush_if(&mut self, is_quiet: bool) -> Result<(), Error> {
        if is_quiet {
            self.0.flush().await?;
        }
        Ok(())
    }

    async fn finish(self) -> Result<Outcome, Error> {
        self.0.finish().await
    }
}

/// Silence after which a sign of life is sent.
const BEAT: Duration = Duration::from_secs(15);
