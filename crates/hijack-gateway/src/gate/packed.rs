//! A gate on its way to another process: plain data, without what is made anew there (rules, watchers).

use std::sync::Arc;

use bytes::Bytes;
use hijack::Side;
use hijack_proto::ws::check::Place;
use hijack_proto::ws::{FrameScan, MaskKey, Role};
use serde::{Deserialize, Serialize};

use super::frames::{FrameCounts, PassingClose, Stage};
use super::outbox::OwnFrame;
use super::pongs::Pongs;
use super::{Content, FrameGate, FrameRules, PassGate, StreamGate};

/// Where a gate stood.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum GateState {
    Stream {
        own: Vec<Bytes>,
        #[serde(default)]
        content: Content,
    },
    Frames(Box<FrameState>),
}

/// Where a gate of frames stood.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct FrameState {
    deflate: bool,
    pub(crate) is_lenient: bool,
    /// The bytes of an incomplete header.
    carried: Bytes,
    left: u64,
    within_message: bool,
    ends_message: bool,
    message_len: u64,
    messages: u64,
    illegal: u64,
    is_lost: bool,
    #[serde(default)]
    own: Vec<OwnFrame>,
    #[serde(default)]
    pongs: Option<Pongs>,
    #[serde(default)]
    close: Option<CloseState>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct CloseState {
    key: Option<MaskKey>,
    body: Bytes,
    is_whole: bool,
}

impl GateState {
    /// Whether an extension was agreed upon that is not known here.
    pub(crate) fn is_lenient(&self) -> bool {
        matches!(self, Self::Frames(state) if state.is_lenient)
    }
}

impl PassGate {
    /// Where it stands.
    pub(crate) fn state(&self) -> GateState {
        match self {
            Self::Stream(stream) => GateState::Stream { own: stream.waiting(), content: stream.content() },
            Self::WebSocket(frames) => GateState::Frames(Box::new(frames.state())),
        }
    }

    /// The gate that stands where another one stood, in the direction of what `from` sends; none if no gate can have
    /// stood there.
    pub(crate) fn restored(state: GateState, from: Side, rules: &Arc<FrameRules>) -> Option<Self> {
        match state {
            GateState::Stream { own, content } => {
                Some(Self::Stream(Box::new(StreamGate::restored(from, own, content)?)))
            }
            GateState::Frames(state) => {
                let receiver = if from == Side::Client { Role::Server } else { Role::Client };
                Some(Self::WebSocket(Box::new(FrameGate::restored(*state, receiver, rules)?)))
            }
        }
    }
}

impl FrameGate {
    fn state(&self) -> FrameState {
        let close = self.close.as_ref().map(|close| CloseState {
            key: close.key,
            body: Bytes::copy_from_slice(&close.body),
            is_whole: close.is_whole,
        });
        FrameState {
            deflate: self.law.deflate,
            is_lenient: self.rules.is_lenient,
            carried: Bytes::copy_from_slice(self.scan.carried()),
            left: self.scan.left(),
            within_message: self.place == Place::WithinMessage,
            ends_message: self.ends_message,
            message_len: self.message_len,
            messages: self.counts.messages,
            illegal: self.counts.illegal,
            is_lost: self.stage == Stage::Lost,
            own: self.outbox.waiting().cloned().collect(),
            pongs: self.pongs.as_deref().cloned(),
            close,
        }
    }

    fn restored(state: FrameState, receiver: Role, rules: &Arc<FrameRules>) -> Option<Self> {
        let mut gate = Self::new(receiver, state.deflate, Arc::clone(rules));
        gate.scan = FrameScan::resume(&state.carried, state.left)?;
        gate.place = if state.within_message { Place::WithinMessage } else { Place::BetweenMessages };
        (gate.ends_message, gate.message_len) = (state.ends_message, state.message_len);
        gate.counts = FrameCounts { messages: state.messages, illegal: state.illegal };
        gate.stage = if state.is_lost { Stage::Lost } else { Stage::Framed };
        for own in state.own {
            gate.outbox.put(own).ok()?;
        }
        gate.pongs = state.pongs.map(Box::new);
        gate.close = state.close.map(|close| {
            Box::new(PassingClose { key: close.key, body: close.body.to_vec(), is_whole: close.is_whole })
        });
        Some(gate)
    }
}
