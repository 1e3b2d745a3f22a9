//! HTTP/2 on a pipe, on the side that calls.

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};

use crate::call::sending::Sending;
use crate::{ChannelConfig, Pipe};

/// A connection over which calls are made. All clones are one; it closes when they are gone and their calls have ended.
#[derive(Clone)]
pub(crate) struct Link(SendRequest<Sending>);

/// A call that did not come about.
pub(crate) struct Unsent {
    pub(crate) error: hyper::Error,
    /// The request, if nothing of it was sent.
    pub(crate) request: Option<Request<Sending>>,
}

impl Link {
    /// Begins HTTP/2 on `pipe`. The second one is the connection, which moves only as it is awaited; its calls are told how it
    /// ended.
    pub(crate) async fn begin(
        pipe: Pipe,
        config: &ChannelConfig,
    ) -> Result<(Self, impl Future<Output = ()> + Send + use<>), hyper::Error> {
        let mut builder = Builder::new(TokioExecutor::new());
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
        Ok((Self(send), running))
    }

    /// Whether no more calls can be made.
    pub(crate) fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    /// Sends a call's request, and waits for the head of its answer.
    pub(crate) async fn send(&mut self, request: Request<Sending>) -> Result<Response<Incoming>, Unsent> {
        self.0.try_send_request(request).await.map_err(|mut failed| {
            let request = failed.take_message();
            Unsent { error: failed.into_error(), request }
        })
    }
}
