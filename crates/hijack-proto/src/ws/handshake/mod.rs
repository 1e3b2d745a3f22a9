//! The opening handshake (RFC 6455 §4): what a server may accept and answers otherwise, and what a client asks
//! and may believe.
//!
//! `server` judges requests, `origin` the web page behind one, `client` makes requests and judges answers,
//! `extensions` reads `Sec-WebSocket-Extensions`.

mod client;
mod extensions;
mod origin;
mod server;

use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, PAD, STANDARD};

pub use client::{Agreed, Asked, Mismatch};
pub use extensions::{Extension, extensions};
pub use origin::{Absent, OriginError, Origins};
pub use server::{Opening, Refusal};

/// The protocol's name in `Upgrade`.
pub const PROTOCOL: &str = "websocket";
/// The only version of RFC 6455 (§4.1).
pub const VERSION: &str = "13";

/// What a server answers to a key: its SHA-1 with a fixed text behind it, in base64 (RFC 6455 §4.2.2).
///
/// ```
/// let accept = hijack_proto::ws::handshake::accept_hash(b"dGhlIHNhbXBsZSBub25jZQ==");
/// assert_eq!(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
/// ```
#[must_use]
pub fn accept_hash(key: &[u8]) -> String {
    const SUFFIX: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    let mut hash = sha1_smol::Sha1::new();
    hash.update(key);
    hash.update(SUFFIX);
    STANDARD.encode(hash.digest().bytes())
}

/// Whether `key` is the base64 of 16 bytes (RFC 6455 §4.1).
fn is_key(key: &[u8]) -> bool {
    const KEY_LEN: usize = 16;
    // 22 digits have room for four bits more than 16 bytes; clients that draw digits at random set them.
    const ANY_LAST_BITS: GeneralPurpose =
        GeneralPurpose::new(&base64::alphabet::STANDARD, PAD.with_decode_allow_trailing_bits(true));
    ANY_LAST_BITS.decode_slice(key, &mut [0; KEY_LEN + 2]) == Ok(KEY_LEN)
}
