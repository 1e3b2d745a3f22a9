//! What a Docker daemon sends: where its frames begin, so that something can be put between them, and whose output is in
//! them for whoever looks (moby `api/pkg/stdcopy`).
//!
//! Daemons below API 1.42 call every stream raw. Where the answer's head does not decide, the bytes do: the first eight are a
//! header or they are not.

use hijack_proto::stream::{FRAME_HEADER_LEN, FrameHeader, Framing, StreamType};
use serde::{Deserialize, Serialize};

/// Reads along in the direction from a daemon to its client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OutputScan {
    way: Way,
    header: [u8; FRAME_HEADER_LEN],
    /// Bytes of `header` that have come.
    header_len: usize,
    /// Payload of the frame under way that is still to come.
    left: u32,
}

/// How the output is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Way {
    /// The first header is still to come.
    Unknown,
    Frames,
    /// That of a terminal, or of something that is not understood.
    Raw,
}

/// What stands at the front of some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    /// A part of a header.
    Header,
    /// The end of a header.
    Begins(FrameHeader),
    /// Payload, and whether the frame ends with it.
    Payload { is_end: bool },
    /// Output without frames, behind so many bytes that seemed to be a header.
    Raw { behind: usize },
}

impl OutputScan {
    /// At the first byte. Without `framing` the bytes decide.
    pub(crate) fn new(framing: Option<Framing>) -> Self {
        let way = match framing {
            Some(Framing::Multiplexed) => Way::Frames,
            Some(Framing::Raw) => Way::Raw,
            None => Way::Unknown,
        };
        Self { way, header: [0; FRAME_HEADER_LEN], header_len: 0, left: 0 }
    }

    /// Whether it can have come to this: another process says so.
    pub(super) fn is_possible(&self) -> bool {
        self.header_len < FRAME_HEADER_LEN
            && may_begin_header(&self.header[..self.header_len])
            && match self.way {
                Way::Frames => self.left == 0 || self.header_len == 0,
                Way::Unknown => self.left == 0,
                Way::Raw => self.left == 0 && self.header_len == 0,
            }
    }

    /// What stands at the front of `bytes`, which are not empty, and how many of them that is.
    pub(crate) fn next(&mut self, bytes: &[u8]) -> (usize, Output) {
        if self.way == Way::Raw {
            return (bytes.len(), Output::Raw { behind: 0 });
        }
        if self.left > 0 {
            let taken = bytes.len().min(self.left as usize);
            self.skip(taken as u64);
            return (taken, Output::Payload { is_end: self.left == 0 });
        }
        let taken = bytes.len().min(FRAME_HEADER_LEN - self.header_len);
        self.header[self.header_len..self.header_len + taken].copy_from_slice(&bytes[..taken]);
        let seen = self.header_len + taken;
        if !may_begin_header(&self.header[..seen]) {
            self.way = Way::Raw;
            return (bytes.len(), Output::Raw { behind: std::mem::take(&mut self.header_len) });
        }
        self.header_len = seen % FRAME_HEADER_LEN;
        match FrameHeader::parse(self.header) {
            Ok(header) if seen == FRAME_HEADER_LEN => {
                (self.way, self.left) = (Way::Frames, header.len);
                (taken, Output::Begins(header))
            }
            _ => (taken, Output::Header),
        }
    }

    /// The header of which the last part has come, or all parts so far.
    pub(crate) fn header(&self) -> &[u8; FRAME_HEADER_LEN] {
        &self.header
    }

    /// Payload passed unseen.
    pub(crate) fn skip(&mut self, len: u64) {
        self.left = self.left.saturating_sub(u32::try_from(len).unwrap_or(u32::MAX));
    }

    /// Bytes that need not be seen.
    pub(crate) fn blind(&self) -> u64 {
        if self.way == Way::Raw { u64::MAX } else { self.left.into() }
    }

    pub(crate) fn is_framed(&self) -> bool {
        self.way != Way::Raw
    }

    /// Whether something may be put in here.
    pub(crate) fn is_at_edge(&self) -> bool {
        match self.way {
            Way::Unknown => false,
            Way::Frames => self.left == 0 && self.header_len == 0,
            Way::Raw => true,
        }
    }

    /// `bytes` as the client expects its output.
    pub(crate) fn wrap(&self, bytes: &[u8]) -> Vec<u8> {
        if self.way == Way::Raw {
            return bytes.to_vec();
        }
        let mut frames = Vec::with_capacity(bytes.len() + FRAME_HEADER_LEN);
        for piece in bytes.chunks(FRAME_LEN) {
            #[expect(clippy::cast_possible_truncation, reason = "a chunk is short")]
            frames.extend(FrameHeader::new(StreamType::Stdout, piece.len() as u32).encode());
            frames.extend(piece);
        }
        frames
    }
}

