//! A gateway that takes both sides of every upgraded connection over, so that they can be seen and steered while they
//! live, in front of servers that know nothing of it.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod config;
pub mod filter;
mod nearest;
mod units;
mod view;

pub use config::{
    Admin, Compression, Config, ConfigError, Limits, Mistake, RatePolicy, Role, Route, RouteLimits,
    SlowReader, Subject, TlsFiles, Token, Tunnel,
};
pub use filter::{Filter, FilterError};
pub use view::{ConnectionView, HeadView, MessageView};
