//! Who is at the other end, for axum's `ConnectInfo`.

use std::task::{Context, Poll};

use axum::extract::ConnectInfo;
use hijack::Peer;
use hijack::tower::Hijacker;
use http::Request;
use tower_service::Service;

/// Puts `ConnectInfo` into each request's extensions.
#[derive(Debug, Clone)]
pub(crate) struct WithConnectInfo<S>(pub(crate) S);

impl<S: Service<Request<B>>, B> Service<Request<B>> for WithConnectInfo<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        let extensions = request.extensions_mut();
        if let Some(peer) = extensions.get().map(Hijacker::peer) {
            if let Peer::Tcp(address) = peer {
                extensions.insert(ConnectInfo(address));
            }
            extensions.insert(ConnectInfo(peer));
        }
        self.0.call(request)
    }
}
