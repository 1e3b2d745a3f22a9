//! Frames made into messages for whoever looks: unmasked, put together, inflated. It works on a copy, of bounded length.

use std::fmt;
use std::sync::Arc;

use hijack::Side;
use hijack_proto::ws::deflate::Inflater;
use hijack_proto::ws::{FrameHeader, Mask, Opcode, Role};

use super::{Tap, blank, name_of};
use crate::MessageView;
use crate::calls::CallsReader;
use crate::gate::OwnFrame;

/// Reads along in one direction of a WebSocket.
#[derive(Debug)]
pub(crate) struct FrameReader {
    receiver: Role,
    tap: Option<Arc<Tap>>,
    inflation: Option<Inflation>,
    /// What follows the calls of gRPC, whose bytes the messages are.
    calls: Option<CallsReader>,
    message: Option<Partial>,
    control: Option<Partial>,
    mask: Option<Mask>,
    /// The frame under way ends its message.
    fin: bool,
}

/// A message of which more may come.
#[derive(Debug)]
struct Partial {
    opcode: Opcode,
    compressed: bool,
    /// Bytes of payload, inflated where it is inflated here.
    size: u64,
    /// The first of them.
    shown: Vec<u8>,
}

/// What it takes to inflate one direction.
pub(crate) struct Inflation {
    inflater: Inflater,
    forgets: bool,
    /// Bytes that one message may inflate to; beyond it this direction is not inflated any more.
    limit: u64,
}

impl Inflation {
    pub(crate) fn new(window_bits: u8, forgets: bool, limit: u64) -> Self {
        Self { inflater: Inflater::new(window_bits), forgets, limit }
    }
}

impl FrameReader {
    pub(crate) fn new(receiver: Role) -> Self {
        Self {
            receiver,
            tap: None,
            inflation: None,
            calls: None,
            message: None,
            control: None,
            mask: None,
            fin: false,
        }
    }

    /// A reader that inflates; it must see every frame from the first one on.
    pub(crate) fn inflating(receiver: Role, inflation: Inflation) -> Self {
        Self { inflation: Some(inflation), ..Self::new(receiver) }
    }

    pub(crate) fn set_tap(&mut self, tap: Option<Arc<Tap>>) {
        self.tap = tap;
    }

    pub(crate) fn is_tapped(&self) -> bool {
        self.tap.is_some()
    }

    pub(crate) fn is_inflating(&self) -> bool {
        self.inflation.is_some()
    }

    /// Whether it reads for nobody and nothing.
    pub(crate) fn is_idle(&self) -> bool {
        self.tap.is_none() && self.inflation.is_none() && self.calls.is_none()
    }

    pub(crate) fn set_calls(&mut self, calls: CallsReader) {
        self.calls = Some(calls);
    }

    /// What comes cannot be read any more.
    pub(crate) fn lose(&self) {
        if let Some(calls) = &self.calls {
            calls.lose();
        }
    }

    /// A frame begins, which the law of frames allows.
    pub(crate) fn begin(&mut self, header: &FrameHeader) {
        self.mask = header.mask.map(Mask::new);
        self.fin = header.fin;
        let partial = || Partial {
            opcode: header.opcode,
            compressed: header.rsv & FrameHeader::RSV1 != 0,
            size: 0,
            shown: Vec::new(),
        };
        if header.opcode.is_control() {
            self.control = Some(partial());
        } else if header.opcode != Opcode::CONTINUATION {
            self.message = Some(partial());
        }
        if header.len == 0 {
            // Its end comes without a byte of payload.
            self.payload(&[]);
        }
    }

    /// Payload of the frame under way.
    pub(crate) fn payload(&mut self, bytes: &[u8]) {
        let room = self.tap.as_ref().map_or(0, |tap| tap.shown_len());
        let is_control = self.control.is_some();
        if !is_control {
            self.follow_calls(bytes);
        }
        let Some(partial) = self.control.as_mut().or(self.message.as_mut()) else { return };
        if partial.compressed
            && !is_control
            && let Some(inflation) = &mut self.inflation
        {
            let kept = inflate(inflation, partial, bytes, self.mask.as_mut(), room);
            if !kept {
                self.inflation = None;
            }
            return;
        }
        partial.size += bytes.len() as u64;
        let wanted = room.saturating_sub(partial.shown.len()).min(bytes.len());
        let start = partial.shown.len();
        partial.shown.extend_from_slice(&bytes[..wanted]);
        if let Some(mask) = &mut self.mask {
            mask.apply(&mut partial.shown[start..]);
            mask.skip(bytes.len() - wanted);
        }
    }

    /// Shows payload of messages to whoever follows the calls in it.
    fn follow_calls(&mut self, bytes: &[u8]) {
        let Some(calls) = &self.calls else { return };
        if self.message.as_ref().is_some_and(|message| message.compressed) {
            calls.lose();
        }
        if !calls.is_following() {
            self.calls = None;
            return;
        }
        let Some(mut mask) = self.mask else { return calls.see(bytes) };
        let mut plain = [0; PIECE_LEN];
        for piece in bytes.chunks(PIECE_LEN) {
            let plain = &mut plain[..piece.len()];
            plain.copy_from_slice(piece);
            mask.apply(plain);
            calls.see(plain);
        }
    }

