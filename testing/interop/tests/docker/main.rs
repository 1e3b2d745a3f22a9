//! Our client for Docker's streams against the real dockerd: nothing is lost, nothing hangs, exit codes and refusals are
//! the daemon's. A test is a daemon of its own and a group of behaviours.
//!
//! `HIJACK_DOCKER_ROUNDS` is how often short commands run in a row (20).

mod attach;
mod bulk;
mod exec;
mod hosts;
mod http2;
mod logs;
mod rounds;
mod site;
mod terminal;
mod websocket;
