//! What handlers of axum apps get from `hijack_axum`: who is there, takeovers and refusals, the end of the server.
#![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

mod connect_info;
mod rejections;
mod shutdown;
mod support;
mod takeovers;
mod under_layers;
mod websocket;
mod websocket_upgrade;