/// As dockerd writes them: stream, three zeros, length.
fn may_begin_header(bytes: &[u8]) -> bool {
    let zeros = bytes.get(1..bytes.len().min(4)).unwrap_or_default();
    bytes.first().is_none_or(|&stream| StreamType::from_byte(stream).is_some())
        && zeros.iter().all(|&byte| byte == 0)
}

/// Payload of a frame of ours, no longer than dockerd's.
const FRAME_LEN: usize = 32 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    /// What is seen of `stream`, cut at `split`, with pieces of payload joined.
    fn seen(scan: &mut OutputScan, stream: &[u8], split: usize) -> Vec<(Option<StreamType>, Vec<u8>)> {
        let mut seen: Vec<(Option<StreamType>, Vec<u8>)> = Vec::new();
        for mut rest in [&stream[..split], &stream[split..]] {
            while !rest.is_empty() {
                let (taken, output) = scan.next(rest);
                match output {
                    Output::Header => {}
                    Output::Begins(header) => seen.push((Some(header.stream), Vec::new())),
                    Output::Payload { .. } => seen.last_mut().expect("a header").1.extend(&rest[..taken]),
                    Output::Raw { behind } => {
                        if seen.last().is_none_or(|last| last.0.is_some()) {
                            seen.push((None, Vec::new()));
                        }
                        let last = &mut seen.last_mut().expect("pushed above").1;
                        last.extend(&scan.header()[..behind]);
                        last.extend(&rest[..taken]);
                    }
                }
                rest = &rest[taken..];
            }
        }
        seen
    }

    #[test]
    fn finds_frames_and_what_is_behind_them_at_every_split() {
        let stream = b"\x01\0\0\0\0\0\0\x03out\x02\0\0\0\0\0\0\x02er\x01\0\0\0\0\0\0\0\x01\0\x07raw";
        let expected = [
            (Some(StreamType::Stdout), b"out".to_vec()),
            (Some(StreamType::Stderr), b"er".to_vec()),
            (Some(StreamType::Stdout), Vec::new()),
            (None, b"\x01\0\x07raw".to_vec()),
        ];
        for split in 0..=stream.len() {
            assert_eq!(seen(&mut OutputScan::new(None), stream, split), expected, "at {split}");
        }
    }

    #[test]
    fn a_terminal_s_output_is_raw_by_its_head_or_by_its_first_byte() {
        for (framing, stream) in [(Some(Framing::Raw), &b"\x01\0\0\0\0\0\0\x01x"[..]), (None, b"$ ls\r\n")] {
            let mut scan = OutputScan::new(framing);
            assert_eq!(seen(&mut scan, stream, 1), [(None, stream.to_vec())]);
            assert!(scan.is_at_edge() && !scan.is_framed());
            assert_eq!(scan.blind(), u64::MAX);
            assert_eq!(scan.wrap(b"hi"), b"hi");
        }
    }

    #[test]
    fn something_may_be_put_in_between_frames_only() {
        let mut scan = OutputScan::new(None);
        assert!(!scan.is_at_edge(), "nobody knows yet");
        assert_eq!(scan.next(b"\x01\0\0\0\0\0"), (6, Output::Header));
        assert!(!scan.is_at_edge());
        let begins = Output::Begins(FrameHeader::new(StreamType::Stdout, 5));
        assert_eq!(scan.next(b"\0\x05hello"), (2, begins));
        assert!(!scan.is_at_edge());
        assert_eq!(scan.blind(), 5);
        scan.skip(4);
        assert_eq!(scan.next(b"o\x02"), (1, Output::Payload { is_end: true }));
        assert!(scan.is_at_edge());
        assert_eq!(scan.wrap(b"hi"), b"\x01\0\0\0\0\0\0\x02hi");
    }

    /// What another process packed is believed only where it can have come so far.
    #[test]
    fn goes_on_only_from_where_it_can_have_been() {
        let mut scan = OutputScan::new(None);
        for byte in b"\x01\0\0\0\0\0\0\x02ab\x02\0\x07raw" {
            assert!(scan.is_possible(), "{scan:?}");
            scan.next(&[*byte]);
        }
        assert!(scan.is_possible() && !scan.is_framed(), "{scan:?}");
        let at_edge = OutputScan::new(Some(Framing::Multiplexed));
        for impossible in [
            OutputScan { header_len: FRAME_HEADER_LEN, ..at_edge.clone() },
            OutputScan { header_len: usize::MAX, ..at_edge.clone() },
            OutputScan { header: *b"\x01\x01\0\0\0\0\0\0", header_len: 2, ..at_edge.clone() },
            OutputScan { header_len: 1, left: 1, ..at_edge.clone() },
            OutputScan { left: 1, ..OutputScan::new(None) },
            OutputScan { left: 1, ..OutputScan::new(Some(Framing::Raw)) },
        ] {
            assert!(!impossible.is_possible(), "{impossible:?}");
        }
    }
}
