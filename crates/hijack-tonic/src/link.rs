//! HTTP/2 on a pipe, on the side that calls.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioIo, TokioTimer};

use crate::call::sending::Sending;
use crate::call::status;
use crate::call::tasks::Tasks;
use crate::{ChannelConfig, Pipe};

/// A connection over which calls are made. All clones are one; it closes when they are gone and their calls have ended.
#[derive(Clone)]
pub(crate) struct Link {
    send: SendRequest<Sending>,
    tasks: Tasks,
    number: u64,
}

/// Connections that were begun.
static COUNT: AtomicU64 = AtomicU64::new(0);

/// A call that did not come about.
pub(crate) struct Unsent {
    pub(crate) error: hyper::Error,
    /// Whether the server has seen nothing of it that it would act on.
    pub(crate) unprocessed: bool,
}

impl Link {
    /// Begins HTTP/2 on `pipe`. The second one is the connection, which moves only as it is awaited; its calls are told how it
    /// ended.
    pub(crate) async fn begin(
        pipe: Pipe,
        config: &ChannelConfig,
    ) -> Result<(Self, impl Future<Output = ()> + Send + use<>), hyper::Error> {
        let tasks = Tasks::default();
        let mut builder = Builder::new(tasks.clone());
        builder
            .timer(TokioTimer::new())
            .initial_stream_window_size(config.stream_window)
            .initial_connection_window_size(config.connection_window)
            .max_header_list_size(config.max_header_len)
            .keep_alive_interval(config.keep_alive_interval)
            .keep_alive_timeout(config.keep_alive_timeout)
            .keep_alive_while_idle(true);
        let (send, connection) = builder.handshake(TokioIo::new(pipe)).await?;
        let running = async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection for gRPC ended");
            }
        };
        Ok((Self { send, tasks, number: COUNT.fetch_add(1, Relaxed) }, running))
    }

    /// Whether no more calls can be made.
    pub(crate) fn is_closed(&self) -> bool {
        self.send.is_closed()
    }

    /// What gives it its tasks.
    pub(crate) fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// Whether both are the same connection.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.number == other.number
    }

    /// Sends a call's request, and waits for the head of its answer.
    pub(crate) async fn send(&mut self, request: Request<Sending>) -> Result<Response<Incoming>, Unsent> {
        self.send.try_send_request(request).await.map_err(|mut failed| {
            let unsent = failed.take_message().is_some();
            let error = failed.into_error();
            Unsent { unprocessed: unsent || status::is_unprocessed(&error), error }
        })
    }
}
