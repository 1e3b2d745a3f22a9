//! Frames by hand, and both ends of a connection.

use hijack::stream::{ClientStreams, Framing, ServerStreams};
use hijack::{Conn, Tracker};
use tokio::io::{DuplexStream, duplex};

/// A frame as Docker writes it.
pub(crate) fn frame(stream: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    let len = u32::try_from(payload.len()).expect("a short payload").to_be_bytes();
    [&[stream, 0, 0, 0], &len[..], payload].concat()
}

/// A taken-over connection, and the other end of it; `room` bytes are on their way each way.
pub(crate) fn conn(room: usize) -> (Conn<DuplexStream>, DuplexStream) {
    let (near, far) = duplex(room);
    (Tracker::default().adopt(near), far)
}

/// The client's streams, and raw bytes on the other side.
pub(crate) fn client(framing: Framing) -> (ClientStreams<DuplexStream>, DuplexStream) {
    let (conn, far) = conn(1 << 20);
    (ClientStreams::new(conn, framing), far)
}

/// Both sides.
pub(crate) fn pair(
    framing: Framing,
    room: usize,
) -> (ClientStreams<DuplexStream>, ServerStreams<DuplexStream>) {
    let (client, server) = duplex(room);
    let tracker = Tracker::default();
    (ClientStreams::new(tracker.adopt(client), framing), ServerStreams::new(tracker.adopt(server), framing))
}
