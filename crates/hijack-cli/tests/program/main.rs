//! The program as people and scripts use it.

mod chat;
mod conns;
mod daemon;
mod demo;
mod docker;
mod gateway;
mod grpc;
mod rpc;
mod steering;
mod support;
mod terminal;
mod ws;
