//! Frame headers (RFC 6455 §5.2): two bytes, a length of 0, 2 or 8 more, and a masking key of 4 if there is one.
//!
//! Only the bytes are judged here: that the length has its shortest form and no top bit. Whether a frame may
//! come at this moment is decided in [`super::check`].

use std::fmt;
use std::ops::Deref;

use super::mask::MaskKey;

/// Bytes of the longest header.
pub const HEADER_LEN: usize = 14;

/// What a frame is (RFC 6455 §5.2). Four bits; those without a name are reserved.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Opcode(u8);

impl Opcode {
    /// A further fragment of the message under way.
    pub const CONTINUATION: Self = Self(0x0);
    /// The first or only frame of a text message.
    pub const TEXT: Self = Self(0x1);
    /// The first or only frame of a binary message.
    pub const BINARY: Self = Self(0x2);
    /// The last frame of this direction.
    pub const CLOSE: Self = Self(0x8);
    /// Asks for a pong.
    pub const PING: Self = Self(0x9);
    /// Answers a ping, or none.
    pub const PONG: Self = Self(0xA);

    /// The opcode in the low four bits of `byte`.
    #[must_use]
    pub const fn from_bits(byte: u8) -> Self {
        Self(byte & 0x0F)
    }

    /// Its four bits.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether frames of this kind may stand between the fragments of a message (RFC 6455 §5.5): the top bit.
    #[must_use]
    pub const fn is_control(self) -> bool {
        self.0 & 0x8 != 0
    }

    /// Whether no RFC gives it a meaning: 3 to 7 and B to F.
    #[must_use]
    pub const fn is_reserved(self) -> bool {
        matches!(self.0, 0x3..=0x7 | 0xB..=0xF)
    }
}

impl fmt::Debug for Opcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match *self {
            Self::CONTINUATION => "Continuation",
            Self::TEXT => "Text",
            Self::BINARY => "Binary",
            Self::CLOSE => "Close",
            Self::PING => "Ping",
            Self::PONG => "Pong",
            Self(bits) => return write!(f, "Reserved({bits:#X})"),
        };
        f.write_str(name)
    }
}

/// What stands in front of a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// Whether this is the last fragment of its message.
    pub fin: bool,
    /// RSV1 to RSV3 as the bits 4, 2 and 1.
    pub rsv: u8,
    /// What the frame is.
    pub opcode: Opcode,
    /// The key that the payload is masked with.
    pub mask: Option<MaskKey>,
    /// Bytes of payload; below 2^63.
    pub len: u64,
}

impl FrameHeader {
    /// RSV1, which permessage-deflate uses (RFC 7692 §6).
    pub const RSV1: u8 = 0b100;

    /// A whole, unfragmented, unmasked frame without extension bits.
    #[must_use]
    pub const fn new(opcode: Opcode, len: u64) -> Self {
        Self { fin: true, rsv: 0, opcode, mask: None, len }
    }

    /// The header's bytes, with the length in its shortest form.
    #[must_use]
    pub fn encode(&self) -> EncodedHeader {
        let mut out = EncodedHeader { bytes: [0; HEADER_LEN], len: 0 };
        out.push(&[u8::from(self.fin) << 7 | (self.rsv & 0b111) << 4 | self.opcode.bits()]);
        let masked = u8::from(self.mask.is_some()) << 7;
        match (u8::try_from(self.len), u16::try_from(self.len)) {
            (Ok(len @ 0..=LONGEST_7_BIT), _) => out.push(&[masked | len]),
            (_, Ok(len)) => {
                out.push(&[masked | LEN_16]);
                out.push(&len.to_be_bytes());
            }
            _ => {
                out.push(&[masked | LEN_64]);
                out.push(&self.len.to_be_bytes());
            }
        }
        if let Some(key) = self.mask {
            out.push(&key);
        }
        out
    }

