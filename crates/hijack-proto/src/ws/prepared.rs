//! A message framed once for many connections (broadcast), plain and compressed.

use super::deflate::MOST_BITS;
use super::send::put_frame;
use super::{FrameHeader, MessageKind, Workspace};

/// A server's frame that any number of [senders](super::Sender::prepared) give out as it is.
#[derive(Debug, Clone)]
pub struct Prepared {
    kind: MessageKind,
    plain: Box<[u8]>,
    /// Where the payload starts in `plain`.
    payload: usize,
    compressed: Option<(u8, Box<[u8]>)>,
}

impl Prepared {
    /// Frames `payload` without compression.
    #[must_use]
    pub fn new(kind: MessageKind, payload: &[u8]) -> Self {
        let mut plain = Vec::new();
        put_frame(FrameHeader::new(kind.opcode(), 0), payload, &mut plain);
        Self { kind, payload: plain.len() - payload.len(), plain: plain.into(), compressed: None }
    }

    /// Adds a compressed form, with a window of `bits` bits, 9 to 15, and zlib's `level`. Connections with a
    /// window that large use it, if they take no context over.
    #[must_use]
    pub fn with_deflate(mut self, bits: u8, level: u32, workspace: &mut Workspace) -> Self {
        let mut deflater = workspace.take_deflater(bits, level);
        let (mut payload, mut frame) = (Vec::new(), Vec::new());
        deflater.deflate(&self.plain[self.payload..], true, &mut payload);
        workspace.give_deflater(bits, deflater);
        let header = FrameHeader { rsv: FrameHeader::RSV1, ..FrameHeader::new(self.kind.opcode(), 0) };
        put_frame(header, &payload, &mut frame);
        self.compressed = Some((bits, frame.into()));
        self
    }

    /// The frame for a connection whose window has `bits` bits, or that has none.
    pub(super) fn frame(&self, bits: Option<u8>) -> &[u8] {
        match (&self.compressed, bits) {
            (Some((needed, frame)), Some(bits)) if *needed <= bits.min(MOST_BITS) => frame,
            _ => &self.plain,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ws::deflate::Config;
    use crate::ws::{Role, SendError, Sender};

    /// RFC 7692 §7.1: a compressed frame goes only where window and context allow it.
    #[test]
    fn gives_each_connection_the_frame_that_it_reads() {
        let text = "the same words, the same words, the same words";
        let prepared = Prepared::new(MessageKind::Text, text.as_bytes());
        let prepared = prepared.with_deflate(12, 6, &mut Workspace::default());
        let sender = |offer: &str, config: Config| {
            let agreement = config.accept([offer.as_bytes()]);
            Sender::new(Role::Server, agreement.as_ref())
        };
        let first = |sender: &Sender| sender.prepared(&prepared).expect("open")[0];
        let config = Config::default();
        assert_eq!(first(&Sender::new(Role::Server, None)), 0x81);
        assert_eq!(first(&sender("permessage-deflate", config)), 0xC1);
        assert_eq!(first(&sender("permessage-deflate; server_max_window_bits=12", config)), 0xC1);
        assert_eq!(first(&sender("permessage-deflate; server_max_window_bits=11", config)), 0x81);
        let takeover = Config { server_no_context_takeover: false, ..config };
        assert_eq!(first(&sender("permessage-deflate", takeover)), 0x81);
        let client = Sender::new(Role::Client, None);
        assert_eq!(client.prepared(&prepared), Err(SendError::Role));
    }
}
