//! One direction of a stream without messages: counted by the relay, shown to whoever looks.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use hijack::{Gate, Passed, Side};

use super::outbox::{MOST_WAITING, OutboxFull};
use crate::tap::Tap;

/// What stands in one direction of an opaque stream.
#[derive(Debug)]
pub(crate) struct StreamGate {
    from: Side,
    tap: Option<Arc<Tap>>,
    own: VecDeque<Bytes>,
}

impl StreamGate {
    pub(crate) fn new(from: Side) -> Self {
        Self { from, tap: None, own: VecDeque::new() }
    }

    pub(super) fn restored(from: Side, own: Vec<Bytes>) -> Self {
        Self { own: own.into(), ..Self::new(from) }
    }

    /// What waits to be put in.
    pub(super) fn waiting(&self) -> Vec<Bytes> {
        self.own.iter().cloned().collect()
    }

    pub(super) fn set_tap(&mut self, tap: Option<Arc<Tap>>) {
        self.tap = tap;
    }

    pub(super) fn is_tapped(&self) -> bool {
        self.tap.is_some()
    }

    /// Puts bytes of an operator's in, wherever the stream stands.
    pub(crate) fn put(&mut self, bytes: Bytes) -> Result<(), OutboxFull> {
        if self.own.len() >= MOST_WAITING {
            return Err(OutboxFull { limit: MOST_WAITING });
        }
        self.own.push_back(bytes);
        Ok(())
    }
}

impl Gate for StreamGate {
    fn pass(&mut self, bytes: &[u8], _: u64) -> Passed {
        if let Some(tap) = &self.tap {
            tap.show_data(self.from, bytes);
        }
        Passed::AsTheyCame
    }

    fn blind(&self) -> u64 {
        if self.tap.is_some() { 0 } else { u64::MAX }
    }

    fn skip(&mut self, _: u64, _: u64) {}

    fn own(&mut self) -> Option<Bytes> {
        let own = self.own.pop_front()?;
        if self.own.is_empty() {
            self.own = VecDeque::new();
        }
        if let Some(tap) = &self.tap {
            tap.show_own_data(self.from, &own);
        }
        Some(own)
    }
}
