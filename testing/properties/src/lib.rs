//! What must hold for `hijack-proto` and `hijack-gob` whatever bytes come in, one function for each fuzz target.
//!
//! A property takes arbitrary bytes and panics where the law is broken. The targets in `fuzz/` call them with
//! what the fuzzer invents, the tests of both with random streams and with every file of the
//! committed corpus, so that a finding stays found without a fuzzer.
//!
//! Some properties read a few bytes of control first ([`source`]): how the rest is cut, what the handler does.

pub mod chunked;
pub mod client;
pub mod encode;
pub mod gob;
pub mod grpc;
pub mod heads;
pub mod pieces;
pub mod reader;
pub mod rpc;
pub mod server;
pub mod source;
pub mod stream;
pub mod tokens;
pub mod ws;

/// A property: panics if the law is broken by these bytes.
pub type Property = fn(&[u8]);

/// The properties of `hijack-gob`, as [`ALL`] has those of `hijack-proto`.
pub const GOB: [(&str, Property); 3] =
    [("gob_decode", gob::decode), ("gob_value", gob::value), ("gob_encode", gob::encode)];

/// Every property by the name of its fuzz target, which is also the name of its folder in `fuzz/corpus`.
pub const ALL: [(&str, Property); 18] = [
    ("request_head", heads::request),
    ("response_head", heads::response),
    ("tokens", tokens::lists),
    ("chunked", chunked::body),
    ("server_session", server::session),
    ("client_session", client::session),
    ("encode", encode::round_trip),
    ("ws_header", ws::header::edges),
    ("ws_receive", ws::receive::events),
    ("ws_handshake", ws::handshake::opening),
    ("ws_deflate", ws::deflate::round_trip),
    ("ws_negotiate", ws::negotiate::offers),
    ("rpc_json", rpc::json::values),
    ("rpc_msgpack", rpc::msgpack::values),
    ("rpc_handshake", rpc::handshake::heads),
    ("stream_frames", stream::frames),
    ("stream_detach", stream::detach),
    ("grpc_calls", grpc::calls),
];
