//! A stream made into messages for whoever looks: as it comes, or a frame of a process's output as one.

use std::sync::Arc;

use hijack::Side;
use hijack_proto::stream::{FrameHeader, StreamType};

use super::{Tap, blank, name_of};
use crate::MessageView;

/// Shows one direction of a stream.
#[derive(Debug)]
pub(crate) struct OutputReader {
    tap: Arc<Tap>,
    from: Side,
    /// What bytes are called that are in no frame.
    opcode: &'static str,
    frame: Option<Partial>,
}

/// A frame of which more may come.
#[derive(Debug)]
struct Partial {
    header: FrameHeader,
    shown: Vec<u8>,
}

impl OutputReader {
    pub(crate) fn new(tap: Arc<Tap>, from: Side, opcode: &'static str) -> Self {
        Self { tap, from, opcode, frame: None }
    }

    /// Bytes that came in no frame.
    pub(crate) fn show(&self, bytes: &[u8]) {
        self.show_as(name_of(self.from), self.opcode, bytes.len() as u64, bytes);
    }

    /// What an operator put in.
    pub(crate) fn show_own(&self, bytes: &[u8]) {
        let opcode = if self.opcode == "output" { "stdout" } else { self.opcode };
        self.show_as("operator", opcode, bytes.len() as u64, bytes);
    }

    pub(crate) fn begin(&mut self, header: FrameHeader) {
        self.frame = Some(Partial { header, shown: Vec::new() });
        if header.len == 0 {
            self.payload(&[], true);
        }
    }

    pub(crate) fn payload(&mut self, bytes: &[u8], is_end: bool) {
        // Of a frame under way when somebody began to look only the end is seen, and nobody knows whose it is.
        let Some(frame) = &mut self.frame else { return };
        let room = self.tap.shown_len().saturating_sub(frame.shown.len());
        frame.shown.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if is_end && let Some(Partial { header, shown }) = self.frame.take() {
            let opcode = match header.stream {
                StreamType::Stdin | StreamType::Stdout => "stdout",
                StreamType::Stderr => "stderr",
                StreamType::SystemError => "error",
            };
            self.show_as(name_of(self.from), opcode, header.len.into(), &shown);
        }
    }

    fn show_as(&self, from: &str, opcode: &str, size: u64, shown: &[u8]) {
        self.tap.show(MessageView { size, ..blank(from, self.from, opcode) }, shown);
    }
}
