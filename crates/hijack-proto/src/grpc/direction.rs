//! What one end sends: frames, and in them what matters of calls.

use std::fmt;

use super::frame::{
    CONTINUATION, DATA, FrameHeader, GOAWAY, HEADER_LEN, HEADERS, PUSH_PROMISE, RST_STREAM, SETTINGS,
};
use super::headers::{Fields, Headers};
use super::{Limits, Lost};
use crate::HTTP2_PREFACE;

/// One direction of a connection.
pub(super) struct Direction {
    stage: Stage,
    header: [u8; HEADER_LEN],
    header_len: usize,
    /// The frame under way.
    frame: Option<FrameHeader>,
    /// Bytes of its payload that are still to come, padding included.
    left: u32,
    /// How many of them are padding, once that is known.
    pad: Option<u32>,
    /// Its payload, where it is needed.
    payload: Vec<u8>,
    /// The block of headers that goes on in further frames, its stream, and whether that ends with it.
    block: Vec<u8>,
    block_of: Option<(u32, bool)>,
    headers: Headers,
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// So many bytes of the preface were seen.
    Preface(usize),
    /// The first frame must be SETTINGS.
    FirstFrame,
    Frames,
}

/// What was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    /// The preface: this end calls.
    Preface,
    /// The first frame of an end that is called.
    NoPreface,
    /// The last `len` of the bytes taken belong to the messages of a stream.
    Data {
        stream: u32,
        len: usize,
        ends: bool,
    },
    Headers {
        stream: u32,
        fields: Fields,
        ends: bool,
    },
    Reset {
        stream: u32,
        code: u32,
    },
    /// Streams beyond this one are not answered (RFC 9113 §6.8).
    GoAway {
        last: u32,
    },
}

