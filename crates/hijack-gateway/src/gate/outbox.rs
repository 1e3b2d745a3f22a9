//! Frames of our own that wait for a place between the peer's.

use std::collections::VecDeque;

use bytes::Bytes;
use hijack_proto::ws::check::Place;
use hijack_proto::ws::{Close, MaskKey, MessageKind, Role, Sender, Workspace};
use serde::{Deserialize, Serialize};

/// A whole frame of our own, masked where it goes to a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OwnFrame {
    pub(crate) bytes: Bytes,
    fits: Fits,
    /// Whether an operator wanted it; the gateway itself else.
    pub(crate) by_operator: bool,
}

/// Where a frame of our own may stand (RFC 6455 §5.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Fits {
    /// Between any two frames: it is a control frame.
    BetweenFrames,
    /// Between two messages.
    BetweenMessages,
    /// Between any two frames, and none follows.
    Last,
}

impl OwnFrame {
    pub(crate) fn message(to: Role, kind: MessageKind, payload: &[u8], key: MaskKey) -> Self {
        let mut bytes = Vec::new();
        let sent = sender(to).message(kind, payload, || key, &mut Workspace::default(), &mut bytes);
        debug_assert!(sent.is_ok(), "a fresh sender takes a message");
        Self { bytes: bytes.into(), fits: Fits::BetweenMessages, by_operator: true }
    }

    /// None if the payload is longer than a control frame's may be.
    pub(crate) fn ping(to: Role, payload: &[u8], key: MaskKey) -> Option<Self> {
        let mut bytes = Vec::new();
        sender(to).ping(payload, || key, &mut bytes).ok()?;
        Some(Self { bytes: bytes.into(), fits: Fits::BetweenFrames, by_operator: false })
    }

    /// None if the code must not be sent or the reason is too long (RFC 6455 §7.4, §5.5).
    pub(crate) fn close(to: Role, close: Close<'_>, key: MaskKey, by_operator: bool) -> Option<Self> {
        let mut bytes = Vec::new();
        sender(to).close(Some(close), || key, &mut bytes).ok()?;
        Some(Self { bytes: bytes.into(), fits: Fits::Last, by_operator })
    }

    pub(crate) fn is_last(&self) -> bool {
        self.fits == Fits::Last
    }
}

/// What sends to `to` (RFC 6455 §5.1: only a client masks).
fn sender(to: Role) -> Sender {
    let role = match to {
        Role::Server => Role::Client,
        Role::Client => Role::Server,
    };
    Sender::new(role, None)
}

/// The frames that wait, in the order in which they leave where they fit. Without memory while there are none.
#[derive(Debug, Default)]
#[allow(clippy::box_collection, reason = "every direction has room for one, and seldom has one")]
pub(super) struct Outbox(Option<Box<VecDeque<OwnFrame>>>);

/// A further frame finds no room: so many wait already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OutboxFull {
    pub(crate) limit: usize,
}

impl Outbox {
    /// A Close always finds room.
    pub(super) fn put(&mut self, frame: OwnFrame) -> Result<(), OutboxFull> {
        let frames = self.0.get_or_insert_default();
        if frames.len() >= MOST_WAITING && !frame.is_last() {
            return Err(OutboxFull { limit: MOST_WAITING });
        }
        frames.push_back(frame);
        Ok(())
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The next frame that may stand at `place`, between two frames. A Close waits for no message behind which it was
    /// put: that may never end.
    pub(super) fn take(&mut self, place: Place) -> Option<OwnFrame> {
        let frames = self.0.as_mut()?;
        let fits = |frame: &OwnFrame| place == Place::BetweenMessages || frame.fits != Fits::BetweenMessages;
        let at = frames.iter().position(fits)?;
        let frame = frames.remove(at);
        if frames.is_empty() {
            self.0 = None;
        }
        frame
    }

    pub(super) fn clear(&mut self) {
        self.0 = None;
    }

    /// The frames that wait, in their order.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &OwnFrame> {
        self.0.iter().flat_map(|frames| frames.iter())
    }
}

/// Frames of our own, or pieces of operators', that wait in one direction.
pub(super) const MOST_WAITING: usize = 64;

#[cfg(test)]
mod tests {
    use hijack_proto::ws::CloseCode;

    use super::*;

    fn message() -> OwnFrame {
        OwnFrame::message(Role::Client, MessageKind::Text, b"hi", [0; 4])
    }

    /// RFC 6455 §5.4: control frames may stand within a fragmented message, messages may not.
    #[test]
    fn gives_what_fits() {
        let mut outbox = Outbox::default();
        let ping = OwnFrame::ping(Role::Client, b"p", [0; 4]).expect("short");
        outbox.put(message()).expect("room");
        outbox.put(ping.clone()).expect("room");
        assert_eq!(outbox.take(Place::WithinMessage), Some(ping));
        assert_eq!(outbox.take(Place::WithinMessage), None);
        assert_eq!(outbox.take(Place::BetweenMessages), Some(message()));
        assert!(outbox.is_empty());
    }

    #[test]
    fn is_bounded_and_has_room_for_a_close() {
        let mut outbox = Outbox::default();
        for _ in 0..MOST_WAITING {
            outbox.put(message()).expect("room");
        }
        assert_eq!(outbox.put(message()), Err(OutboxFull { limit: MOST_WAITING }));
        let close =
            OwnFrame::close(Role::Client, Close::new(CloseCode::NORMAL), [0; 4], true).expect("legal");
        outbox.put(close).expect("always");
    }

    /// RFC 6455 §5.1.
    #[test]
    fn masks_toward_servers_only() {
        assert_eq!(&message().bytes[..], b"\x81\x02hi");
        let masked = OwnFrame::message(Role::Server, MessageKind::Text, b"hi", [1, 2, 3, 4]);
        assert_eq!(&masked.bytes[..], &[0x81, 0x82, 1, 2, 3, 4, b'h' ^ 1, b'i' ^ 2]);
    }
}
