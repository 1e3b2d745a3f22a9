//! The sending half of a connection: messages become frames, and nothing follows a Close.
//!
//! Frames are appended to the caller's buffer, so that all answers to a readable batch leave in one write. For a
//! payload too large to copy there is [`Sender::open`]: it gives the header alone.

use std::fmt;

use super::Workspace;
use super::check::Place;
use super::control::CONTROL_LEN;
use super::deflate::{Agreement, Deflater};
use super::{
    Close, CloseError, EncodedHeader, FrameHeader, Mask, MaskKey, MessageKind, Opcode, Prepared, Role,
};

/// One direction of a connection, from its sender's point of view.
///
/// Every frame of a client is masked with a fresh key, which `key` makes: it must be unpredictable to whoever
/// chooses the payload (RFC 6455 §5.3 and §10.3). A server never calls it.
///
/// ```
/// use hijack_proto::ws::{MessageKind, Role, Sender, Workspace};
/// let (mut sender, mut out) = (Sender::new(Role::Client, None), Vec::new());
/// let key = || [0x37, 0xfa, 0x21, 0x3d]; // of a cryptographic generator
/// sender.message(MessageKind::Text, b"Hello", key, &mut Workspace::default(), &mut out)?;
/// assert_eq!(out, b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
/// # Ok::<(), hijack_proto::ws::SendError>(())
/// ```
#[derive(Debug)]
pub struct Sender {
    role: Role,
    compression: Option<Compression>,
    place: Place,
    /// Whether the message under way is compressed.
    compressed: bool,
    /// There while a compressed message is under way, and behind one if the context is taken over.
    deflater: Option<Deflater>,
    closed: bool,
}

/// How we compress.
#[derive(Debug, Clone, Copy)]
struct Compression {
    window_bits: u8,
    level: u32,
    no_context_takeover: bool,
}

impl Sender {
    /// What `role` sends. `deflate` is what the handshake agreed on.
    #[must_use]
    pub fn new(role: Role, deflate: Option<&Agreement>) -> Self {
        let agreed = deflate.filter(|agreement| agreement.can_compress(role));
        let compression = agreed.map(|agreement| Compression {
            window_bits: agreement.window_bits(role),
            level: agreement.level,
            no_context_takeover: agreement.no_context_takeover(role),
        });
        Self { role, compression, place: Place::default(), compressed: false, deflater: None, closed: false }
    }

