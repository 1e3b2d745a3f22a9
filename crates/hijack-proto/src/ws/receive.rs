//! The receiving half of a connection: bytes in any segmentation become events.
//!
//! A payload is unmasked where it lies and given out as a slice of the caller's buffer; only the payload of a
//! control frame, the head of a frame and the start of a character are carried over. What was compressed is
//! inflated into the [`Workspace`], as much as it has room for.

use std::fmt;
use std::ops::Range;

use super::check::{FrameLaw, Place};
use super::control::ControlPayload;
use super::deflate::{Agreement, Inflated, Inflater};
use super::{Close, CloseCode, FrameHeader, HeaderDecoder, Limits, Mask, MaskKey, MessageKind, Opcode, Role};
use super::{Utf8, Violation, Workspace};

/// What the peer sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// Nothing yet: all of the input was taken. Also behind a Close, where all further input is dropped
    /// (RFC 6455 §5.5.1).
    NeedInput,
    /// A message, or a piece of one.
    Data(Piece<'a>),
    /// Asks for a pong with the same bytes (RFC 6455 §5.5.2). May come between the pieces of a message.
    Ping(&'a [u8]),
    /// Answers a ping, or none (RFC 6455 §5.5.3).
    Pong(&'a [u8]),
    /// The last frame of this direction, to be answered with a Close of the same code unless ours is out already
    /// (RFC 6455 §5.5.1).
    Close(Option<Close<'a>>),
}

/// Consecutive payload of one message. A message that lies whole in the input is one piece, first and last.
#[derive(Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// The bytes. They may be none.
    pub payload: Payload<'a>,
    /// Whether the message starts with them.
    pub first: bool,
    /// Whether the message ends with them.
    pub last: bool,
}

/// The payload of a [`Piece`], all pieces of one message being of one kind.
#[derive(Debug, PartialEq, Eq)]
pub enum Payload<'a> {
    /// Text, cut between characters only.
    Text(&'a str),
    /// Bytes, to be overwritten at will.
    Binary(&'a mut [u8]),
}

/// One direction of a connection, from its receiver's point of view.
///
/// Feed it in a loop, each time with what it left of the input, until it asks for more:
///
/// ```
/// use hijack_proto::ws::{Event, Limits, Payload, Receiver, Role, Workspace};
/// let mut receiver = Receiver::new(Role::Server, Limits::default(), None);
/// let mut workspace = Workspace::default();
/// let mut batch = *b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\x89\x80\x00\x00\x00\x00";
/// let (mut input, mut seen) = (&mut batch[..], Vec::new());
/// loop {
///     let (taken, event) = receiver.next(input, &mut workspace)?;
///     match event {
///         Event::Data(piece) => assert_eq!(piece.payload, Payload::Text("Hello")),
///         Event::Ping(payload) => seen.push(payload.len()),
///         Event::NeedInput => break,
///         other => panic!("{other:?}"),
///     }
///     input = &mut input[taken..];
/// }
/// assert_eq!(seen, [0]);
/// # Ok::<(), hijack_proto::ws::ReceiveError>(())
/// ```
#[derive(Debug)]
pub struct Receiver {
    law: FrameLaw,
    limits: Limits,
    compression: Option<Compression>,
    header: HeaderDecoder,
    place: Place,
    /// The frame whose payload is under way.
    frame: Option<Frame>,
    /// The message whose fragments are under way.
    message: Option<Progress>,
    control: ControlPayload,
    utf8: Utf8,
    /// There while a compressed message is under way, and behind one if the context is taken over.
    inflater: Option<Inflater>,
    end: Option<End>,
}

/// How the peer compresses.
#[derive(Debug, Clone, Copy)]
struct Compression {
    window_bits: u8,
    no_context_takeover: bool,
}

#[derive(Debug)]
struct Frame {
    opcode: Opcode,
    fin: bool,
    left: u64,
    mask: Option<Mask>,
}

impl Frame {
    /// How much of `len` bytes is this frame's.
    fn share(&self, len: usize) -> usize {
        usize::try_from(self.left).map_or(len, |left| left.min(len))
    }

    fn unmask(&mut self, bytes: &mut [u8]) {
        if let Some(mask) = &mut self.mask {
            mask.apply(bytes);
        }
    }

    /// Inflates from the front of `input`. What was not used of it stays as it came.
    fn inflate(
        &mut self,
        input: &mut [u8],
        inflater: &mut Inflater,
        room: &mut [u8],
    ) -> Result<Inflated, Violation> {
        let share = self.share(input.len().min(COMPRESSED_STEP));
        let part = &mut input[..share];
        let before = self.mask;
        self.unmask(part);
        let last = self.fin && share as u64 == self.left;
        let inflated = inflater.inflate(part, last, room)?;
        self.left -= inflated.read as u64;
        self.mask = before;
        if let Some(mask) = &mut self.mask {
            mask.skip(inflated.read);
            let mut again = *mask;
            again.apply(&mut part[inflated.read..]);
        }
        Ok(inflated)
    }
}

#[derive(Debug, Clone, Copy)]
struct Progress {
    kind: MessageKind,
    compressed: bool,
    /// Bytes of payload that its headers promised, or that were inflated; at most `Limits::message_len`.
    len: u64,
    fragments: u32,
    empty_fragments: u32,
    /// Whether no piece of it was given out.
    unseen: bool,
}

#[derive(Debug, Clone, Copy)]
enum End {
    Closed,
    Failed(ReceiveError),
}

/// What is to be given out, by place only.
enum Found {
    NeedInput,
    Control(Opcode),
    Data { kind: MessageKind, at: Source, first: bool, last: bool },
}

/// Which bytes are a piece.
enum Source {
    /// So many, the last ones that were taken of the input.
    Input(usize),
    /// So many, at the start of the workspace's buffer.
    Inflated(usize),
}

impl Receiver {
    /// What `role` receives. `deflate` is what the handshake agreed on.
    #[must_use]
    pub fn new(role: Role, limits: Limits, deflate: Option<&Agreement>) -> Self {
        let peer = match role {
            Role::Server => Role::Client,
            Role::Client => Role::Server,
        };
        let compression = deflate.map(|agreement| Compression {
            window_bits: agreement.window_bits(peer),
            no_context_takeover: agreement.no_context_takeover(peer),
        });
        Self {
            law: FrameLaw { receiver: role, deflate: deflate.is_some() },
            limits,
            compression,
            header: HeaderDecoder::default(),
            place: Place::default(),
            frame: None,
            message: None,
            control: ControlPayload::default(),
            utf8: Utf8::default(),
            inflater: None,
            end: None,
        }
    }

    /// Takes bytes from the front of `input`: how many, and what they brought. Bytes that were not taken are as
    /// they were and come first in the next call, which may be needed with no input at all: call until
    /// [`Event::NeedInput`].
    ///
    /// # Errors
    ///
    /// A [`ReceiveError`], at once and at every later call. The connection must fail (RFC 6455 §7.1.7): send a
    /// Close with its code, then no more.
    pub fn next<'a>(
        &'a mut self,
        input: &'a mut [u8],
        workspace: &'a mut Workspace,
    ) -> Result<(usize, Event<'a>), ReceiveError> {
        match self.end {
            Some(End::Closed) => return Ok((input.len(), Event::NeedInput)),
            Some(End::Failed(error)) => return Err(error),
            None => {}
        }
        if let Some((kind, mask, payload)) = self.find_whole(input) {
            let (taken, bytes) = (payload.end, &mut input[payload]);
            if let Some(key) = mask {
                Mask::new(key).apply(bytes);
            }
            let payload = to_payload(kind, bytes, true, &mut self.utf8);
            return payload
                .map(|payload| (taken, Event::Data(Piece { payload, first: true, last: true })))
                .map_err(|violation| fail(&mut self.end, violation.into()));
        }
        let (taken, found) = match self.advance(input, workspace) {
            Ok(found) => found,
            Err(error) => return Err(fail(&mut self.end, error)),
        };
        let event = match found {
            Found::NeedInput => Ok(Event::NeedInput),
            Found::Control(Opcode::PING) => Ok(Event::Ping(&self.control)),
            Found::Control(Opcode::PONG) => Ok(Event::Pong(&self.control)),
            Found::Control(_) => {
                self.end = Some(End::Closed);
                Close::parse(&self.control).map(Event::Close)
            }
            Found::Data { kind, at, first, last } => {
                let bytes = match at {
                    Source::Input(len) => &mut input[taken - len..taken],
                    Source::Inflated(len) => &mut workspace.inflated()[..len],
                };
                let payload = to_payload(kind, bytes, last, &mut self.utf8);
                payload.map(|payload| Event::Data(Piece { payload, first, last }))
            }
        };
        event.map(|event| (taken, event)).map_err(|violation| fail(&mut self.end, violation.into()))
    }

    /// Whether a message has begun and not ended. At the end of the stream it is cut off then.
    #[must_use]
    pub fn within_message(&self) -> bool {
        self.message.is_some()
    }

    /// Whether the peer's Close was given out: nothing follows it.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self.end, Some(End::Closed))
    }

    /// Finds what most messages are: one frame, uncompressed, all of it here, and nothing under way before it. All else,
    /// and all that is wrong, is left to [`advance`](Self::advance), which would find the same.
    #[inline]
    fn find_whole(&self, input: &[u8]) -> Option<(MessageKind, Option<MaskKey>, Range<usize>)> {
        if self.frame.is_some() || self.message.is_some() || !self.header.carried().is_empty() {
            return None;
        }
        let (header, start) = FrameHeader::parse(input).ok()??;
        let kind = match header.opcode {
            Opcode::TEXT => MessageKind::Text,
            Opcode::BINARY => MessageKind::Binary,
            _ => return None,
        };
        let Limits { frame_len, message_len, fragments, .. } = self.limits;
        let whole = header.fin && header.rsv == 0 && fragments > 0;
        if !whole || header.len > frame_len.min(message_len) || self.law.check(self.place, &header).is_err() {
            return None;
        }
        let len = usize::try_from(header.len).ok().filter(|len| *len <= input.len() - start)?;
        Some((kind, header.mask, start..start + len))
    }

    /// Goes on until there is something to give out.
    fn advance(
        &mut self,
        input: &mut [u8],
        workspace: &mut Workspace,
    ) -> Result<(usize, Found), ReceiveError> {
        let mut at = 0;
        loop {
            if self.frame.is_none() {
                let (taken, header) = self.header.decode(&input[at..]).map_err(Violation::from)?;
                at += taken;
                let Some(header) = header else { return Ok((at, Found::NeedInput)) };
                self.begin(&header, workspace)?;
            }
            let (taken, found) = self.advance_payload(&mut input[at..], workspace)?;
            at += taken;
            if let Some(found) = found {
                return Ok((at, found));
            }
        }
    }

    /// Judges a header and makes its frame the one under way.
    fn begin(&mut self, header: &FrameHeader, workspace: &mut Workspace) -> Result<(), ReceiveError> {
        self.place = self.law.check(self.place, header)?;
        if header.len > self.limits.frame_len {
            return Err(ReceiveError::FrameTooLong { len: header.len, limit: self.limits.frame_len });
        }
        if header.opcode.is_control() {
            self.control.clear();
        } else {
            self.begin_data(header, workspace)?;
        }
        self.frame = Some(Frame {
            opcode: header.opcode,
            fin: header.fin,
            left: header.len,
            mask: header.mask.map(Mask::new),
        });
        Ok(())
    }

    fn begin_data(&mut self, header: &FrameHeader, workspace: &mut Workspace) -> Result<(), ReceiveError> {
        let limits = self.limits;
        let message = self.message.get_or_insert_with(|| {
            let kind = if header.opcode == Opcode::TEXT { MessageKind::Text } else { MessageKind::Binary };
            let compressed = header.rsv == FrameHeader::RSV1;
            Progress { kind, compressed, len: 0, fragments: 0, empty_fragments: 0, unseen: true }
        });
        message.fragments = message.fragments.saturating_add(1);
        if message.fragments > limits.fragments {
            return Err(ReceiveError::TooManyFragments { limit: limits.fragments });
        }
        let empty = header.len == 0 && !header.fin;
        message.empty_fragments = message.empty_fragments.saturating_add(empty.into());
        if message.empty_fragments > limits.empty_fragments {
            return Err(ReceiveError::TooManyEmptyFragments { limit: limits.empty_fragments });
        }
        if message.compressed {
            if self.inflater.is_none() {
                self.inflater = self.compression.map(|compression| compression.inflater(workspace));
            }
            return Ok(());
        }
        message.len = message.len.saturating_add(header.len);
        check_message_len(message.len, limits)
    }

    /// Goes on with the payload of the frame under way; nothing found means that its end was reached.
    fn advance_payload(
        &mut self,
        rest: &mut [u8],
        workspace: &mut Workspace,
    ) -> Result<(usize, Option<Found>), ReceiveError> {
        let Some(frame) = &mut self.frame else { return Ok((0, None)) };
        match self.message {
            _ if frame.opcode.is_control() => Ok(self.advance_control(rest)),
            Some(message) if message.compressed => self.advance_compressed(message, rest, workspace),
            Some(message) => Ok(self.advance_plain(message, rest)),
            None => Ok((0, None)),
        }
    }

    fn advance_control(&mut self, rest: &mut [u8]) -> (usize, Option<Found>) {
        let Some(frame) = &mut self.frame else { return (0, None) };
        let share = frame.share(rest.len());
        frame.unmask(&mut rest[..share]);
        frame.left -= share as u64;
        self.control.extend(&rest[..share]);
        if frame.left > 0 {
            return (share, Some(Found::NeedInput));
        }
        let opcode = frame.opcode;
        self.frame = None;
        (share, Some(Found::Control(opcode)))
    }

    fn advance_plain(&mut self, message: Progress, rest: &mut [u8]) -> (usize, Option<Found>) {
        let Some(frame) = &mut self.frame else { return (0, None) };
        let share = frame.share(self.utf8.most(rest.len()));
        if share == 0 && frame.left > 0 {
            return (0, Some(Found::NeedInput));
        }
        frame.unmask(&mut rest[..share]);
        frame.left -= share as u64;
        let ends = frame.left == 0;
        let last = ends && frame.fin;
        if ends {
            self.frame = None;
        }
        (share, Some(self.give(message, Source::Input(share), last)))
    }

    fn advance_compressed(
        &mut self,
        message: Progress,
        rest: &mut [u8],
        workspace: &mut Workspace,
    ) -> Result<(usize, Option<Found>), ReceiveError> {
        let Some(frame) = &mut self.frame else { return Ok((0, None)) };
        let inflater = self.inflater.as_mut().expect("a compressed message has its inflater");
        // At the limit one byte more tells a message that is too long from one that just fits. Not before: what
        // is allowed is judged as text first, however the input is cut.
        let allowed = (self.limits.message_len - message.len).max(1);
        let room = workspace.inflated();
        let most = usize::try_from(allowed).map_or(room.len(), |allowed| allowed.min(room.len()));
        let room = &mut room[..self.utf8.most(most)];
        let Inflated { read, written, done } = frame.inflate(rest, inflater, room)?;
        let (left, drained) = (frame.left, written < room.len() && !inflater.is_broken());
        if done || (left == 0 && drained && !frame.fin) {
            self.frame = None;
        }
        let len = message.len.saturating_add(written as u64);
        check_message_len(len, self.limits)?;
        let message = Progress { len, ..message };
        self.message = Some(message);
        if done {
            self.release_inflater(workspace);
        }
        if written > 0 || done {
            return Ok((read, Some(self.give(message, Source::Inflated(written), done))));
        }
        Ok((read, (read == 0 && left > 0).then_some(Found::NeedInput)))
    }

    /// Notes that a piece is given out.
    fn give(&mut self, message: Progress, at: Source, last: bool) -> Found {
        self.message = (!last).then_some(Progress { unseen: false, ..message });
        Found::Data { kind: message.kind, at, first: message.unseen, last }
    }

    fn release_inflater(&mut self, workspace: &mut Workspace) {
        if self.compression.is_some_and(|compression| compression.no_context_takeover)
            && let Some(inflater) = self.inflater.take()
        {
            workspace.give_inflater(inflater);
        }
    }
}

impl Compression {
    fn inflater(self, workspace: &mut Workspace) -> Inflater {
        if self.no_context_takeover { workspace.take_inflater() } else { Inflater::new(self.window_bits) }
    }
}

fn fail(end: &mut Option<End>, error: ReceiveError) -> ReceiveError {
    *end = Some(End::Failed(error));
    error
}

fn check_message_len(len: u64, Limits { message_len: limit, .. }: Limits) -> Result<(), ReceiveError> {
    if len > limit { Err(ReceiveError::MessageTooLong { len, limit }) } else { Ok(()) }
}

fn to_payload<'a>(
    kind: MessageKind,
    bytes: &'a mut [u8],
    last: bool,
    utf8: &'a mut Utf8,
) -> Result<Payload<'a>, Violation> {
    match kind {
        MessageKind::Binary => Ok(Payload::Binary(bytes)),
        MessageKind::Text => utf8.take(bytes, last).map(Payload::Text).map_err(|_| Violation::Utf8),
    }
}

