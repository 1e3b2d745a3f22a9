//! The law of frames as a pure function of role, place and header. Each rule has its name in [`Violation`].

use std::fmt;

use super::control::CONTROL_LEN;
use super::header::{FrameHeader, HeaderError, Opcode};
use super::{CloseCode, Role};

/// What holds for all frames of one direction of one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameLaw {
    /// Who receives the frames.
    pub receiver: Role,
    /// Whether permessage-deflate was agreed, so that RSV1 has a meaning.
    pub deflate: bool,
}

/// Where a direction stands between two frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Place {
    /// No message is under way.
    #[default]
    BetweenMessages,
    /// More fragments of a message are to come.
    WithinMessage,
}

impl FrameLaw {
    /// Whether a frame with this header may come at `place`, and the place behind it.
    ///
    /// # Errors
    ///
    /// The rule that it breaks.
    #[inline]
    pub fn check(self, place: Place, header: &FrameHeader) -> Result<Place, Violation> {
        self.check_bits(header)?;
        if header.opcode.is_control() {
            check_control(header)?;
            return Ok(place);
        }
        match (place, header.opcode == Opcode::CONTINUATION) {
            (Place::BetweenMessages, true) => return Err(Violation::LoneContinuation),
            (Place::WithinMessage, false) => return Err(Violation::InterruptedMessage),
            _ => {}
        }
        Ok(if header.fin { Place::BetweenMessages } else { Place::WithinMessage })
    }

    fn check_bits(self, header: &FrameHeader) -> Result<(), Violation> {
        match (self.receiver, header.mask) {
            (Role::Server, None) => return Err(Violation::Unmasked),
            (Role::Client, Some(_)) => return Err(Violation::Masked),
            _ => {}
        }
        if header.opcode.is_reserved() {
            return Err(Violation::ReservedOpcode(header.opcode));
        }
        let starts_message = matches!(header.opcode, Opcode::TEXT | Opcode::BINARY);
        match header.rsv {
            0 => Ok(()),
            FrameHeader::RSV1 if self.deflate && starts_message => Ok(()),
            FrameHeader::RSV1 if self.deflate => Err(Violation::MisplacedRsv1),
            rsv => Err(Violation::ReservedBits(rsv)),
        }
    }
}

fn check_control(header: &FrameHeader) -> Result<(), Violation> {
    if !header.fin {
        return Err(Violation::FragmentedControl);
    }
    if header.len > CONTROL_LEN as u64 {
        return Err(Violation::LongControl { len: header.len });
    }
    Ok(())
}

/// A rule of RFC 6455 or RFC 7692 that the peer broke. The connection fails with
/// [`close_code`](Violation::close_code).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Violation {
    /// RFC 6455 §5.2: the length has its shortest form and no top bit.
    Header(HeaderError),
    /// RFC 6455 §5.1: a client masks every frame.
    Unmasked,
    /// RFC 6455 §5.1: a server masks none.
    Masked,
    /// RFC 6455 §5.2: RSV bits without an extension that gives them a meaning.
    ReservedBits(u8),
    /// RFC 7692 §6: RSV1 is for the first frame of a message only.
    MisplacedRsv1,
    /// RFC 6455 §5.2: an opcode that no RFC gives a meaning.
    ReservedOpcode(Opcode),
    /// RFC 6455 §5.5: a control frame is not fragmented.
    FragmentedControl,
    /// RFC 6455 §5.5: a control frame has at most 125 bytes of payload.
    LongControl {
        /// How many it has.
        len: u64,
    },
    /// RFC 6455 §5.4: a continuation frame where no message is under way.
    LoneContinuation,
    /// RFC 6455 §5.4: a new message before the last one's end.
    InterruptedMessage,
    /// RFC 6455 §5.5.1: a close frame has no body or at least the two bytes of a code.
    CloseLength,
    /// RFC 6455 §7.4: a close code that must not be on the wire.
    CloseCode(CloseCode),
    /// RFC 6455 §8.1: text that is not UTF-8, in a message or in the reason of a close.
    Utf8,
    /// RFC 7692 §7.2.2: a compressed payload that is no DEFLATE stream.
    Deflate,
}

impl Violation {
    /// The code of the Close that tells it (RFC 6455 §7.4.1): 1007 for content that is not what its type says,
    /// 1002 for the rest.
    #[must_use]
    pub const fn close_code(&self) -> CloseCode {
        match self {
            Self::Utf8 | Self::Deflate => CloseCode::INVALID_PAYLOAD,
            _ => CloseCode::PROTOCOL_ERROR,
        }
    }
}

impl From<HeaderError> for Violation {
    fn from(error: HeaderError) -> Self {
        Self::Header(error)
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(error) => error.fmt(f),
            Self::Unmasked => f.write_str("a client's frame is not masked"),
            Self::Masked => f.write_str("a server's frame is masked"),
            Self::ReservedBits(rsv) => write!(f, "reserved bits {rsv:03b} without an extension"),
            Self::MisplacedRsv1 => f.write_str("RSV1 on a control or continuation frame"),
            Self::ReservedOpcode(opcode) => write!(f, "reserved opcode {:#x}", opcode.bits()),
            Self::FragmentedControl => f.write_str("a control frame is fragmented"),
            Self::LongControl { len } => {
                write!(f, "control frame of {len} bytes exceeds the limit {CONTROL_LEN}")
            }
            Self::LoneContinuation => f.write_str("a continuation frame outside a message"),
            Self::InterruptedMessage => f.write_str("a new message within a fragmented one"),
            Self::CloseLength => f.write_str("a close frame with one byte of body"),
            Self::CloseCode(code) => write!(f, "close code {} must not be sent", code.get()),
            Self::Utf8 => f.write_str("text is not UTF-8"),
            Self::Deflate => f.write_str("a compressed payload is no deflate stream"),
        }
    }
}