    /// Appends a whole message: compressed if that was agreed and it is not tiny. Text must be UTF-8, which is not
    /// checked here (RFC 6455 §5.6).
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`] or [`SendError::Place`]; nothing is appended.
    pub fn message(
        &mut self,
        kind: MessageKind,
        payload: &[u8],
        key: impl FnOnce() -> MaskKey,
        workspace: &mut Workspace,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        self.check(Some(Place::BetweenMessages))?;
        self.compressed = payload.len() >= LEAST_COMPRESSED && self.compression.is_some();
        self.append(kind.opcode(), payload, true, key, workspace, out);
        Ok(())
    }

    /// Appends a fragment; `fin` ends the message. The first one decides the kind, and whether the message is
    /// compressed.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`]; nothing is appended.
    pub fn fragment(
        &mut self,
        kind: MessageKind,
        payload: &[u8],
        fin: bool,
        key: impl FnOnce() -> MaskKey,
        workspace: &mut Workspace,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        self.check(None)?;
        let opcode = match self.place {
            Place::BetweenMessages => kind.opcode(),
            Place::WithinMessage => Opcode::CONTINUATION,
        };
        if self.place == Place::BetweenMessages {
            self.compressed = self.compression.is_some();
        }
        self.append(opcode, payload, fin, key, workspace, out);
        Ok(())
    }

    /// The header of a whole, uncompressed message of `len` bytes, and the mask that the caller applies to them.
    /// They must follow the header, and nothing may come between.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`] or [`SendError::Place`].
    pub fn open(
        &mut self,
        kind: MessageKind,
        len: u64,
        key: impl FnOnce() -> MaskKey,
    ) -> Result<(EncodedHeader, Option<Mask>), SendError> {
        self.check(Some(Place::BetweenMessages))?;
        let mask = self.mask(key);
        let header = FrameHeader { mask, ..FrameHeader::new(kind.opcode(), len) };
        Ok((header.encode(), mask.map(Mask::new)))
    }

    /// The frame of a message that was prepared for many connections: a server's only.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`], [`SendError::Place`], or [`SendError::Role`] for a client.
    pub fn prepared<'p>(&self, prepared: &'p Prepared) -> Result<&'p [u8], SendError> {
        self.check(Some(Place::BetweenMessages))?;
        if self.role == Role::Client {
            return Err(SendError::Role);
        }
        // With a context taken over, our compressor would not know what the peer's window holds.
        let fits = self.compression.filter(|compression| compression.no_context_takeover);
        Ok(prepared.frame(fits.map(|compression| compression.window_bits)))
    }

    /// Appends a ping. May stand between fragments (RFC 6455 §5.4).
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`] or [`SendError::ControlTooLong`]; nothing is appended.
    pub fn ping(
        &mut self,
        payload: &[u8],
        key: impl FnOnce() -> MaskKey,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        self.control(Opcode::PING, payload, key, out)
    }

    /// Appends a pong. May stand between fragments (RFC 6455 §5.4).
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`] or [`SendError::ControlTooLong`]; nothing is appended.
    pub fn pong(
        &mut self,
        payload: &[u8],
        key: impl FnOnce() -> MaskKey,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        self.control(Opcode::PONG, payload, key, out)
    }

    /// Appends a Close, behind which nothing can be sent (RFC 6455 §5.5.1); within a message it cuts it off.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`] or [`SendError::Close`]; nothing is appended.
    pub fn close(
        &mut self,
        close: Option<Close<'_>>,
        key: impl FnOnce() -> MaskKey,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        let body = close.map(|close| close.encode()).transpose().map_err(SendError::Close)?;
        self.control(Opcode::CLOSE, body.as_deref().unwrap_or_default(), key, out)?;
        self.closed = true;
        self.deflater = None;
        Ok(())
    }

    /// Whether our Close was appended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether a message has begun and not ended.
    #[must_use]
    pub fn within_message(&self) -> bool {
        self.place == Place::WithinMessage
    }

    fn check(&self, place: Option<Place>) -> Result<(), SendError> {
        if self.closed {
            return Err(SendError::Closed);
        }
        if place.is_some_and(|place| place != self.place) {
            return Err(SendError::Place);
        }
        Ok(())
    }

    fn mask(&self, key: impl FnOnce() -> MaskKey) -> Option<MaskKey> {
        (self.role == Role::Client).then(key)
    }

    fn control(
        &mut self,
        opcode: Opcode,
        payload: &[u8],
        key: impl FnOnce() -> MaskKey,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        self.check(None)?;
        if payload.len() > CONTROL_LEN {
            return Err(SendError::ControlTooLong { len: payload.len() });
        }
        let mask = self.mask(key);
        put_frame(FrameHeader { mask, ..FrameHeader::new(opcode, 0) }, payload, out);
        Ok(())
    }

    fn append(
        &mut self,
        opcode: Opcode,
        payload: &[u8],
        fin: bool,
        key: impl FnOnce() -> MaskKey,
        workspace: &mut Workspace,
        out: &mut Vec<u8>,
    ) {
        self.place = if fin { Place::BetweenMessages } else { Place::WithinMessage };
        let header = FrameHeader { fin, mask: self.mask(key), ..FrameHeader::new(opcode, 0) };
        let Some(compression) = self.compression.filter(|_| self.compressed) else {
            return put_frame(header, payload, out);
        };
        let deflater = self.deflater.get_or_insert_with(|| compression.deflater(workspace));
        let mut compressed = workspace.take_compressed();
        deflater.deflate(payload, fin, &mut compressed);
        let starts = opcode != Opcode::CONTINUATION;
        let rsv = if starts { FrameHeader::RSV1 } else { 0 };
        put_frame(FrameHeader { rsv, ..header }, &compressed, out);
        workspace.give_compressed(compressed);
        if fin
            && compression.no_context_takeover
            && let Some(deflater) = self.deflater.take()
        {
            workspace.give_deflater(compression.window_bits, deflater);
        }
    }
}

impl Compression {
    fn deflater(self, workspace: &mut Workspace) -> Deflater {
        if self.no_context_takeover {
            workspace.take_deflater(self.window_bits, self.level)
        } else {
            Deflater::new(self.window_bits, self.level)
        }
    }
}

/// Appends the header, with the payload's length, and the payload, masked as the header says.
pub(super) fn put_frame(header: FrameHeader, payload: &[u8], out: &mut Vec<u8>) {
    let header = FrameHeader { len: payload.len() as u64, ..header };
    let encoded = header.encode();
    out.reserve(encoded.len() + payload.len());
    out.extend_from_slice(&encoded);
    let start = out.len();
    out.extend_from_slice(payload);
    if let Some(key) = header.mask {
        Mask::new(key).apply(&mut out[start..]);
    }
}

