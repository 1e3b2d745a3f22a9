//! The words and bytes on which servers and clients agree.

/// Path of the ordinary answer.
pub const PLAIN_PATH: &str = "/plain";
/// Body of the ordinary answer.
pub const PLAIN_BODY: &str = "hello, world\n";
/// Its media type.
pub const PLAIN_TYPE: &str = "text/plain";
/// `Date` of the answer that clients are given.
pub const PLAIN_DATE: &str = "Sun, 22 Nov 2026 15:14:00 GMT";
/// Path of the takeover.
pub const ECHO_PATH: &str = "/echo";
/// Path of the takeover after which blocks are asked for by their number.
pub const BLOCKS_PATH: &str = "/blocks";
/// The protocol asked for in `Upgrade`, and named in the 101.
pub const ECHO_PROTOCOL: &str = "echo";
/// Length of the message that is sent once and comes back once.
pub const MESSAGE_LEN: usize = 64;

/// Another message for every operation, so that no answer can be taken for another.
#[must_use]
pub fn message(number: u64) -> [u8; MESSAGE_LEN] {
    let mut message = [0; MESSAGE_LEN];
    for (place, chunk) in message.chunks_mut(8).enumerate() {
        chunk.copy_from_slice(&(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ place as u64).to_be_bytes());
    }
    message
}