    /// The header at the start of `bytes` and its length; none if it is not all there.
    ///
    /// # Errors
    ///
    /// A [`HeaderError`], as soon as the bytes show it.
    #[inline]
    pub fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, HeaderError> {
        let &[first, second, ref rest @ ..] = bytes else { return Ok(None) };
        let Some((len, len_len)) = parse_len(second & 0x7F, rest)? else { return Ok(None) };
        let (mask, mask_len) = if second & 0x80 == 0 {
            (None, 0)
        } else {
            let Some(key) = rest[len_len..].first_chunk::<4>() else { return Ok(None) };
            (Some(*key), key.len())
        };
        let header = Self {
            fin: first & 0x80 != 0,
            rsv: first >> 4 & 0b111,
            opcode: Opcode::from_bits(first),
            mask,
            len,
        };
        Ok(Some((header, 2 + len_len + mask_len)))
    }
}

/// The payload's length and how many bytes behind the first two tell it.
#[inline]
fn parse_len(short: u8, rest: &[u8]) -> Result<Option<(u64, usize)>, HeaderError> {
    match short {
        LEN_16 => {
            let Some(bytes) = rest.first_chunk::<2>() else { return Ok(None) };
            let len = u64::from(u16::from_be_bytes(*bytes));
            if len <= LONGEST_7_BIT.into() {
                Err(HeaderError::NotMinimal { len })
            } else {
                Ok(Some((len, 2)))
            }
        }
        LEN_64 => {
            if rest.first().is_some_and(|byte| byte & 0x80 != 0) {
                return Err(HeaderError::TopBit);
            }
            let Some(bytes) = rest.first_chunk::<8>() else { return Ok(None) };
            let len = u64::from_be_bytes(*bytes);
            if len <= u16::MAX.into() { Err(HeaderError::NotMinimal { len }) } else { Ok(Some((len, 8))) }
        }
        short => Ok(Some((short.into(), 0))),
    }
}

/// A header's bytes; a slice of them by [`Deref`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncodedHeader {
    bytes: [u8; HEADER_LEN],
    /// At most `HEADER_LEN`.
    len: usize,
}

impl EncodedHeader {
    fn push(&mut self, bytes: &[u8]) {
        let end = self.len + bytes.len();
        self.bytes[self.len..end].copy_from_slice(bytes);
        self.len = end;
    }
}

impl Deref for EncodedHeader {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// Why bytes are no header, whatever they were meant to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeaderError {
    /// A length that fits into a shorter form (RFC 6455 §5.2).
    NotMinimal {
        /// The length.
        len: u64,
    },
    /// The 64-bit form with its top bit set (RFC 6455 §5.2).
    TopBit,
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotMinimal { len } => write!(f, "length {len} is not in its shortest form"),
            Self::TopBit => f.write_str("the top bit of a 64-bit length is set"),
        }
    }
}

impl std::error::Error for HeaderError {}

/// Finds headers in a stream that comes in pieces. It carries over at most thirteen bytes.
#[derive(Debug, Clone, Default)]
pub struct HeaderDecoder {
    carried: [u8; HEADER_LEN],
    /// Below `HEADER_LEN`: a header that is complete is given out.
    len: usize,
}

impl HeaderDecoder {
    /// A decoder that goes on behind the bytes `carried`; see [`carried`](Self::carried).
    ///
    /// None if no header starts with them without being complete or wrong.
    #[must_use]
    pub fn resume(carried: &[u8]) -> Option<Self> {
        let mut decoder = Self::default();
        matches!(decoder.decode(carried), Ok((_, None))).then_some(decoder)
    }

    /// The bytes of an incomplete header that were taken already.
    #[must_use]
    pub fn carried(&self) -> &[u8] {
        &self.carried[..self.len]
    }

    /// Takes a header's bytes from the front of `input`: how many, and the header if that completed it.
    /// Without one, all of `input` was taken.
    ///
    /// # Errors
    ///
    /// A [`HeaderError`]; nothing of `input` is taken then, and what was carried stays readable.
    #[inline]
    pub fn decode(&mut self, input: &[u8]) -> Result<(usize, Option<FrameHeader>), HeaderError> {
        if self.len == 0
            && let Some((header, len)) = FrameHeader::parse(input)?
        {
            return Ok((len, Some(header)));
        }
        self.decode_carried(input)
    }

