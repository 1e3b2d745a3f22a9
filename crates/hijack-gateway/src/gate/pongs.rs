//! Pongs that answer our own pings, and must not reach the other end.

use hijack_proto::ws::{FrameHeader, Mask, Opcode};
use serde::{Deserialize, Serialize};

/// Bytes of the payload of our pings: so that a pong can be told from those of the peers, it is marked and numbered.
pub(crate) const PING_LEN: usize = 16;

/// The payload of our pings: eight bytes that are this connection's, and a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PingMark(pub(crate) [u8; 8]);

impl PingMark {
    pub(crate) fn payload(self, number: u64) -> [u8; PING_LEN] {
        let mut payload = [0; PING_LEN];
        payload[..8].copy_from_slice(&self.0);
        payload[8..].copy_from_slice(&number.to_be_bytes());
        payload
    }
}

/// Looks at the pongs of one direction. A pong of our length is held back until it can be seen whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pongs {
    mark: PingMark,
    /// The header and what came of the payload of the pong under way; empty if there is none.
    held: Vec<u8>,
    /// The part of `held` that is header.
    header_len: usize,
    key: Option<[u8; 4]>,
}

impl Pongs {
    pub(super) fn new(mark: PingMark) -> Self {
        Self { mark, held: Vec::new(), header_len: 0, key: None }
    }

    /// Whether the frame behind this header is to be held back; its bytes are then `header`.
    pub(super) fn begin(&mut self, frame: &FrameHeader, header: [&[u8]; 2]) -> bool {
        let may_be_ours = frame.opcode == Opcode::PONG && frame.len == PING_LEN as u64;
        if may_be_ours {
            self.held = header.concat();
            self.header_len = self.held.len();
            self.key = frame.mask;
        }
        may_be_ours
    }

    pub(super) fn is_holding(&self) -> bool {
        !self.held.is_empty()
    }

    pub(super) fn payload(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
    }

    /// The pong is complete: its bytes if it is the peer's own, none if it answers us.
    pub(super) fn finish(&mut self) -> Option<Vec<u8>> {
        let held = std::mem::take(&mut self.held);
        let mut payload = held[self.header_len..].to_vec();
        if let Some(key) = self.key {
            Mask::new(key).apply(&mut payload);
        }
        (!payload.starts_with(&self.mark.0)).then_some(held)
    }

    /// What is held back, as it came.
    pub(super) fn give_up(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }
}
