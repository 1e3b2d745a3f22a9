//! What both ends of the measured gRPC calls know.

use std::io;
use std::str::FromStr;

/// How the client gets through to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// tonic's own channel and server over TCP; also to a forwarder, which has a way of its own.
    Plain,
    /// Ours, by the token.
    Token,
    /// Ours, by a WebSocket.
    WebSocket,
}

/// What an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// A call with 64 bytes each way.
    Unary,
    /// A message of 64 bytes of one server stream.
    Stream,
    /// A message of 64 bytes there and back on one stream.
    PingPong,
    /// A message of 64 KiB of one server stream.
    Bulk,
    /// A connection of its own, and one call.
    Open,
}

impl FromStr for Way {
    type Err = io::Error;

    fn from_str(word: &str) -> io::Result<Self> {
        match word {
            "plain" => Ok(Self::Plain),
            "token" => Ok(Self::Token),
            "websocket" => Ok(Self::WebSocket),
            _ => Err(io::Error::other(format!("unknown way: {word}"))),
        }
    }
}

impl FromStr for Work {
    type Err = io::Error;

    fn from_str(word: &str) -> io::Result<Self> {
        match word {
            "unary" => Ok(Self::Unary),
            "stream" => Ok(Self::Stream),
            "ping-pong" => Ok(Self::PingPong),
            "bulk" => Ok(Self::Bulk),
            "open" => Ok(Self::Open),
            _ => Err(io::Error::other(format!("unknown work: {word}"))),
        }
    }
}