    /// The frame under way is at its end.
    pub(crate) fn end(&mut self) {
        if let Some(control) = self.control.take() {
            return self.show(&control);
        }
        if !self.fin {
            return;
        }
        let Some(mut message) = self.message.take() else { return };
        if message.compressed
            && let Some(inflation) = &mut self.inflation
        {
            let room = self.tap.as_ref().map_or(0, |tap| tap.shown_len());
            if end_inflating(inflation, &mut message, room) {
                message.compressed = false;
            } else {
                self.inflation = None;
            }
        }
        self.show(&message);
    }

    /// Shows a frame of our own that leaves in this direction.
    pub(crate) fn show_own(&self, own: &OwnFrame) {
        // An operator's message is within what the receiver takes for HTTP/2.
        if let Some(calls) = self.calls.as_ref().filter(|_| own.by_operator && !own.is_last()) {
            calls.lose();
        }
        let Some(tap) = &self.tap else { return };
        let Ok(Some((header, len))) = FrameHeader::parse(&own.bytes) else { return };
        let mut payload = own.bytes[len..].to_vec();
        if let Some(key) = header.mask {
            Mask::new(key).apply(&mut payload);
        }
        let from = if own.by_operator { "operator" } else { "gateway" };
        let size = payload.len() as u64;
        show(
            tap,
            from,
            self.sender(),
            &Partial { opcode: header.opcode, compressed: false, size, shown: payload },
        );
    }

    fn show(&self, partial: &Partial) {
        if let Some(tap) = &self.tap {
            show(tap, name_of(self.sender()), self.sender(), partial);
        }
    }

    fn sender(&self) -> Side {
        match self.receiver {
            Role::Server => Side::Client,
            Role::Client => Side::Server,
        }
    }
}

fn show(tap: &Tap, from: &str, side: Side, partial: &Partial) {
    let opcode = match partial.opcode {
        Opcode::TEXT => "text",
        Opcode::PING => "ping",
        Opcode::PONG => "pong",
        Opcode::CLOSE => "close",
        _ => "binary",
    };
    let is_close = partial.opcode == Opcode::CLOSE;
    let code = partial.shown.first_chunk().filter(|_| is_close).map(|code| u16::from_be_bytes(*code));
    // The code is shown as a number, and what follows it is text.
    let payload = if code.is_some() { &partial.shown[2..] } else { &partial.shown[..] };
    let size = if code.is_some() { partial.size - 2 } else { partial.size };
    let message = MessageView { size, compressed: partial.compressed, code, ..blank(from, side, opcode) };
    tap.show(message, payload);
}

/// Inflates a piece; `false` if this direction cannot be inflated any more.
fn inflate(
    inflation: &mut Inflation,
    partial: &mut Partial,
    bytes: &[u8],
    mut mask: Option<&mut Mask>,
    room: usize,
) -> bool {
    let (mut plain, mut out) = ([0; PIECE_LEN], [0; PIECE_LEN]);
    for piece in bytes.chunks(PIECE_LEN) {
        let plain = &mut plain[..piece.len()];
        plain.copy_from_slice(piece);
        if let Some(mask) = &mut mask {
            mask.apply(plain);
        }
        let mut rest = &*plain;
        loop {
            let Ok(inflated) = inflation.inflater.inflate(rest, false, &mut out) else { return false };
            rest = &rest[inflated.read..];
            if !partial.take(&out[..inflated.written], room, inflation.limit) {
                return false;
            }
            if rest.is_empty() && inflated.written < out.len() {
                break;
            }
        }
    }
    true
}

/// Gives out what is left of a message at its end.
fn end_inflating(inflation: &mut Inflation, partial: &mut Partial, room: usize) -> bool {
    let mut out = [0; PIECE_LEN];
    loop {
        let Ok(inflated) = inflation.inflater.inflate(&[], true, &mut out) else { return false };
        if !partial.take(&out[..inflated.written], room, inflation.limit) {
            return false;
        }
        if inflated.done {
            break;
        }
    }
    if inflation.forgets {
        inflation.inflater.reset();
    }
    true
}

impl Partial {
    /// Notes inflated bytes; `false` beyond the limit.
    fn take(&mut self, bytes: &[u8], room: usize, limit: u64) -> bool {
        self.size += bytes.len() as u64;
        let wanted = room.saturating_sub(self.shown.len()).min(bytes.len());
        self.shown.extend_from_slice(&bytes[..wanted]);
        self.size <= limit
    }
}

impl fmt::Debug for Inflation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflation").field("limit", &self.limit).finish_non_exhaustive()
    }
}

/// Bytes that are unmasked or inflated at once.
const PIECE_LEN: usize = 4 * 1024;
