//! The program as people and scripts use it.

mod chat;
mod demo;
mod support;
mod ws;