    fn decode_carried(&mut self, input: &[u8]) -> Result<(usize, Option<FrameHeader>), HeaderError> {
        let carried = self.len;
        let most = input.len().min(HEADER_LEN - carried);
        self.carried[carried..carried + most].copy_from_slice(&input[..most]);
        if let Some((header, len)) = FrameHeader::parse(&self.carried[..carried + most])? {
            self.len = 0;
            return Ok((len - carried, Some(header)));
        }
        // No header of fourteen bytes is incomplete, so all of the input went in and there is room.
        self.len += most;
        Ok((most, None))
    }
}

const LONGEST_7_BIT: u8 = 125;
const LEN_16: u8 = 126;
const LEN_64: u8 = 127;

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: MaskKey = [0x37, 0xfa, 0x21, 0x3d];

    fn table() -> Vec<(FrameHeader, &'static [u8])> {
        let of = FrameHeader::new;
        vec![
            (of(Opcode::TEXT, 5), b"\x81\x05"),
            (FrameHeader { mask: Some(KEY), ..of(Opcode::TEXT, 5) }, b"\x81\x85\x37\xfa\x21\x3d"),
            (FrameHeader { fin: false, ..of(Opcode::TEXT, 3) }, b"\x01\x03"),
            (of(Opcode::CONTINUATION, 2), b"\x80\x02"),
            (of(Opcode::PING, 125), b"\x89\x7d"),
            (of(Opcode::BINARY, 126), b"\x82\x7e\x00\x7e"),
            (of(Opcode::BINARY, 256), b"\x82\x7e\x01\x00"),
            (of(Opcode::BINARY, 65_535), b"\x82\x7e\xff\xff"),
            (of(Opcode::BINARY, 65_536), b"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
            (
                FrameHeader { rsv: 0b101, mask: Some(KEY), ..of(Opcode::from_bits(0xB), i64::MAX as u64) },
                b"\xdb\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x37\xfa\x21\x3d",
            ),
        ]
    }

    /// RFC 6455 §5.7 and the edges of §5.2.
    #[test]
    fn writes_and_reads_the_table_at_every_split() {
        for (header, bytes) in table() {
            assert_eq!(&*header.encode(), bytes, "{header:?}");
            for split in 0..bytes.len() {
                let mut decoder = HeaderDecoder::default();
                assert_eq!(decoder.decode(&bytes[..split]), Ok((split, None)), "{header:?} at {split}");
                assert_eq!(decoder.carried(), &bytes[..split]);
                let mut resumed = HeaderDecoder::resume(decoder.carried()).expect("incomplete");
                let rest = [&bytes[split..], b"payload that is longer than a header"].concat();
                assert_eq!(decoder.decode(&rest), Ok((bytes.len() - split, Some(header))));
                assert_eq!(resumed.decode(&rest), Ok((bytes.len() - split, Some(header))));
                assert!(decoder.carried().is_empty());
            }
        }
    }

    /// RFC 6455 §5.2: the shortest form and no top bit. The refusal takes nothing, however often it is asked.
    #[test]
    fn refuses_long_forms_and_the_top_bit() {
        let table: [(&[u8], HeaderError); 5] = [
            (b"\x82\x7e\x00\x05", HeaderError::NotMinimal { len: 5 }),
            (b"\x82\xfe\x00\x7d", HeaderError::NotMinimal { len: 125 }),
            (b"\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xff", HeaderError::NotMinimal { len: 65_535 }),
            (b"\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x05", HeaderError::TopBit),
            (b"\x82\xff\xff", HeaderError::TopBit),
        ];
        for (bytes, error) in table {
            for split in 0..bytes.len() {
                let mut decoder = HeaderDecoder::default();
                if let Ok(taken) = decoder.decode(&bytes[..split]) {
                    assert_eq!(taken, (split, None));
                    assert_eq!(decoder.decode(&bytes[split..]), Err(error), "{bytes:x?} at {split}");
                }
                assert_eq!(decoder.decode(&bytes[decoder.carried().len()..]), Err(error));
            }
        }
        assert!(
            HeaderDecoder::resume(b"\x82\x7e\x00\x05").is_none()
                && HeaderDecoder::resume(b"\x82\x00").is_none()
        );
    }
}
