//! What a peer may make a receiver hold or count: name, default, reason.

/// Bounds on what a [`Receiver`](super::Receiver) takes. Plain data; start from [`Limits::default`].
///
/// A payload is never reserved by the length that a header promises, so a large limit costs nothing until the
/// bytes are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of one frame's payload as it is on the wire. Default 64 MiB: no more than a message.
    pub frame_len: u64,
    /// Bytes of one message, inflated if it was compressed. Default 64 MiB: what browsers' peers usually allow,
    /// four times what the Autobahn suite sends. Whoever streams messages and holds none may take `u64::MAX`.
    pub message_len: u64,
    /// Frames of one message. Default 131,072: twice what the Autobahn suite sends (4 MiB by 64 bytes).
    pub fragments: u32,
    /// Empty frames of one message that do not end it. Default 64: they carry nothing, so a stream of them is an
    /// attack or an error, but a sender may flush an empty buffer now and then.
    pub empty_fragments: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { frame_len: 64 << 20, message_len: 64 << 20, fragments: 1 << 17, empty_fragments: 64 }
    }
}
