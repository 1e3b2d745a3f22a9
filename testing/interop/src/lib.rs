//! Foreign clients against our server, and our client against foreign servers. [`server`] has the endpoints that
//! are asked for, [`foreign`] has them in Go, in Node and behind proxies, [`dockerd`] is Docker's daemon, [`podman`]
//! another of its kind and [`engine`] one of ours; [`peer`] finds the programs and runs the clients of `clients/`; [`transcript`] reads what a server answered to raw bytes,
//! far from the code under test. [`websocket`] has WebSocket with other people's libraries, [`autobahn`] the suite that
//! judges it; [`rpc`] has Go's net/rpc in both roles, [`gob`] its judgement of our gobs; [`grpc`] has gRPC's own clients; [`browser`] is Chromium, driven
//! from here; [`gateway`] is the program between any two of them. The tests are in `tests/`; the endpoints and how to
//! run everything by hand are in `README.md`.

pub mod autobahn;
pub mod browser;
pub mod dockerd;
pub mod engine;
pub mod foreign;
pub mod gateway;
pub mod gob;
pub mod grpc;
pub mod peer;
pub mod podman;
pub mod process;
pub mod rpc;
pub mod server;
pub mod transcript;
pub mod websocket;
