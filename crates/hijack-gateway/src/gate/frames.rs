//! One direction of a WebSocket: frames are counted and passed on as they came, payloads still masked.
//!
//! The header of a frame is held back until it is complete, so that at every moment the receiver stands either between two
//! frames or within a payload, and a frame of our own can be put in. A frame that breaks RFC 6455 passes as it came and
//! ends the counting: behind it no edge is known.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hijack::{Gate, Passed};
use hijack_proto::ws::check::{FrameLaw, Place};
use hijack_proto::ws::{Close, FrameHeader, FrameScan, Mask, MaskKey, Opcode, Role, Scanned};

use super::edit::Edit;
use super::outbox::{Outbox, OutboxFull, OwnFrame};
use super::pongs::{PingMark, Pongs};
use super::rate::{RateLimit, RateRules, Rates};
use crate::calls::CallsReader;
use crate::tap::{FrameReader, Tap};

/// What stands in one direction of a WebSocket.
#[derive(Debug)]
pub(crate) struct FrameGate {
    pub(super) scan: FrameScan,
    pub(super) law: FrameLaw,
    pub(super) place: Place,
    /// The frame under way ends its message.
    pub(super) ends_message: bool,
    /// Payload of the message under way, as its headers tell.
    pub(super) message_len: u64,
    pub(super) rules: Arc<FrameRules>,
    pub(super) counts: FrameCounts,
    pub(super) stage: Stage,
    rates: Option<Box<Rates>>,
    pub(super) outbox: Outbox,
    pub(super) pongs: Option<Box<Pongs>>,
    pub(super) close: Option<Box<PassingClose>>,
    reader: Option<Box<FrameReader>>,
    alarm: Option<Box<Alarm>>,
}

/// What holds in both directions of a connection, the same for all of a route.
#[derive(Debug, Clone, Default)]
pub(crate) struct FrameRules {
    /// Bytes of a message.
    pub(crate) message_len: Option<u64>,
    pub(crate) rates: RateRules,
    /// An extension was agreed upon that is not known here: reserved bits and opcodes may mean something.
    pub(crate) is_lenient: bool,
}

/// What passed so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct FrameCounts {
    pub(crate) messages: u64,
    pub(crate) illegal: u64,
}

/// How the bytes of this direction are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Framed,
    /// Behind an illegal frame.
    Lost,
    /// In front of a frame that must not go on: nothing but our Close does.
    Stopped,
    /// Behind a Close of ours: nothing more goes on.
    Muted,
}

/// Why the gate wants the connection to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alarm {
    MessageTooLong { len: u64, limit: u64 },
    TooFast(RateLimit),
}

/// A Close of the peer's on its way through.
#[derive(Debug)]
pub(super) struct PassingClose {
    pub(super) key: Option<MaskKey>,
    /// Unmasked.
    pub(super) body: Vec<u8>,
    pub(super) is_whole: bool,
}

impl FrameGate {
    /// A gate that sees what `receiver`'s peer sends. `deflate` says whether permessage-deflate was agreed upon.
    pub(crate) fn new(receiver: Role, deflate: bool, rules: Arc<FrameRules>) -> Self {
        let rates = if receiver == Role::Server { Rates::new(&rules.rates).map(Box::new) } else { None };
        Self {
            scan: FrameScan::default(),
            law: FrameLaw { receiver, deflate },
            place: Place::default(),
            ends_message: false,
            message_len: 0,
            rules,
            counts: FrameCounts::default(),
            stage: Stage::Framed,
            rates,
            outbox: Outbox::default(),
            pongs: None,
            close: None,
            reader: None,
            alarm: None,
        }
    }

    pub(crate) fn counts(&self) -> FrameCounts {
        self.counts
    }

    /// Whom this direction leads to.
    pub(crate) fn receiver(&self) -> Role {
        self.law.receiver
    }

    /// Why the connection should end, if there is a reason; told once.
    pub(crate) fn take_alarm(&mut self) -> Option<Alarm> {
        self.alarm.take().map(|alarm| *alarm)
    }

