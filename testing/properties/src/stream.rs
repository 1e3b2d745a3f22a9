//! Docker's frames, and the keys that detach from a terminal.

use hijack_proto::stream::{
    Decoded, Decoder, DetachKeys, DetachMatcher, FRAME_HEADER_LEN, FrameError, FrameHeader, Limits,
    StreamType,
};

use crate::source::Source;

/// Control, then frames. Payloads, the daemon's error and the end are the same for every cut, and as a plain reader
/// of the whole stream sees them; a header that is read is written as the same bytes, but for the three that nobody
/// looks at.
///
/// # Panics
///
/// Where that is not so.
pub fn frames(data: &[u8]) {
    let mut source = Source::new(data);
    let mut limits = Limits::default();
    if source.byte() & 1 == 1 {
        (limits.frame_len, limits.empty_frames, limits.error_len) = (300, 2, 3);
    }
    let lengths = source.some(8);
    let stream = source.rest();
    let expected = plainly(stream, limits);
    assert_eq!(decoded(&[stream], limits), expected, "whole");
    assert_eq!(decoded(&stream.chunks(1).collect::<Vec<_>>(), limits), expected, "byte by byte");
    assert_eq!(decoded(&cut(stream, lengths), limits), expected, "cut");
}

/// Each frame's stream and payload, and how it ended.
type Said = (Vec<(StreamType, Vec<u8>)>, Result<(), FrameError>);

fn cut<'s>(mut stream: &'s [u8], lengths: &[u8]) -> Vec<&'s [u8]> {
    let mut pieces = Vec::new();
    for &len in lengths.iter().cycle().take(stream.len() * lengths.len().min(1)) {
        let (piece, rest) = stream.split_at(stream.len().min(len.into()));
        pieces.push(piece);
        stream = rest;
    }
    pieces.push(stream);
    pieces
}

fn decoded(pieces: &[&[u8]], limits: Limits) -> Said {
    let (mut decoder, mut said) = (Decoder::new(limits), Vec::<(StreamType, Vec<u8>)>::new());
    for piece in pieces {
        let mut rest = *piece;
        loop {
            let left = decoder.left();
            let (taken, decoded) = match decoder.next(rest) {
                Ok(next) => next,
                Err(error) => {
                    assert_eq!(decoder.next(rest), Err(error.clone()), "it stays");
                    return (said, Err(error));
                }
            };
            match decoded {
                Decoded::Frame(header) => {
                    assert_eq!(decoder.left(), header.len);
                    said.push((header.stream, Vec::new()));
                }
                Decoded::Data(stream) => {
                    assert!(taken > 0);
                    assert_eq!(decoder.left() as usize, left as usize - taken);
                    let (of, payload) = said.last_mut().expect("a header comes first");
                    assert_eq!(*of, stream);
                    payload.extend_from_slice(&rest[..taken]);
                }
                Decoded::NeedInput => {
                    assert_eq!(taken, rest.len(), "all of it");
                    break;
                }
            }
            rest = &rest[taken..];
        }
    }
    (said, decoder.finish())
}

/// What the stream says, read slowly and whole.
fn plainly(mut stream: &[u8], limits: Limits) -> Said {
    let (mut said, mut empty) = (Vec::new(), 0);
    let missing =
        |missing: usize| FrameError::Truncated { missing: u32::try_from(missing).expect("a u32's") };
    while let Some(&first) = stream.first() {
        let Some(of) = StreamType::from_byte(first) else {
            return (said, Err(FrameError::UnknownStream { stream: first }));
        };
        let Some((head, rest)) = stream.split_first_chunk::<FRAME_HEADER_LEN>() else {
            return (said, Err(missing(FRAME_HEADER_LEN - stream.len())));
        };
        let [_, _, _, _, len @ ..] = *head;
        let len = u32::from_be_bytes(len);
        assert_eq!(FrameHeader::new(of, len).encode()[4..], head[4..]);
        if len > limits.frame_len {
            return (said, Err(FrameError::TooLong { len, limit: limits.frame_len }));
        }
        empty = if len == 0 { empty + 1 } else { 0 };
        if empty > limits.empty_frames {
            return (said, Err(FrameError::EmptyFrames { limit: limits.empty_frames }));
        }
        let (payload, behind) = rest.split_at(rest.len().min(len as usize));
        if of != StreamType::SystemError {
            said.push((of, payload.to_vec()));
        }
        if payload.len() < len as usize {
            return (said, Err(missing(len as usize - payload.len())));
        }
        if of == StreamType::SystemError {
            let kept = &payload[..payload.len().min(limits.error_len)];
            let text = String::from_utf8_lossy(kept).trim_end().to_owned();
            return (said, Err(FrameError::Daemon(text)));
        }
        stream = behind;
    }
    (said, Ok(()))
}

/// A line with a list of keys, then what is typed. Keys that are understood are written as the same text, where it
/// is one that moby/term knows; they are found where they first stand in the input, for every cut, and what is in
/// front of them comes through, no more and no less.
///
/// # Panics
///
/// Where that is not so.
pub fn detach(data: &[u8]) {
    let end = data.iter().position(|&byte| byte == b'\n').unwrap_or(data.len());
    let (line, typed) = (&data[..end], data.get(end + 1..).unwrap_or_default());
    let Ok(text) = str::from_utf8(line) else { return };
    let Ok(keys) = text.parse::<DetachKeys>() else { return };
    assert!(!keys.as_bytes().is_empty());
    let again = keys.to_string().parse::<DetachKeys>();
    assert_eq!(again.as_ref(), Ok(&keys), "written and read again");
    let found = typed.windows(keys.as_bytes().len()).position(|window| window == keys.as_bytes());
    let expected = match found {
        Some(at) => (typed[..at].to_vec(), Some(at + keys.as_bytes().len())),
        None => (typed.to_vec(), None),
    };
    for split in 0..=typed.len().min(64) {
        assert_eq!(matched(&keys, &[&typed[..split], &typed[split..]]), expected, "cut at {split}");
    }
    assert_eq!(matched(&keys, &typed.chunks(1).collect::<Vec<_>>()), expected, "byte by byte");
}

/// What comes through, and where the keys end.
fn matched(keys: &DetachKeys, pieces: &[&[u8]]) -> (Vec<u8>, Option<usize>) {
    let (mut matcher, mut out, mut before) = (DetachMatcher::new(keys.clone()), Vec::new(), 0);
    for piece in pieces {
        if let Some(end) = matcher.feed(piece, &mut out) {
            assert!(matcher.held().is_empty());
            return (out, Some(before + end));
        }
        before += piece.len();
        assert_eq!(out.len() + matcher.held().len(), before, "nothing is lost");
    }
    matcher.finish(&mut out);
    (out, None)
}
