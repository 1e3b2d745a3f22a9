//! What stands in each direction of a relayed connection: it counts, shows, limits, and puts in what operators send.
//!
//! All gates are machines without IO; the relay of the library feeds them. `frames` is for WebSockets, `stream` for
//! everything else, with `output` for what is in Docker's; `outbox` holds frames of our own, `pongs` keeps answers to our pings, `rate` counts messages and frames in time,
//! `edit` changes a piece of a stream, `packed` is a gate on its way to another process.

mod edit;
mod frames;
mod outbox;
mod output;
mod packed;
mod pongs;
mod rate;
mod stream;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hijack::{Gate, Passed};

pub(crate) use frames::{Alarm, FrameGate, FrameRules};
pub(crate) use outbox::{OutboxFull, OwnFrame};
pub(crate) use output::OutputScan;
pub(crate) use packed::GateState;
pub(crate) use pongs::PingMark;
pub(crate) use rate::{Rate, RateLimit, RateRules};
pub(crate) use stream::{Content, StreamGate};

use crate::tap::Tap;

/// The gate of a direction, by what its protocol is.
#[derive(Debug)]
pub(crate) enum PassGate {
    Stream(Box<StreamGate>),
    WebSocket(Box<FrameGate>),
}

impl PassGate {
    pub(crate) fn frames(&self) -> Option<&FrameGate> {
        match self {
            Self::Stream(_) => None,
            Self::WebSocket(frames) => Some(frames),
        }
    }

    pub(crate) fn frames_mut(&mut self) -> Option<&mut FrameGate> {
        match self {
            Self::Stream(_) => None,
            Self::WebSocket(frames) => Some(frames),
        }
    }

    pub(crate) fn set_tap(&mut self, tap: Option<&Arc<Tap>>) {
        match self {
            Self::Stream(stream) => stream.set_tap(tap.cloned()),
            Self::WebSocket(frames) => frames.set_tap(tap),
        }
    }

    /// Whether the beginnings of frames are looked for.
    pub(crate) fn is_framed(&self) -> bool {
        match self {
            Self::Stream(stream) => stream.is_framed(),
            Self::WebSocket(_) => true,
        }
    }

    pub(crate) fn is_tapped(&self) -> bool {
        match self {
            Self::Stream(stream) => stream.is_tapped(),
            Self::WebSocket(frames) => frames.is_tapped(),
        }
    }
}

impl Gate for PassGate {
    fn pass(&mut self, bytes: &[u8], now_ms: u64) -> Passed {
        match self {
            Self::Stream(stream) => stream.pass(bytes, now_ms),
            Self::WebSocket(frames) => frames.pass(bytes, now_ms),
        }
    }

    fn blind(&self) -> u64 {
        match self {
            Self::Stream(stream) => stream.blind(),
            Self::WebSocket(frames) => frames.blind(),
        }
    }

    fn skip(&mut self, len: u64, now_ms: u64) {
        match self {
            Self::Stream(stream) => stream.skip(len, now_ms),
            Self::WebSocket(frames) => frames.skip(len, now_ms),
        }
    }

    fn own(&mut self) -> Option<Bytes> {
        match self {
            Self::Stream(stream) => stream.own(),
            Self::WebSocket(frames) => frames.own(),
        }
    }

    fn pause(&self, now_ms: u64) -> Option<Duration> {
        match self {
            Self::Stream(stream) => stream.pause(now_ms),
            Self::WebSocket(frames) => frames.pause(now_ms),
        }
    }

    fn end(&mut self) -> Option<Bytes> {
        match self {
            Self::Stream(stream) => stream.end(),
            Self::WebSocket(frames) => frames.end(),
        }
    }
}
