//! A server of the official test service: behind takeovers, or tonic's own over TCP.

use std::io;

use hijack_tonic::interop;
use hijack_tonic::tonic::service::Routes;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;

use crate::grpc::Way;

/// Serves it by `way`, each with its defaults, and without a delay of small writes.
///
/// # Errors
/// When tonic's server ends.
pub async fn serve(listener: TcpListener, way: Way) -> io::Result<()> {
    if way == Way::Plain {
        let accepted = tokio_stream::StreamExt::map(TcpListenerStream::new(listener), |accepted| {
            accepted.and_then(|stream| stream.set_nodelay(true).map(|()| stream))
        });
        let server = Server::builder().add_service(interop::server());
        return server.serve_with_incoming(accepted).await.map_err(io::Error::other);
    }
    let grpc = hijack_tonic::Server::new(Routes::new(interop::server()));
    let handler = move |exchange| {
        let grpc = grpc.clone();
        async move { grpc.serve(exchange).await }
    };
    hijack::Server::new().serve(listener, handler).await;
    Ok(())
}