/// Why a connection must fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReceiveError {
    /// The peer broke a rule.
    Violation(Violation),
    /// A frame longer than [`Limits::frame_len`]; known from its header.
    FrameTooLong {
        /// The length.
        len: u64,
        /// The limit.
        limit: u64,
    },
    /// A message longer than [`Limits::message_len`]; known from a header, or while it is inflated.
    MessageTooLong {
        /// Bytes that it has at least.
        len: u64,
        /// The limit.
        limit: u64,
    },
    /// A message of more frames than [`Limits::fragments`].
    TooManyFragments {
        /// The limit.
        limit: u32,
    },
    /// A message with more empty frames than [`Limits::empty_fragments`].
    TooManyEmptyFragments {
        /// The limit.
        limit: u32,
    },
}

impl ReceiveError {
    /// The code of the Close that tells it (RFC 6455 §7.4.1): 1009 for what is too long, 1008 for what is too
    /// many, and that of the rule that was broken.
    #[must_use]
    pub const fn close_code(&self) -> CloseCode {
        match self {
            Self::Violation(violation) => violation.close_code(),
            Self::FrameTooLong { .. } | Self::MessageTooLong { .. } => CloseCode::TOO_BIG,
            Self::TooManyFragments { .. } | Self::TooManyEmptyFragments { .. } => CloseCode::POLICY,
        }
    }
}

impl From<Violation> for ReceiveError {
    fn from(violation: Violation) -> Self {
        Self::Violation(violation)
    }
}

impl fmt::Display for ReceiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Violation(violation) => violation.fmt(f),
            Self::FrameTooLong { len, limit } => write!(f, "frame of {len} bytes exceeds the limit {limit}"),
            Self::MessageTooLong { len, limit } => {
                write!(f, "message of at least {len} bytes exceeds the limit {limit}")
            }
            Self::TooManyFragments { limit } => write!(f, "message exceeds the limit of {limit} frames"),
            Self::TooManyEmptyFragments { limit } => {
                write!(f, "message exceeds the limit of {limit} empty frames")
            }
        }
    }
}

impl std::error::Error for ReceiveError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Violation(violation) => Some(violation),
            _ => None,
        }
    }
}

/// Compressed bytes unmasked at once. What does not fit into the output is masked again, so it must not be much.
const COMPRESSED_STEP: usize = 4 * 1024;

#[cfg(test)]
mod tests;
