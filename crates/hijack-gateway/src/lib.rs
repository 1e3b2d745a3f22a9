//! A gateway that takes both sides of every upgraded connection over, so that they can be seen and steered while they
//! live, in front of servers that know nothing of it.
//!
//! ```text
//! client ─→ ingress ─→ route ─→ ordinary ─→ pooled client ─→ upstream
//!                        └────→ upgrade ──→ its own connection, answer verified ─→ both taken over
//!                                             └→ conversation: relay with a gate in each direction ─→ end, by whom and why
//! operator ─→ admin ─→ registry ─→ mail of the conversation ─→ gates: look, send, close
//! ```
//!
//! [`Gateway`] is the whole of it, [`Config`] what it is told, [`AdminServer`] the operators' side. Every taken-over
//! connection is a [`ConnectionView`] for everybody outside, and [`Filter`] says which are meant.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod admin;
mod calls;
mod config;
mod conversation;
pub mod filter;
mod gate;
mod gateway;
mod headers;
mod ingress;
mod log;
mod metrics;
mod nearest;
mod ordinary;
mod packed;
mod registry;
mod routes;
mod tap;
mod units;
mod upgrade;
mod view;
mod watch;

pub use admin::{AdminHandle, AdminServer};
pub use config::{
    Admin, Compression, Config, ConfigError, Limits, Mistake, RatePolicy, Role, Route, RouteLimits,
    SlowReader, Subject, TlsFiles, Token, Tunnel,
};
pub use filter::{Filter, FilterError};
pub use gateway::{Broadcast, Gateway, Kick, Page};
pub use packed::{MoveError, PackedConversation};
pub use registry::{Event, Payload, SendFailure};
pub use view::{CallView, CallsView, ConnectionView, HeadView, MessageView};
