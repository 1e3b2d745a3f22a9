//! Frames: `[type, 0, 0, 0, length u32 big-endian]` and so many bytes of payload, as moby's `stdcopy` has them.
//!
//! A payload is given out as it comes; nothing is kept of a frame but what an incomplete header holds. Frames say
//! nothing of lines or writes: one may join several, and stdout and stderr have no order between them.

use std::fmt;

/// Bytes in front of each payload.
pub const FRAME_HEADER_LEN: usize = 8;

/// The most that a server puts into one frame, as dockerd does: 32 KiB.
pub const FRAME_PAYLOAD_LEN: usize = 32 * 1024;

/// Which stream a frame belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StreamType {
    /// 0. What a process reads; a daemon that sends it means stdout.
    Stdin,
    /// 1. What a process writes.
    Stdout,
    /// 2. What it writes of errors.
    Stderr,
    /// 3. Not the process's, but the daemon's: why the streams end here.
    SystemError,
}

impl StreamType {
    /// The stream of a header's first byte; none if there is no such stream.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Stdin),
            1 => Some(Self::Stdout),
            2 => Some(Self::Stderr),
            3 => Some(Self::SystemError),
            _ => None,
        }
    }

    /// A header's first byte.
    #[must_use]
    pub const fn byte(self) -> u8 {
        match self {
            Self::Stdin => 0,
            Self::Stdout => 1,
            Self::Stderr => 2,
            Self::SystemError => 3,
        }
    }
}

/// What stands in front of a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// Whose the payload is.
    pub stream: StreamType,
    /// Bytes of payload; none is legal.
    pub len: u32,
}

impl FrameHeader {
    /// The header of a payload.
    #[must_use]
    pub const fn new(stream: StreamType, len: u32) -> Self {
        Self { stream, len }
    }

    /// Its bytes.
    #[must_use]
    pub const fn encode(self) -> [u8; FRAME_HEADER_LEN] {
        let [a, b, c, d] = self.len.to_be_bytes();
        [self.stream.byte(), 0, 0, 0, a, b, c, d]
    }

    /// The header that these bytes are. The three behind the first are not looked at, as in Docker.
    ///
    /// # Errors
    ///
    /// [`FrameError::UnknownStream`].
    pub const fn parse(bytes: [u8; FRAME_HEADER_LEN]) -> Result<Self, FrameError> {
        let [stream, _, _, _, a, b, c, d] = bytes;
        match StreamType::from_byte(stream) {
            Some(stream) => Ok(Self { stream, len: u32::from_be_bytes([a, b, c, d]) }),
            None => Err(FrameError::UnknownStream { stream }),
        }
    }
}

/// Bounds on what a [`Decoder`] takes. Plain data; start from [`Limits::default`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of one payload. Default 16 MiB: dockerd sends 32 KiB at most, and bytes that are no frames at all
    /// mostly read as longer ones.
    pub frame_len: u32,
    /// Empty frames one behind the other. Default 1,024: they are legal and carry nothing.
    pub empty_frames: u32,
    /// Bytes that are kept of the daemon's error; the rest of its frame is thrown away. Default 65,536.
    pub error_len: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { frame_len: 16 << 20, empty_frames: 1024, error_len: 64 * 1024 }
    }
}

/// Why no further output comes out of frames.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameError {
    /// The daemon ended the streams and says why.
    Daemon(String),
    /// No stream has this number. The output may be that of a terminal, which is not framed.
    UnknownStream {
        /// The first byte of what should be a header.
        stream: u8,
    },
    /// A payload longer than is allowed.
    TooLong {
        /// Bytes that the header tells.
        len: u32,
        /// [`Limits::frame_len`].
        limit: u32,
    },
    /// Nothing but empty frames.
    EmptyFrames {
        /// [`Limits::empty_frames`].
        limit: u32,
    },
    /// The connection ended within a frame: output is missing. What came of it was given out.
    Truncated {
        /// Bytes that are missing at the least: of the header, or of the payload.
        missing: u32,
    },
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Daemon(text) => write!(f, "error from daemon in stream: {text}"),
            Self::UnknownStream { stream } => {
                write!(
                    f,
                    "frame of stream {stream}, which does not exist (a terminal's output is not framed)"
                )
            }
            Self::TooLong { len, limit } => write!(f, "frame of {len} bytes exceeds limit frame_len {limit}"),
            Self::EmptyFrames { limit } => write!(f, "more than empty_frames {limit} without a payload"),
            Self::Truncated { missing } => {
                write!(f, "the stream ended within a frame, {missing} bytes short")
            }
        }
    }
}

