//! A server of net/rpc: ours, as its documentation shows it.

use std::io;

use hijack::rpc::{Fault, Gob, Methods, Server};
use hijack_gob::ByteBuf;
use tokio::net::TcpListener;

use crate::rpc::Args;

/// Serves `Arith.Multiply` and `Blob.Echo` by CONNECT.
///
/// # Errors
/// None: it serves for ever.
pub async fn with_hijack(listener: TcpListener) -> io::Result<()> {
    let mut methods = Methods::<Gob>::new();
    methods
        .add("Arith.Multiply", |Args { a, b }| async move { Ok::<_, Fault>(a * b) })
        .and_then(|methods| methods.add("Blob.Echo", |bytes: ByteBuf| async move { Ok::<_, Fault>(bytes) }))
        .map_err(io::Error::other)?;
    hijack::Server::new().serve(listener, Server::new(methods).into_handler()).await;
    Ok(())
}
