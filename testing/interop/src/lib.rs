//! Foreign clients against our server. [`server`] has the endpoints the clients of `clients/` ask for,
//! [`peer`] finds and runs those clients and Go's reference server, [`transcript`] reads what a server
//! answered to raw bytes, so that two servers can be compared. The tests are in `tests/`; the endpoints
//! and how to run everything by hand are in `README.md`.

pub mod peer;
pub mod server;
pub mod transcript;
