//! WebSocket echo servers: ours, fastwebsockets' and tokio-tungstenite's, each as its documentation shows one.
//!
//! All allow 64 MiB per message, set `TCP_NODELAY` and do not compress, except for ours with `--deflate`. With
//! `--broadcast`, ours gives to all what one sends.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{env, io};

use fastwebsockets::upgrade::{UpgradeFut, upgrade};
use fastwebsockets::{FragmentCollector, OpCode, WebSocketError};
use futures_util::{SinkExt, StreamExt};
use hijack::ws::{Deflate, Error, Prepared, WebSocket, Writer};
use http::{Request, Response};
use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::accept_async_with_config;
use tokio_tungstenite::tungstenite::{self, protocol::WebSocketConfig};

use super::hyper::builder;

/// Ours: answers are fed, and leave when there is nothing more to receive.
///
/// # Errors
/// None: it serves for ever.
pub async fn with_hijack(listener: TcpListener) -> io::Result<()> {
    if is_asked_for("--broadcast") {
        return broadcast(listener).await;
    }
    let echo = hijack::ws::Server::new(|mut socket: WebSocket| async move {
        while let Some(message) = socket.recv().await? {
            socket.feed(message).await?;
        }
        Ok(())
    });
    let echo = echo.configure(|config| config.deflate = deflate());
    hijack::Server::new().serve(listener, echo.into_handler()).await;
    Ok(())
}

/// By the level at which zlib compresses unless told otherwise, so that all servers' messages have one size.
fn deflate() -> Option<Deflate> {
    let mut deflate = Deflate::default();
    deflate.level = 6;
    is_asked_for("--deflate").then_some(deflate)
}

fn is_asked_for(argument: &str) -> bool {
    env::args().any(|found| found == argument)
}

/// All that are connected hear each message, its sender too; who has no room for it misses it.
async fn broadcast(listener: TcpListener) -> io::Result<()> {
    let members = Arc::new(Mutex::new(Vec::new()));
    let room = hijack::ws::Server::new(move |socket: WebSocket| {
        let members = Arc::clone(&members);
        async move {
            let (mut reader, writer) = socket.split();
            lock(&members).push(writer);
            while let Some(message) = reader.recv().await? {
                let message = Prepared::new(message.kind(), message.as_bytes());
                lock(&members).retain(|member| {
                    matches!(member.try_send_prepared(&message), Ok(()) | Err(Error::QueueFull { .. }))
                });
            }
            Ok(())
        }
    });
    hijack::Server::new().serve(listener, room.into_handler()).await;
    Ok(())
}

fn lock(members: &Mutex<Vec<Writer>>) -> MutexGuard<'_, Vec<Writer>> {
    members.lock().unwrap_or_else(PoisonError::into_inner)
}

/// fastwebsockets behind hyper's upgrade.
///
/// # Errors
/// When accepting fails.
pub async fn with_fastwebsockets(listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let connection = builder().serve_connection(TokioIo::new(stream), service_fn(accept)).with_upgrades();
        tokio::spawn(connection);
    }
}

async fn accept(mut request: Request<Incoming>) -> Result<Response<Empty<Bytes>>, WebSocketError> {
    let (response, upgraded) = upgrade(&mut request)?;
    tokio::spawn(tokio::task::unconstrained(echo_frames(upgraded)));
    Ok(response)
}

async fn echo_frames(upgraded: UpgradeFut) -> Result<(), WebSocketError> {
    let mut socket = FragmentCollector::new(upgraded.await?);
    loop {
        let frame = socket.read_frame().await?;
        match frame.opcode {
            OpCode::Close => return Ok(()),
            OpCode::Text | OpCode::Binary => socket.write_frame(frame).await?,
            _ => {}
        }
    }
}

/// tokio-tungstenite with a read buffer of 4 KiB: its default of 128 KiB makes it much slower on many connections.
///
/// # Errors
/// When accepting fails.
pub async fn with_tungstenite(listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(echo_messages(stream));
    }
}

async fn echo_messages(stream: TcpStream) -> tungstenite::Result<()> {
    let config = WebSocketConfig::default().read_buffer_size(4096);
    let mut socket = accept_async_with_config(stream, Some(config)).await?;
    while let Some(message) = socket.next().await {
        let message = message?;
        if message.is_text() || message.is_binary() {
            socket.send(message).await?;
        }
    }
    Ok(())
}
