//! A server of the test service.

#![allow(dead_code, reason = "each test program uses some of it")]

use hijack::Listener;
use hijack_tonic::tonic::service::Routes;
use hijack_tonic::{Dialer, Server, interop};

/// The test service, everything at its default.
pub(crate) fn grpc() -> Server {
    Server::new(Routes::new(interop::server()))
}

/// A server on a port of its own.
pub(crate) struct World {
    pub(crate) address: String,
    pub(crate) http: hijack::Server,
}

impl World {
    /// With the test service, and everything at its default.
    pub(crate) async fn start() -> Self {
        Self::serve(grpc()).await
    }

    pub(crate) async fn serve(grpc: Server) -> Self {
        let listener = Listener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_address();
        let http = hijack::Server::new();
        let serving = http.clone();
        tokio::spawn(async move {
            let handler = move |exchange| {
                let grpc = grpc.clone();
                async move { grpc.serve(exchange).await }
            };
            serving.serve(listener, handler).await;
        });
        Self { address, http }
    }

    pub(crate) fn dialer(&self) -> Dialer {
        Dialer::to(&format!("http://{}/grpc", self.address)).expect("a URL")
    }
}
