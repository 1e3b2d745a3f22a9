//! Take over connections from axum handlers.
//!
//! The app stays as it is written; how it is served changes: [`serve`] instead of `axum::serve`. Any handler may then
//! ask for a [`Hijacker`] and take its connection over.
//!
//! ```
//! use axum::{Router, response::Response, routing::get};
//! use hijack_axum::Hijacker;
//! use tokio::io::AsyncWriteExt;
//!
//! async fn hello(hijacker: Hijacker) -> Response {
//!     hijacker.take_over_with(|mut conn| async move {
//!         conn.write_all(b"hello world").await?;
//!         conn.close().await.map(drop)
//!     })
//! }
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let app = Router::new().route("/hello", get(hello));
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//! hijack_axum::serve(listener, app).await;
//! # Ok(()) }
//! ```
#![doc = include_str!("takeovers.md")]
#![doc = include_str!("migration.md")]
//! # Features
//!
//! `connect-info` (default): `axum::extract::ConnectInfo`. `tls` (default): listeners with TLS. `ws` (default):
//! WebSocket, in [`ws`].
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "connect-info")]
mod connect_info;
#[cfg(not(feature = "connect-info"))]
#[path = "connect_info_off.rs"]
mod connect_info;
mod extract;
mod rejection;
mod serve;
#[cfg(feature = "ws")]
pub mod ws;

pub use extract::{Hijacker, TypedHijacker};
pub use rejection::{HijackerRejection, NotTaken};
pub use serve::{Serve, serve};