impl std::error::Error for Violation {}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Option<[u8; 4]> = Some([1, 2, 3, 4]);
    const BETWEEN: Place = Place::BetweenMessages;
    const WITHIN: Place = Place::WithinMessage;

    fn server(deflate: bool) -> FrameLaw {
        FrameLaw { receiver: Role::Server, deflate }
    }

    fn frame(fin: bool, rsv: u8, opcode: Opcode, len: u64) -> FrameHeader {
        FrameHeader { fin, rsv, opcode, mask: KEY, len }
    }

    /// RFC 6455 §5.4: which frame may follow which.
    #[test]
    fn keeps_the_order_of_fragments() {
        let law = server(false);
        let check = |place, fin, opcode| law.check(place, &frame(fin, 0, opcode, 5));
        assert_eq!(check(BETWEEN, true, Opcode::TEXT), Ok(BETWEEN));
        assert_eq!(check(BETWEEN, false, Opcode::BINARY), Ok(WITHIN));
        assert_eq!(check(WITHIN, false, Opcode::CONTINUATION), Ok(WITHIN));
        assert_eq!(check(WITHIN, true, Opcode::CONTINUATION), Ok(BETWEEN));
        assert_eq!(check(WITHIN, true, Opcode::PING), Ok(WITHIN));
        assert_eq!(check(BETWEEN, true, Opcode::CLOSE), Ok(BETWEEN));
        assert_eq!(check(BETWEEN, true, Opcode::CONTINUATION), Err(Violation::LoneContinuation));
        assert_eq!(check(BETWEEN, false, Opcode::CONTINUATION), Err(Violation::LoneContinuation));
        assert_eq!(check(WITHIN, true, Opcode::TEXT), Err(Violation::InterruptedMessage));
        assert_eq!(check(WITHIN, false, Opcode::BINARY), Err(Violation::InterruptedMessage));
    }

    /// RFC 6455 §5.5.
    #[test]
    fn keeps_control_frames_short_and_whole() {
        let law = server(false);
        for opcode in [Opcode::CLOSE, Opcode::PING, Opcode::PONG] {
            assert_eq!(law.check(BETWEEN, &frame(true, 0, opcode, 125)), Ok(BETWEEN));
            let long = law.check(BETWEEN, &frame(true, 0, opcode, 126));
            assert_eq!(long, Err(Violation::LongControl { len: 126 }));
            let fragment = law.check(BETWEEN, &frame(false, 0, opcode, 0));
            assert_eq!(fragment, Err(Violation::FragmentedControl));
        }
    }

    /// RFC 6455 §5.1.
    #[test]
    fn wants_masks_from_clients_only() {
        let masked = frame(true, 0, Opcode::TEXT, 1);
        let bare = FrameHeader { mask: None, ..masked };
        let client = FrameLaw { receiver: Role::Client, deflate: false };
        assert_eq!(server(false).check(BETWEEN, &bare), Err(Violation::Unmasked));
        assert_eq!(client.check(BETWEEN, &masked), Err(Violation::Masked));
        assert_eq!(client.check(BETWEEN, &bare), Ok(BETWEEN));
    }

    /// RFC 6455 §5.2.
    #[test]
    fn refuses_reserved_opcodes() {
        for bits in (0x3..=0x7).chain(0xB..=0xF) {
            let opcode = Opcode::from_bits(bits);
            let refused = server(true).check(BETWEEN, &frame(true, 0, opcode, 0));
            assert_eq!(refused, Err(Violation::ReservedOpcode(opcode)));
        }
    }

    /// RFC 6455 §5.2, RFC 7692 §6 and §6.1.
    #[test]
    fn takes_rsv1_only_where_a_compressed_message_starts() {
        let text = |rsv| frame(true, rsv, Opcode::TEXT, 1);
        for rsv in 1..8 {
            assert_eq!(server(false).check(BETWEEN, &text(rsv)), Err(Violation::ReservedBits(rsv)));
        }
        assert_eq!(server(true).check(BETWEEN, &text(0b100)), Ok(BETWEEN));
        for rsv in [0b001, 0b010, 0b011, 0b101, 0b110, 0b111] {
            assert_eq!(server(true).check(BETWEEN, &text(rsv)), Err(Violation::ReservedBits(rsv)));
        }
        let next = frame(true, 0b100, Opcode::CONTINUATION, 1);
        assert_eq!(server(true).check(WITHIN, &next), Err(Violation::MisplacedRsv1));
        let ping = frame(true, 0b100, Opcode::PING, 1);
        assert_eq!(server(true).check(BETWEEN, &ping), Err(Violation::MisplacedRsv1));
    }

    /// RFC 6455 §7.4.1.
    #[test]
    fn content_fails_with_1007_and_the_rest_with_1002() {
        assert_eq!(Violation::Utf8.close_code().get(), 1007);
        assert_eq!(Violation::Deflate.close_code().get(), 1007);
        assert_eq!(Violation::Unmasked.close_code().get(), 1002);
        assert_eq!(Violation::from(HeaderError::TopBit).close_code().get(), 1002);
    }
}
