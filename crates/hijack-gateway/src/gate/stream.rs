//! One direction of a stream without messages: counted by the relay, shown to whoever looks. Of Docker's streams it is known
//! whose output is where.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use hijack::{Gate, Passed, Side};
use serde::{Deserialize, Serialize};

use super::edit::Edit;
use super::outbox::{MOST_WAITING, OutboxFull};
use super::output::{Output, OutputScan};
use crate::calls::CallsReader;
use crate::tap::{OutputReader, Tap};

/// What stands in one direction of an opaque stream.
#[derive(Debug)]
pub(crate) struct StreamGate {
    from: Side,
    content: Content,
    reader: Option<OutputReader>,
    /// What follows the calls of gRPC in it.
    calls: Option<CallsReader>,
    own: VecDeque<Bytes>,
}

/// What a direction carries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Content {
    /// Any bytes.
    #[default]
    Opaque,
    /// What a process under Docker reads.
    Stdin,
    /// What it writes.
    Output(OutputScan),
}

impl StreamGate {
    pub(crate) fn new(from: Side, content: Content) -> Self {
        Self { from, content, reader: None, calls: None, own: VecDeque::new() }
    }

    /// None if it cannot have stood there.
    pub(super) fn restored(from: Side, own: Vec<Bytes>, content: Content) -> Option<Self> {
        let is_possible = match &content {
            Content::Output(scan) => scan.is_possible(),
            Content::Opaque | Content::Stdin => true,
        };
        (is_possible && own.len() <= MOST_WAITING)
            .then(|| Self { own: own.into(), ..Self::new(from, content) })
    }

    /// What waits to be put in.
    pub(super) fn waiting(&self) -> Vec<Bytes> {
        self.own.iter().cloned().collect()
    }

    pub(super) fn content(&self) -> Content {
        self.content.clone()
    }

    pub(super) fn set_tap(&mut self, tap: Option<Arc<Tap>>) {
        let opcode = match self.content {
            Content::Opaque => "data",
            Content::Stdin => "stdin",
            Content::Output(_) => "output",
        };
        self.reader = tap.map(|tap| OutputReader::new(tap, self.from, opcode));
    }

    /// Follows the calls in it, from the first byte on.
    pub(crate) fn set_calls(&mut self, calls: Option<CallsReader>) {
        self.calls = calls.filter(|_| self.content == Content::Opaque);
    }

    pub(super) fn is_tapped(&self) -> bool {
        self.reader.is_some()
    }

    /// Whether the beginnings of frames are looked for.
    pub(super) fn is_framed(&self) -> bool {
        self.calls.as_ref().is_some_and(CallsReader::is_following)
            || matches!(&self.content, Content::Output(scan) if scan.is_framed())
    }

    /// Puts bytes of an operator's in, between two frames where there are any.
    pub(crate) fn put(&mut self, bytes: Bytes) -> Result<(), OutboxFull> {
        if self.own.len() >= MOST_WAITING {
            return Err(OutboxFull { limit: MOST_WAITING });
        }
        self.own.push_back(bytes);
        Ok(())
    }

    fn is_at_edge(&self) -> bool {
        match &self.content {
            Content::Output(scan) => scan.is_at_edge(),
            Content::Opaque | Content::Stdin => true,
        }
    }

    /// What is to be put in here, as the receiver expects it.
    fn take_own(&mut self) -> Option<Bytes> {
        if !self.is_at_edge() {
            return None;
        }
        let own = self.own.pop_front()?;
        if self.own.is_empty() {
            self.own = VecDeque::new();
        }
        if let Some(reader) = &self.reader {
            reader.show_own(&own);
        }
        if let Some(calls) = &self.calls {
            calls.lose();
        }
        match &self.content {
            Content::Output(scan) => Some(scan.wrap(&own).into()),
            Content::Opaque | Content::Stdin => Some(own),
        }
    }

    /// Takes what belongs together from the front of `bytes`.
    fn see_output(&mut self, bytes: &[u8]) -> usize {
        let Content::Output(scan) = &mut self.content else { return bytes.len() };
        let (taken, output) = scan.next(bytes);
        let Some(reader) = &mut self.reader else { return taken };
        match output {
            Output::Header => {}
            Output::Begins(header) => reader.begin(header),
            Output::Payload { is_end } => reader.payload(&bytes[..taken], is_end),
            Output::Raw { behind: 0 } => reader.show(&bytes[..taken]),
            Output::Raw { behind } => reader.show(&[&scan.header()[..behind], &bytes[..taken]].concat()),
        }
        taken
    }
}

impl Gate for StreamGate {
    fn pass(&mut self, bytes: &[u8], _: u64) -> Passed {
        if !matches!(self.content, Content::Output(_)) {
            if let Some(reader) = &self.reader {
                reader.show(bytes);
            }
            if let Some(calls) = &self.calls {
                calls.see(bytes);
            }
            return Passed::AsTheyCame;
        }
        let mut edit = Edit::new(bytes);
        let mut at = 0;
        while at < bytes.len() {
            if !self.own.is_empty()
                && let Some(own) = self.take_own()
            {
                edit.insert(at, &own);
            }
            at += self.see_output(&bytes[at..]);
        }
        edit.finish()
    }

    fn blind(&self) -> u64 {
        match &self.content {
            _ if self.reader.is_some() => 0,
            Content::Output(scan) => scan.blind(),
            Content::Opaque | Content::Stdin => self.calls.as_ref().map_or(u64::MAX, CallsReader::blind),
        }
    }

    fn skip(&mut self, len: u64, _: u64) {
        if let Content::Output(scan) = &mut self.content {
            scan.skip(len);
        }
        if let Some(calls) = &self.calls {
            calls.skip(len);
        }
    }

    fn own(&mut self) -> Option<Bytes> {
        self.take_own()
    }
}