impl Direction {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            stage: Stage::Preface(0),
            header: [0; HEADER_LEN],
            header_len: 0,
            frame: None,
            left: 0,
            pad: None,
            payload: Vec::new(),
            block: Vec::new(),
            block_of: None,
            headers: Headers::new(limits.table_len, limits.text_len),
        }
    }

    /// What stands at the front of `bytes`, which are not empty, and how many of them that is.
    pub(super) fn next(&mut self, bytes: &[u8], limits: &Limits) -> Result<(usize, Option<Seen>), Lost> {
        if let Stage::Preface(seen) = self.stage {
            return self.next_of_preface(seen, bytes);
        }
        let Some(frame) = self.frame else { return self.next_of_header(bytes, limits) };
        if frame.is_padded() && frame.kind == DATA && self.pad.is_none() {
            let pad = u32::from(bytes[0]);
            self.left -= 1;
            if pad > self.left {
                return Err(Lost::WrongFrame { kind: DATA });
            }
            self.pad = Some(pad);
            return Ok((1, self.finish_if_whole(0)?));
        }
        let due = if frame.kind == DATA && self.data_left() > 0 { self.data_left() } else { self.left };
        let taken = bytes.len().min(due as usize);
        if is_kept(frame.kind) {
            // What follows a GOAWAY's numbers is words, of any length.
            let room = if frame.kind == GOAWAY { 4 - self.payload.len().min(4) } else { taken };
            self.payload.extend_from_slice(&bytes[..taken.min(room)]);
        }
        Ok((taken, self.pass(taken)?))
    }

    /// Bytes that need not be seen, as far as frames go: with the stream, if they are of its messages.
    pub(super) fn blind(&self) -> (u32, Option<u32>) {
        match self.frame {
            Some(frame) if is_kept(frame.kind) || (frame.is_padded() && self.pad.is_none()) => (0, None),
            Some(frame) if frame.kind == DATA && self.data_left() > 0 => {
                (self.data_left(), Some(frame.stream))
            }
            Some(_) => (self.left, None),
            None => (0, None),
        }
    }

    /// Bytes of the DATA frame under way that belong to messages; none within its padding.
    fn data_left(&self) -> u32 {
        self.left.saturating_sub(self.pad.unwrap_or(0))
    }

    fn next_of_preface(&mut self, seen: usize, bytes: &[u8]) -> Result<(usize, Option<Seen>), Lost> {
        let due = &HTTP2_PREFACE[seen..];
        let same = due.iter().zip(bytes).take_while(|(due, byte)| due == byte).count();
        match (same == due.len(), same == bytes.len()) {
            (true, _) => {
                self.stage = Stage::FirstFrame;
                Ok((same, Some(Seen::Preface)))
            }
            (false, true) => {
                self.stage = Stage::Preface(seen + same);
                Ok((same, None))
            }
            _ if seen + same == 0 => {
                self.stage = Stage::FirstFrame;
                Ok((0, Some(Seen::NoPreface)))
            }
            _ => Err(Lost::NoPreface),
        }
    }

    fn next_of_header(&mut self, bytes: &[u8], limits: &Limits) -> Result<(usize, Option<Seen>), Lost> {
        let taken = bytes.len().min(HEADER_LEN - self.header_len);
        self.header[self.header_len..self.header_len + taken].copy_from_slice(&bytes[..taken]);
        self.header_len += taken;
        if self.header_len < HEADER_LEN {
            return Ok((taken, None));
        }
        self.header_len = 0;
        let frame = FrameHeader::parse(self.header);
        self.check(frame, limits)?;
        self.stage = Stage::Frames;
        (self.frame, self.left, self.pad) = (Some(frame), frame.len, None);
        self.payload.clear();
        Ok((taken, self.finish_if_whole(0)?))
    }

    /// Whether this frame may stand here, as far as it matters to us.
    fn check(&self, frame: FrameHeader, limits: &Limits) -> Result<(), Lost> {
        if self.stage == Stage::FirstFrame && (frame.kind != SETTINGS || frame.stream != 0) {
            return Err(Lost::NoPreface);
        }
        let continues = self.block_of.map(|(stream, _)| stream);
        let is_in_place = match frame.kind {
            CONTINUATION => continues == Some(frame.stream),
            _ if continues.is_some() => false,
            DATA => frame.stream != 0 && (frame.len > 0 || !frame.is_padded()),
            HEADERS => frame.stream != 0,
            RST_STREAM => frame.stream != 0 && frame.len == 4,
            GOAWAY => frame.stream == 0 && frame.len >= 8,
            // No client of gRPC allows it, and its headers would have to be followed.
            PUSH_PROMISE => false,
            _ => true,
        };
        if !is_in_place {
            return Err(Lost::WrongFrame { kind: frame.kind });
        }
        let len = self.block.len().saturating_add(frame.len as usize);
        if matches!(frame.kind, HEADERS | CONTINUATION) && len > limits.block_len {
            return Err(Lost::BlockTooLong { len, limit: limits.block_len });
        }
        Ok(())
    }

    /// So many bytes of the frame's payload are done with, seen or not.
    pub(super) fn pass(&mut self, len: usize) -> Result<Option<Seen>, Lost> {
        let is_data = self.frame.is_some_and(|frame| frame.kind == DATA) && self.data_left() > 0;
        self.left = self.left.saturating_sub(u32::try_from(len).unwrap_or(u32::MAX));
        self.finish_if_whole(if is_data { len } else { 0 })
    }

    /// What there is to tell behind some bytes, of which `data_len` belong to messages.
    fn finish_if_whole(&mut self, data_len: usize) -> Result<Option<Seen>, Lost> {
        let Some(frame) = self.frame else { return Ok(None) };
        let is_whole = self.left == 0;
        if is_whole {
            self.frame = None;
        }
        match frame.kind {
            DATA if data_len > 0 || is_whole => {
                let ends = is_whole && frame.ends_stream();
                Ok(Some(Seen::Data { stream: frame.stream, len: data_len, ends }))
            }
            HEADERS | CONTINUATION if is_whole => self.finish_headers(frame),
            RST_STREAM if is_whole => Ok(Some(Seen::Reset { stream: frame.stream, code: self.number() })),
            GOAWAY if is_whole => Ok(Some(Seen::GoAway { last: self.number() & 0x7fff_ffff })),
            _ => Ok(None),
        }
    }

    /// The number that a payload begins with.
    fn number(&self) -> u32 {
        self.payload.first_chunk().map(|number| u32::from_be_bytes(*number)).unwrap_or_default()
    }

    fn finish_headers(&mut self, frame: FrameHeader) -> Result<Option<Seen>, Lost> {
        self.block.extend_from_slice(frame.fragment(&self.payload)?);
        let (stream, ends) = *self.block_of.get_or_insert((frame.stream, frame.ends_stream()));
        if !frame.ends_headers() {
            return Ok(None);
        }
        self.block_of = None;
        let block = std::mem::take(&mut self.block);
        self.payload = Vec::new();
        let fields = self.headers.read(&block).map_err(|_| Lost::Headers)?;
        Ok(Some(Seen::Headers { stream, fields, ends }))
    }
}

/// Whether such a frame's payload is needed, or its beginning.
fn is_kept(kind: u8) -> bool {
    matches!(kind, HEADERS | CONTINUATION | RST_STREAM | GOAWAY)
}

impl fmt::Debug for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Direction")
            .field("stage", &self.stage)
            .field("frame", &self.frame)
            .finish_non_exhaustive()
    }
}
