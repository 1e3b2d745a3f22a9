//! Apps as axum's users write them, each served twice: by `axum::serve`, which is hyper, and by `hijack_axum::serve`.
//!
//! Both get the same bytes over plain TCP, and their answers are compared: status, headers, framing and body. No app
//! knows of hijack; what may differ stands in `compare::DIFFERENCES`, with the reason.
#![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

mod compare;
mod files;
mod forms;
mod layers;
mod malformed;
mod nested;
mod streams;
mod todos;
mod uploads;
mod wire;