    /// What the peer's Close said, once it has passed.
    pub(crate) fn passed_close(&self) -> Option<Option<Close<'_>>> {
        let close = self.close.as_ref().filter(|close| close.is_whole)?;
        Some(Close::parse(&close.body).ok().flatten())
    }

    /// Has a frame of our own leave at the next place where it fits.
    pub(crate) fn put(&mut self, frame: OwnFrame) -> Result<(), OutboxFull> {
        match self.stage {
            Stage::Framed => self.outbox.put(frame),
            Stage::Stopped if frame.is_last() => self.outbox.put(frame),
            // No place for it is known, or it is behind the end.
            Stage::Lost | Stage::Stopped | Stage::Muted => {
                if frame.is_last() && self.stage == Stage::Lost {
                    self.mute();
                }
                Ok(())
            }
        }
    }

    /// Whether a Close of ours has left, or cannot.
    pub(crate) fn is_muted(&self) -> bool {
        self.stage == Stage::Muted
    }

    /// Whether frames of our own can be put in.
    pub(crate) fn is_framed(&self) -> bool {
        self.stage == Stage::Framed
    }

    /// Whether something of ours waits for a place.
    pub(crate) fn has_waiting(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// Keeps the pongs back that answer pings with this mark.
    pub(crate) fn expect_pongs(&mut self, mark: PingMark) {
        self.pongs.get_or_insert_with(|| Box::new(Pongs::new(mark)));
    }

    /// Shows messages to whoever looks, from the next one on.
    pub(crate) fn set_tap(&mut self, tap: Option<&Arc<Tap>>) {
        match (&mut self.reader, tap) {
            (Some(reader), tap) => reader.set_tap(tap.cloned()),
            (None, Some(tap)) => {
                let mut reader = FrameReader::new(self.law.receiver);
                reader.set_tap(Some(Arc::clone(tap)));
                self.reader = Some(Box::new(reader));
            }
            (None, None) => {}
        }
        if self.reader.as_ref().is_some_and(|reader| reader.is_idle()) {
            self.reader = None;
        }
    }

    /// Reads along from the first message on.
    pub(crate) fn set_reader(&mut self, reader: FrameReader) {
        self.reader = Some(Box::new(reader));
    }

    /// Follows the calls of gRPC in its messages, from the first one on.
    pub(crate) fn set_calls(&mut self, calls: CallsReader) {
        self.reader.get_or_insert_with(|| Box::new(FrameReader::new(self.law.receiver))).set_calls(calls);
    }

    pub(crate) fn is_tapped(&self) -> bool {
        self.reader.as_ref().is_some_and(|reader| reader.is_tapped())
    }

    pub(crate) fn is_inflating(&self) -> bool {
        self.reader.as_ref().is_some_and(|reader| reader.is_inflating())
    }

    fn mute(&mut self) {
        self.stage = Stage::Muted;
        self.outbox.clear();
    }

    fn note_illegal(&mut self) {
        self.counts.illegal += 1;
        self.stage = Stage::Lost;
        self.outbox.clear();
        if let Some(reader) = self.reader.take() {
            reader.lose();
        }
    }

    /// The next frame of our own that may stand here, between two frames.
    fn take_own(&mut self) -> Option<OwnFrame> {
        let own = self.outbox.take(self.place)?;
        if let Some(reader) = &self.reader {
            reader.show_own(&own);
        }
        if own.is_last() {
            self.mute();
        }
        Some(own)
    }

    /// What becomes of the frame behind this header.
    fn begin_frame(&mut self, header: &FrameHeader, now_ms: u64) -> Fate {
        let Ok(place) = self.check(header) else {
            self.note_illegal();
            return Fate::Passes;
        };
        let is_control = header.opcode.is_control();
        let begins_message = !is_control && self.place == Place::BetweenMessages;
        if begins_message {
            self.message_len = 0;
        }
        if let Some(alarm) = self.find_alarm(header, begins_message, now_ms) {
            self.alarm = Some(Box::new(alarm));
            return Fate::Stops;
        }
        if !is_control {
            self.message_len += header.len;
        }
        self.place = place;
        let is_data = matches!(header.opcode, Opcode::TEXT | Opcode::BINARY | Opcode::CONTINUATION);
        self.ends_message = header.fin && is_data;
        if header.opcode == Opcode::CLOSE && self.close.is_none() {
            let close = PassingClose { key: header.mask, body: Vec::new(), is_whole: false };
            self.close = Some(Box::new(close));
        }
        if let Some(reader) = &mut self.reader {
            reader.begin(header);
        }
        Fate::Passes
    }

    fn check(&self, header: &FrameHeader) -> Result<Place, hijack_proto::ws::Violation> {
        if !self.rules.is_lenient {
            return self.law.check(self.place, header);
        }
        if header.opcode.is_reserved() {
            return Ok(self.place);
        }
        self.law.check(self.place, &FrameHeader { rsv: 0, ..*header })
    }

    fn find_alarm(&mut self, header: &FrameHeader, begins_message: bool, now_ms: u64) -> Option<Alarm> {
        let len = self.message_len.saturating_add(header.len);
        let longest = self.rules.message_len.filter(|_| !header.opcode.is_control());
        if let Some(limit) = longest.filter(|limit| len > *limit) {
            return Some(Alarm::MessageTooLong { len, limit });
        }
        // Whoever says goodbye is not ended for having said too much before.
        let rates = self.rates.as_mut().filter(|_| header.opcode != Opcode::CLOSE)?;
        let exceeded = rates.take(begins_message, now_ms)?;
        self.rules.rates.ends.then_some(Alarm::TooFast(exceeded))
    }

    fn see_payload(&mut self, bytes: &[u8]) {
        if let Some(close) = self.close.as_mut().filter(|close| !close.is_whole) {
            let seen = close.body.len();
            close.body.extend_from_slice(bytes);
            if let Some(key) = close.key {
                let mut mask = Mask::new(key);
                mask.skip(seen);
                mask.apply(&mut close.body[seen..]);
            }
        }
        if let Some(reader) = &mut self.reader {
            reader.payload(bytes);
        }
    }

    /// The last byte of a frame has passed.
    fn end_frame(&mut self) {
        self.counts.messages += u64::from(std::mem::take(&mut self.ends_message));
        if let Some(close) = &mut self.close {
            close.is_whole = true;
        }
        if let Some(reader) = &mut self.reader {
            reader.end();
        }
        self.reader.take_if(|reader| reader.is_idle());
    }

    fn is_holding_pong(&self) -> bool {
        self.pongs.as_ref().is_some_and(|pongs| pongs.is_holding())
    }

    /// Takes what belongs together from `bytes` at `at`; the place behind it, or none if no more can be done.
    fn step(&mut self, edit: &mut Edit<'_>, bytes: &[u8], at: usize, now_ms: u64) -> Option<usize> {
        if self.scan.at_edge() && !self.outbox.is_empty() {
            while let Some(own) = self.take_own() {
                edit.insert(at, &own.bytes);
            }
            if self.stage == Stage::Muted {
                edit.leave_out(at, bytes.len());
                return None;
            }
        }
        let held = Held::of(&self.scan);
        match self.scan.next(&bytes[at..]) {
            Err(_) => {
                edit.insert(at, held.bytes());
                self.note_illegal();
                None
            }
            Ok((taken, Scanned::NeedInput)) => {
                edit.leave_out(at, at + taken);
                None
            }
            Ok((taken, Scanned::Header(header))) => {
                self.step_header(edit, bytes, at..at + taken, &held, &header, now_ms)
            }
            Ok((taken, Scanned::Payload)) => {
                self.step_payload(edit, bytes, at..at + taken);
                Some(at + taken)
            }
        }
    }

    fn step_header(
        &mut self,
        edit: &mut Edit<'_>,
        bytes: &[u8],
        at: std::ops::Range<usize>,
        held: &Held,
        header: &FrameHeader,
        now_ms: u64,
    ) -> Option<usize> {
        if let Fate::Stops = self.begin_frame(header, now_ms) {
            edit.leave_out(at.start, bytes.len());
            self.stage = Stage::Stopped;
            self.outbox.clear();
            return None;
        }
        let is_held_back = self.stage == Stage::Framed
            && self
                .pongs
                .as_mut()
                .is_some_and(|pongs| pongs.begin(header, [held.bytes(), &bytes[at.clone()]]));
        if is_held_back {
            edit.leave_out(at.start, at.end);
        } else {
            edit.insert(at.start, held.bytes());
        }
        if self.stage == Stage::Lost {
            return None;
        }
        if header.len == 0 {
            self.end_frame();
        }
        Some(at.end)
    }

    fn step_payload(&mut self, edit: &mut Edit<'_>, bytes: &[u8], at: std::ops::Range<usize>) {
        let is_end = self.scan.left() == 0;
        self.see_payload(&bytes[at.clone()]);
        if let Some(pongs) = self.pongs.as_mut().filter(|pongs| pongs.is_holding()) {
            edit.leave_out(at.start, at.end);
            pongs.payload(&bytes[at.clone()]);
            if is_end && let Some(theirs) = pongs.finish() {
                edit.insert(at.end, &theirs);
            }
        }
        if is_end {
            self.end_frame();
        }
    }
}

