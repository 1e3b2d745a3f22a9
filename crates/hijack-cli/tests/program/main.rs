//! The program as people and scripts use it.

mod chat;
mod conns;
mod demo;
mod gateway;
mod support;
mod terminal;
mod ws;
