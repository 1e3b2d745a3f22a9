//! What stands in for `connect_info` without the feature: nothing is added.

use std::task::{Context, Poll};

use http::Request;
use tower_service::Service;

#[derive(Debug, Clone)]
pub(crate) struct WithConnectInfo<S>(pub(crate) S);

impl<S: Service<Request<B>>, B> Service<Request<B>> for WithConnectInfo<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> S::Future {
        self.0.call(request)
    }
}