/// Why something cannot be sent. The mistake is the caller's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// Nothing follows a Close (RFC 6455 §5.5.1).
    Closed,
    /// A whole message within a fragmented one (RFC 6455 §5.4).
    Place,
    /// A prepared frame has no mask, so a client cannot send it (RFC 6455 §5.1).
    Role,
    /// More payload than a control frame may have (RFC 6455 §5.5).
    ControlTooLong {
        /// How many bytes.
        len: usize,
    },
    /// A Close that must not be sent.
    Close(CloseError),
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("nothing can be sent behind a close"),
            Self::Place => f.write_str("a fragmented message is not at its end"),
            Self::Role => f.write_str("a client's frame must be masked, a prepared one is not"),
            Self::ControlTooLong { len } => {
                write!(f, "control payload of {len} bytes exceeds the limit {CONTROL_LEN}")
            }
            Self::Close(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for SendError {}

/// Shorter messages are sent as they are: compressed they are hardly shorter, often longer.
const LEAST_COMPRESSED: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ws::CloseCode;

    fn no_key() -> MaskKey {
        panic!("a server asks for no key")
    }

    /// RFC 6455 §5.7.
    #[test]
    fn writes_the_examples() {
        let (mut workspace, mut out) = (Workspace::default(), Vec::new());
        let mut server = Sender::new(Role::Server, None);
        server.message(MessageKind::Text, b"Hello", no_key, &mut workspace, &mut out).expect("open");
        server.fragment(MessageKind::Text, b"Hel", false, no_key, &mut workspace, &mut out).expect("open");
        server.ping(b"Hello", no_key, &mut out).expect("open");
        server.fragment(MessageKind::Text, b"lo", true, no_key, &mut workspace, &mut out).expect("open");
        assert_eq!(out, b"\x81\x05Hello\x01\x03Hel\x89\x05Hello\x80\x02lo");
        let mut client = Sender::new(Role::Client, None);
        out.clear();
        client.pong(b"Hello", || [0x37, 0xfa, 0x21, 0x3d], &mut out).expect("open");
        assert_eq!(out, b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
        let (header, mask) = server.open(MessageKind::Binary, 65_536, no_key).expect("open");
        assert_eq!((&*header, mask), (&b"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"[..], None));
    }

    /// RFC 6455 §5.5.1: no frame follows a Close.
    #[test]
    fn sends_nothing_behind_a_close() {
        let (mut workspace, mut out) = (Workspace::default(), Vec::new());
        let mut sender = Sender::new(Role::Server, None);
        let illegal = sender.close(Some(Close::new(CloseCode::ABNORMAL)), no_key, &mut out);
        assert_eq!(illegal, Err(SendError::Close(CloseError::Code(CloseCode::ABNORMAL))));
        assert!(!sender.is_closed() && out.is_empty());
        sender.close(Some(Close::new(CloseCode::NORMAL)), no_key, &mut out).expect("open");
        assert_eq!(out, b"\x88\x02\x03\xe8");
        let text = MessageKind::Text;
        assert_eq!(sender.message(text, b"x", no_key, &mut workspace, &mut out), Err(SendError::Closed));
        assert_eq!(
            sender.fragment(text, b"x", true, no_key, &mut workspace, &mut out),
            Err(SendError::Closed)
        );
        assert_eq!(sender.ping(b"", no_key, &mut out), Err(SendError::Closed));
        assert_eq!(sender.close(None, no_key, &mut out), Err(SendError::Closed));
        assert_eq!(sender.open(text, 1, no_key).err(), Some(SendError::Closed));
        assert_eq!(sender.prepared(&Prepared::new(text, b"x")), Err(SendError::Closed));
        assert_eq!(out.len(), 4);
    }

    /// RFC 6455 §5.4 and §5.5.
    #[test]
    fn keeps_the_order_of_fragments() {
        let (mut workspace, mut out) = (Workspace::default(), Vec::new());
        let mut sender = Sender::new(Role::Server, None);
        sender.fragment(MessageKind::Binary, b"a", false, no_key, &mut workspace, &mut out).expect("open");
        assert!(sender.within_message());
        let whole = sender.message(MessageKind::Text, b"b", no_key, &mut workspace, &mut out);
        assert_eq!(whole, Err(SendError::Place));
        assert_eq!(sender.open(MessageKind::Text, 1, no_key).err(), Some(SendError::Place));
        let long = sender.ping(&[0; 126], no_key, &mut out);
        assert_eq!(long, Err(SendError::ControlTooLong { len: 126 }));
        sender.close(None, no_key, &mut out).expect("a close may cut a message off");
        assert_eq!(out, b"\x02\x01a\x88\x00");
    }
}