impl std::error::Error for FrameError {}

/// What [`Decoder::next`] found at the front of its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decoded {
    /// A header, complete now. The frame of the daemon's own error is not among them.
    Frame(FrameHeader),
    /// All the bytes that were taken are payload of this stream, never [`StreamType::SystemError`].
    Data(StreamType),
    /// All of the input was taken, and nothing can be said yet.
    NeedInput,
}

/// Finds frames in a stream that comes in pieces. It holds eight bytes, and the daemon's error while that comes.
///
/// ```
/// use hijack_proto::stream::{Decoded, Decoder, FrameError, FrameHeader, StreamType};
///
/// let mut decoder = Decoder::default();
/// let input = [&FrameHeader::new(StreamType::Stderr, 5).encode(), &b"he"[..]].concat();
/// assert_eq!(decoder.next(&input), Ok((8, Decoded::Frame(FrameHeader::new(StreamType::Stderr, 5)))));
/// assert_eq!(decoder.next(&input[8..]), Ok((2, Decoded::Data(StreamType::Stderr))));
/// assert_eq!(decoder.finish(), Err(FrameError::Truncated { missing: 3 }));
/// ```
#[derive(Debug, Clone)]
pub struct Decoder {
    limits: Limits,
    header: [u8; FRAME_HEADER_LEN],
    /// Bytes of `header` that are there; below eight, for a complete one is given out.
    header_len: usize,
    stream: StreamType,
    /// Bytes of payload still to come.
    left: u32,
    empty_frames: u32,
    /// What came of the daemon's error.
    error: Vec<u8>,
    /// Every call gives it, once there was one.
    failed: Option<FrameError>,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl Decoder {
    /// A decoder at the edge of a frame.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            header: [0; FRAME_HEADER_LEN],
            header_len: 0,
            stream: StreamType::Stdout,
            left: 0,
            empty_frames: 0,
            error: Vec::new(),
            failed: None,
        }
    }

    /// Takes bytes from the front of `input`: how many, and what they are.
    ///
    /// # Errors
    ///
    /// A [`FrameError`], the same ever after. Everything in front of it was given out.
    pub fn next(&mut self, input: &[u8]) -> Result<(usize, Decoded), FrameError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let mut taken = 0;
        loop {
            let rest = &input[taken..];
            if rest.is_empty() && !self.is_error_complete() {
                return Ok((taken, Decoded::NeedInput));
            }
            match self.step(rest).map_err(|error| self.fail(error))? {
                (len, Some(decoded)) => return Ok((taken + len, decoded)),
                (len, None) => taken += len,
            }
        }
    }

    /// Whether the stream may end here.
    ///
    /// # Errors
    ///
    /// [`FrameError::Truncated`] within a frame, or the error that there was before.
    pub fn finish(&self) -> Result<(), FrameError> {
        let missing = match self.header_len {
            0 => self.left,
            #[expect(clippy::cast_possible_truncation, reason = "at most seven are there")]
            len => (FRAME_HEADER_LEN - len) as u32,
        };
        match &self.failed {
            Some(error) => Err(error.clone()),
            None if missing > 0 => Err(FrameError::Truncated { missing }),
            None => Ok(()),
        }
    }

    /// Bytes of the output under way that are still to come. None of the daemon's own error is output: whoever moves
    /// so many bytes past the decoder never moves that.
    #[must_use]
    pub fn left(&self) -> u32 {
        if self.stream == StreamType::SystemError { 0 } else { self.left }
    }

    fn step(&mut self, input: &[u8]) -> Result<(usize, Option<Decoded>), FrameError> {
        if self.stream == StreamType::SystemError {
            return self.take_error(input).map(|len| (len, None));
        }
        if self.left == 0 {
            return self.take_header(input);
        }
        let len = self.take_payload(input);
        Ok((len, Some(Decoded::Data(self.stream))))
    }

    /// Bytes of `input` that are payload.
    fn take_payload(&mut self, input: &[u8]) -> usize {
        let len = u32::try_from(input.len()).unwrap_or(u32::MAX).min(self.left);
        self.left -= len;
        len as usize
    }

    fn take_header(&mut self, input: &[u8]) -> Result<(usize, Option<Decoded>), FrameError> {
        let taken = input.len().min(FRAME_HEADER_LEN - self.header_len);
        self.header[self.header_len..self.header_len + taken].copy_from_slice(&input[..taken]);
        self.header_len += taken;
        // The first byte decides whether these are frames at all; the rest of a wrong header may never come.
        if StreamType::from_byte(self.header[0]).is_none() {
            return Err(FrameError::UnknownStream { stream: self.header[0] });
        }
        if self.header_len < FRAME_HEADER_LEN {
            return Ok((taken, None));
        }
        let header = FrameHeader::parse(self.header)?;
        self.header_len = 0;
        self.check(header)?;
        (self.stream, self.left) = (header.stream, header.len);
        let is_output = header.stream != StreamType::SystemError;
        Ok((taken, is_output.then_some(Decoded::Frame(header))))
    }

    fn check(&mut self, header: FrameHeader) -> Result<(), FrameError> {
        let Limits { frame_len, empty_frames, .. } = self.limits;
        if header.len > frame_len {
            return Err(FrameError::TooLong { len: header.len, limit: frame_len });
        }
        self.empty_frames = if header.len == 0 { self.empty_frames + 1 } else { 0 };
        if self.empty_frames > empty_frames {
            return Err(FrameError::EmptyFrames { limit: empty_frames });
        }
        Ok(())
    }

    fn is_error_complete(&self) -> bool {
        self.stream == StreamType::SystemError && self.left == 0
    }

    /// The daemon's error is one when its frame is complete.
    fn take_error(&mut self, input: &[u8]) -> Result<usize, FrameError> {
        let len = self.take_payload(input);
        let room = self.limits.error_len.saturating_sub(self.error.len());
        self.error.extend_from_slice(&input[..len.min(room)]);
        if self.left > 0 {
            return Ok(len);
        }
        let error = std::mem::take(&mut self.error);
        Err(FrameError::Daemon(String::from_utf8_lossy(&error).trim_end().to_owned()))
    }

    fn fail(&mut self, error: FrameError) -> FrameError {
        self.failed = Some(error.clone());
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Payloads by stream, and how it ended.
    type Said = (Vec<(StreamType, Vec<u8>)>, Result<(), FrameError>);

    fn decode(pieces: &[&[u8]], limits: Limits) -> Said {
        let mut decoder = Decoder::new(limits);
        let mut said: Vec<(StreamType, Vec<u8>)> = Vec::new();
        for piece in pieces {
            let mut rest = *piece;
            loop {
                let (taken, decoded) = match decoder.next(rest) {
                    Ok(next) => next,
                    Err(error) => {
                        assert_eq!(decoder.next(b"more"), Err(error.clone()), "it stays");
                        assert_eq!(decoder.finish(), Err(error.clone()));
                        return (said, Err(error));
                    }
                };
                match decoded {
                    Decoded::Frame(header) => said.push((header.stream, Vec::new())),
                    Decoded::Data(stream) => {
                        assert!(taken > 0);
                        let last = said.last_mut().expect("a header comes first");
                        assert_eq!(last.0, stream);
                        last.1.extend_from_slice(&rest[..taken]);
                    }
                    Decoded::NeedInput => break,
                }
                rest = &rest[taken..];
            }
        }
        (said, decoder.finish())
    }

    /// The same at every split, and byte by byte.
    #[track_caller]
    fn check(stream: &[u8], limits: Limits, expected: &[(StreamType, &[u8])], end: &Result<(), FrameError>) {
        let expected: Vec<_> = expected.iter().map(|(stream, data)| (*stream, data.to_vec())).collect();
        for split in 0..=stream.len() {
            let (said, ended) = decode(&[&stream[..split], &stream[split..]], limits);
            assert_eq!((said, &ended), (expected.clone(), end), "at {split}");
        }
        let (said, ended) = decode(&stream.chunks(1).collect::<Vec<_>>(), limits);
        assert_eq!((said, &ended), (expected, end), "byte by byte");
    }

    /// moby `api/pkg/stdcopy`.
    #[test]
    fn writes_and_reads_the_table() {
        let table: [(FrameHeader, [u8; 8]); 4] = [
            (FrameHeader::new(StreamType::Stdin, 0), [0; 8]),
            (FrameHeader::new(StreamType::Stdout, 6), [1, 0, 0, 0, 0, 0, 0, 6]),
            (FrameHeader::new(StreamType::Stderr, 0x0102_0304), [2, 0, 0, 0, 1, 2, 3, 4]),
            (FrameHeader::new(StreamType::SystemError, u32::MAX), [3, 0, 0, 0, 255, 255, 255, 255]),
        ];
        for (header, bytes) in table {
            assert_eq!(header.encode(), bytes);
            assert_eq!(FrameHeader::parse(bytes), Ok(header));
        }
        assert_eq!(FrameHeader::parse([1, 7, 8, 9, 0, 0, 0, 1]), Ok(FrameHeader::new(StreamType::Stdout, 1)));
    }

    #[test]
    fn tells_the_streams_apart() {
        use StreamType::{Stderr, Stdin, Stdout};
        let stream =
            b"\x01\0\0\0\0\0\0\x04out\n\x02\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\x04err\n\0\0\0\0\0\0\0\x01!";
        let expected: [(StreamType, &[u8]); 4] =
            [(Stdout, b"out\n"), (Stderr, b""), (Stderr, b"err\n"), (Stdin, b"!")];
        check(stream, Limits::default(), &expected, &Ok(()));
    }

    #[test]
    fn the_daemons_error_ends_the_stream() {
        let stream = b"\x01\0\0\0\0\0\0\x02hi\x03\0\0\0\0\0\0\x06no :-(\x01\0\0\0\0\0\0\x02ho";
        let error = |text: &str| Err(FrameError::Daemon(text.to_owned()));
        check(stream, Limits::default(), &[(StreamType::Stdout, b"hi")], &error("no :-("));
        let short = Limits { error_len: 2, ..Limits::default() };
        check(stream, short, &[(StreamType::Stdout, b"hi")], &error("no"));
        check(b"\x03\0\0\0\0\0\0\0", Limits::default(), &[], &error(""));
    }

    /// Whoever moves what is left of a payload must not move the daemon's error.
    #[test]
    fn nothing_is_left_of_the_daemons_error() {
        let mut decoder = Decoder::default();
        let stream = b"\x02\0\0\0\0\0\0\x04err\n\x03\0\0\0\0\0\0\x04gone";
        let mut seen = Vec::new();
        let mut failed = None;
        for byte in stream {
            // The last byte of a header is taken with nothing said of it, too.
            failed = decoder.next(std::slice::from_ref(byte)).err();
            seen.push(decoder.left());
        }
        assert_eq!(seen[..12], [0, 0, 0, 0, 0, 0, 0, 4, 3, 2, 1, 0]);
        assert_eq!(seen[12..], [0; 12]);
        assert_eq!(failed, Some(FrameError::Daemon("gone".to_owned())));
        let mut cut = Decoder::default();
        assert_eq!(cut.next(&stream[12..22]), Ok((10, Decoded::NeedInput)));
        assert_eq!((cut.left(), cut.finish()), (0, Err(FrameError::Truncated { missing: 2 })));
    }

    /// Go reads a cut stream as one that ended; that hides lost output.
    #[test]
    fn an_end_within_a_frame_is_told_apart() {
        let truncated = |missing| Err(FrameError::Truncated { missing });
        check(b"\x01\0\0\0\0\0\0\x04out", Limits::default(), &[(StreamType::Stdout, b"out")], &truncated(1));
        check(b"\x01\0\0", Limits::default(), &[], &truncated(5));
        check(b"\x03\0\0\0\0\0\0\x04no", Limits::default(), &[], &truncated(2));
        check(b"", Limits::default(), &[], &Ok(()));
    }

    #[test]
    fn refuses_what_is_no_frame_and_what_is_too_much() {
        let limits = Limits { frame_len: 3, empty_frames: 2, ..Limits::default() };
        check(b"\x09", limits, &[], &Err(FrameError::UnknownStream { stream: 9 }));
        check(b"hello world", limits, &[], &Err(FrameError::UnknownStream { stream: b'h' }));
        let long = b"\x01\0\0\0\0\0\0\x03abc\x01\0\0\0\xff\xff\xff\xff";
        let too_long = FrameError::TooLong { len: u32::MAX, limit: 3 };
        check(long, limits, &[(StreamType::Stdout, b"abc")], &Err(too_long.clone()));
        assert_eq!(too_long.to_string(), "frame of 4294967295 bytes exceeds limit frame_len 3");
        let empty = [[1, 0, 0, 0, 0, 0, 0, 0]; 3].concat();
        let said: [(StreamType, &[u8]); 2] = [(StreamType::Stdout, b""); 2];
        check(&empty, limits, &said, &Err(FrameError::EmptyFrames { limit: 2 }));
    }
}
