//! WebSocket from axum handlers, in use close to `axum::extract::ws`.
//!
//! ```
//! use axum::{Router, response::Response, routing::any};
//! use hijack_axum::ws::WebSocketUpgrade;
//!
//! async fn echo(ws: WebSocketUpgrade) -> Response {
//!     ws.on_upgrade(|mut socket| async move {
//!         while let Some(message) = socket.recv().await? {
//!             socket.send(message).await?;
//!         }
//!         Ok(())
//!     })
//! }
//! # let _: Router = Router::new().route("/ws", any(echo));
//! ```
//!
//! The [`WebSocket`] is [`hijack::ws`]'s: messages, values, pieces, halves, prepared broadcasts.

mod rejection;
mod upgrade;

pub use hijack::ws::{
    CloseCode, CloseFrame, Codec, Config, Deflate, Error, Json, Message, MessageKind, Origins, Prepared,
    Reader, Refusal, WebSocket, Writer,
};
pub use rejection::WebSocketUpgradeRejection;
pub use upgrade::{Ended, WebSocketUpgrade};
