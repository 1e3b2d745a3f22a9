//! The program as people and scripts use it.

mod chat;
mod conns;
mod demo;
mod gateway;
mod rpc;
mod steering;
mod support;
mod terminal;
mod ws;
