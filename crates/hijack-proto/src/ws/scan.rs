//! Frame edges in a stream that passes (RFC 6455 §5.2), for relays: headers are read, payloads are counted and
//! left as they are, masked or not, compressed or not.

use super::header::{FrameHeader, HeaderDecoder, HeaderError};

/// Where a passing stream stands between frames. All of it is plain data, so that it can move to another process:
/// [`resume`](FrameScan::resume) with [`carried`](FrameScan::carried) and [`left`](FrameScan::left).
///
/// ```
/// use hijack_proto::ws::{FrameScan, Scanned};
/// let mut scan = FrameScan::default();
/// let stream = b"\x81\x05He";
/// let (taken, found) = scan.next(stream)?;
/// assert!(matches!(found, Scanned::Header(header) if header.len == 5));
/// assert_eq!(scan.next(&stream[taken..])?, (2, Scanned::Payload));
/// assert_eq!((scan.left(), scan.at_edge()), (3, false));
/// # Ok::<(), hijack_proto::ws::HeaderError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct FrameScan {
    header: HeaderDecoder,
    left: u64,
}

/// What the bytes taken by [`FrameScan::next`] were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scanned {
    /// The start of a header, or nothing: the rest is yet to come.
    NeedInput,
    /// The end of a header.
    Header(FrameHeader),
    /// Payload of the frame under way.
    Payload,
}

impl FrameScan {
    /// Goes on where another scan stopped; none if no scan can have stopped there.
    #[must_use]
    pub fn resume(carried: &[u8], left: u64) -> Option<Self> {
        let header = HeaderDecoder::resume(carried)?;
        (left == 0 || carried.is_empty()).then_some(Self { header, left })
    }

    /// Takes bytes of one kind from the front of `input`: how many, and what they were. They are to be forwarded
    /// by the caller; none is ever taken twice.
    ///
    /// # Errors
    ///
    /// If the bytes are no header. None of them is taken, and no edge can be known from here on.
    #[inline]
    pub fn next(&mut self, input: &[u8]) -> Result<(usize, Scanned), HeaderError> {
        if self.left > 0 && !input.is_empty() {
            let taken = usize::try_from(self.left).map_or(input.len(), |left| left.min(input.len()));
            self.left -= taken as u64;
            return Ok((taken, Scanned::Payload));
        }
        if self.left > 0 {
            return Ok((0, Scanned::NeedInput));
        }
        let (taken, header) = self.header.decode(input)?;
        let Some(header) = header else { return Ok((taken, Scanned::NeedInput)) };
        self.left = header.len;
        Ok((taken, Scanned::Header(header)))
    }

    /// Notes that `len` bytes of payload passed by another way, such as through a pipe of the kernel.
    ///
    /// # Panics
    ///
    /// If the frame has fewer left.
    pub fn skip(&mut self, len: u64) {
        self.left = self.left.checked_sub(len).expect("no more is skipped than the frame has left");
    }

    /// Bytes of payload that the frame under way still has.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.left
    }

    /// The bytes of an incomplete header that passed.
    #[must_use]
    pub fn carried(&self) -> &[u8] {
        self.header.carried()
    }

    /// Whether a frame of our own may be put in here (RFC 6455 §5.4: control frames may stand between fragments).
    #[must_use]
    pub fn at_edge(&self) -> bool {
        self.left == 0 && self.carried().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ws::Opcode;

    const STREAM: &[u8] = b"\x01\x03Hel\x89\x00\x80\x02lo\x82\x7e\x00\x7e";

    fn headers(pieces: &[&[u8]]) -> (Vec<FrameHeader>, FrameScan) {
        let (mut scan, mut found) = (FrameScan::default(), Vec::new());
        for piece in pieces {
            let mut rest = *piece;
            loop {
                let (taken, what) = scan.next(rest).expect("legal");
                rest = &rest[taken..];
                match what {
                    Scanned::Header(header) => found.push(header),
                    Scanned::Payload => assert!(taken > 0),
                    Scanned::NeedInput => break,
                }
                scan = FrameScan::resume(scan.carried(), scan.left()).expect("it stopped there");
            }
            assert!(rest.is_empty(), "all passes");
        }
        (found, scan)
    }

    #[test]
    fn finds_the_same_edges_at_every_split() {
        let of = FrameHeader::new;
        let expected = [
            FrameHeader { fin: false, ..of(Opcode::TEXT, 3) },
            of(Opcode::PING, 0),
            of(Opcode::CONTINUATION, 2),
            of(Opcode::BINARY, 126),
        ];
        for split in 0..STREAM.len() {
            let (found, scan) = headers(&[&STREAM[..split], &STREAM[split..]]);
            assert_eq!(found, expected, "at {split}");
            assert_eq!(scan.left(), 126);
        }
    }

    #[test]
    fn knows_edges() {
        let (_, mut scan) = headers(&[STREAM]);
        scan.skip(100);
        assert!(!scan.at_edge());
        scan.skip(26);
        assert!(scan.at_edge());
        assert_eq!(scan.next(b"\x81"), Ok((1, Scanned::NeedInput)));
        assert!(!scan.at_edge());
        assert!(FrameScan::resume(b"\x81", 1).is_none());
    }
}