/// What becomes of a frame.
enum Fate {
    Passes,
    /// Neither it nor anything behind it goes on.
    Stops,
}

/// The bytes of a header that were held back.
struct Held {
    bytes: [u8; hijack_proto::ws::HEADER_LEN],
    len: usize,
}

impl Held {
    #[inline]
    fn of(scan: &FrameScan) -> Self {
        let carried = scan.carried();
        let mut bytes = [0; hijack_proto::ws::HEADER_LEN];
        bytes[..carried.len()].copy_from_slice(carried);
        Self { bytes, len: carried.len() }
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl Gate for FrameGate {
    fn pass(&mut self, bytes: &[u8], now_ms: u64) -> Passed {
        match self.stage {
            Stage::Framed => {}
            Stage::Lost => return Passed::AsTheyCame,
            Stage::Stopped | Stage::Muted => return Passed::Changed(Vec::new()),
        }
        let mut edit = Edit::new(bytes);
        let mut at = 0;
        while let Some(next) = self.step(&mut edit, bytes, at, now_ms) {
            at = next;
        }
        edit.finish()
    }

    fn blind(&self) -> u64 {
        match self.stage {
            Stage::Lost => u64::MAX,
            Stage::Stopped | Stage::Muted => 0,
            Stage::Framed => {
                let is_seen = self.reader.is_some()
                    || self.is_holding_pong()
                    || self.close.as_ref().is_some_and(|close| !close.is_whole);
                if is_seen { 0 } else { self.scan.left() }
            }
        }
    }

    fn skip(&mut self, len: u64, _: u64) {
        if self.stage == Stage::Framed {
            self.scan.skip(len);
            if self.scan.left() == 0 {
                self.end_frame();
            }
        }
    }

    fn own(&mut self) -> Option<Bytes> {
        let at_edge = match self.stage {
            Stage::Framed => self.scan.at_edge(),
            Stage::Stopped => true,
            Stage::Lost | Stage::Muted => false,
        };
        if self.outbox.is_empty() || !at_edge {
            return None;
        }
        self.take_own().map(|own| own.bytes)
    }

    fn pause(&self, now_ms: u64) -> Option<Duration> {
        self.rates.as_ref()?.wait(now_ms)
    }

    fn end(&mut self) -> Option<Bytes> {
        if self.stage != Stage::Framed {
            return None;
        }
        let mut rest = self.pongs.as_mut().map(|pongs| pongs.give_up()).unwrap_or_default();
        rest.extend_from_slice(self.scan.carried());
        (!rest.is_empty()).then(|| rest.into())
    }
}

#[cfg(test)]
mod tests;
