//! Messages shown to whoever looks, while they pass.
//!
//! A [`Tap`] is a bounded queue that nobody waits for: who is too slow is told how much was skipped. `reader` makes messages
//! of a WebSocket's frames, `output` of streams and of what is in Docker's.

mod output;
mod reader;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hijack::Side;
use tokio::sync::broadcast;

pub(crate) use output::OutputReader;
pub(crate) use reader::{FrameReader, Inflation};

use crate::MessageView;

/// Where the messages of one connection are shown.
#[derive(Debug)]
pub(crate) struct Tap {
    sender: broadcast::Sender<Arc<MessageView>>,
    seq: AtomicU64,
    shown_len: usize,
}

impl Tap {
    pub(crate) fn new(shown_len: usize, queue: usize) -> Arc<Self> {
        Arc::new(Self { sender: broadcast::Sender::new(queue.max(1)), seq: AtomicU64::new(0), shown_len })
    }

    pub(crate) fn watch(&self) -> broadcast::Receiver<Arc<MessageView>> {
        self.sender.subscribe()
    }

    pub(crate) fn watchers(&self) -> usize {
        self.sender.receiver_count()
    }

    pub(crate) fn shown_len(&self) -> usize {
        self.shown_len
    }

    /// Shows a message, of whose payload `shown` is the beginning.
    fn show(&self, mut message: MessageView, shown: &[u8]) {
        if self.watchers() == 0 {
            return;
        }
        let shown = &shown[..shown.len().min(self.shown_len)];
        message.seq = self.seq.fetch_add(1, Relaxed) + 1;
        message.at_ms = unix_ms();
        message.truncated = !message.compressed && (shown.len() as u64) < message.size;
        if !message.compressed {
            put_payload(&mut message, shown);
        }
        // Nobody looking any more is no fault.
        let _ = self.sender.send(Arc::new(message));
    }
}

/// A message without payload, on its way from `side` to the other one.
fn blank(from: &str, side: Side, opcode: &str) -> MessageView {
    MessageView {
        from: from.to_owned(),
        to: name_of(side.other()).to_owned(),
        opcode: opcode.to_owned(),
        ..MessageView::default()
    }
}

/// A side as everybody outside calls it.
pub(crate) fn name_of(side: Side) -> &'static str {
    match side {
        Side::Client => "client",
        Side::Server => "upstream",
    }
}

/// As text where it is text. A character that was cut off by the limit is left out.
fn put_payload(message: &mut MessageView, shown: &[u8]) {
    let is_text_by_type = message.opcode != "binary";
    match std::str::from_utf8(shown) {
        Ok(text) if is_text_by_type => message.text = Some(text.to_owned()),
        Err(error) if is_text_by_type && message.truncated && error.error_len().is_none() => {
            message.text = std::str::from_utf8(&shown[..error.valid_up_to()]).ok().map(str::to_owned);
        }
        _ => message.base64 = Some(STANDARD.encode(shown)),
    }
}

/// Milliseconds since the Unix epoch.
pub(crate) fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
