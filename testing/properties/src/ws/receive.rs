//! The receiver: any stream, any cut (RFC 6455 §5 and §8.1, RFC 7692 §7.2.2).

use hijack_proto::ws::deflate::{Agreement, Config};
use hijack_proto::ws::{FrameHeader, Limits, Mask, Opcode, Receiver, Role};

use super::oracle;
use super::seen::{read, read_pieces};
use crate::source::Source;

/// Control, then frames as the peer's role sends them, or raw bytes: the same messages, control frames and failure
/// for every cut; what was not taken of a buffer is as it came; and, without compression, the same as tungstenite
/// sees.
///
/// # Panics
///
/// Where that is not so.
pub fn events(data: &[u8]) {
    let mut source = Source::new(data);
    let role = source.one_of(&[Role::Server, Role::Client]);
    let deflate = choose_deflate(&mut source);
    let limits = choose_limits(&mut source);
    let lengths = source.some(6);
    let wire = stream(role, &mut source);
    let receiver = || Receiver::new(role, limits, deflate.as_ref());
    let whole = read(receiver(), &wire, &[]);
    assert_eq!(read(receiver(), &wire, &[0]), whole, "byte by byte");
    assert_eq!(read(receiver(), &wire, lengths), whole, "by {lengths:?}");
    for cut in 1..wire.len().min(MOST_CUTS) {
        let (before, behind) = wire.split_at(cut);
        assert_eq!(read_pieces(receiver(), [before, behind]), whole, "behind byte {cut}");
    }
    if deflate.is_none() {
        oracle::check(role, limits, &wire, &whole);
    }
}

/// Every cut of a stream that is not longer. A fuzzer's may be, and would be slow.
const MOST_CUTS: usize = 512;

fn choose_deflate(source: &mut Source<'_>) -> Option<Agreement> {
    const OFFERS: [&[u8]; 5] = [
        b"",
        b"permessage-deflate",
        b"permessage-deflate; server_max_window_bits=9",
        b"permessage-deflate; client_max_window_bits=8",
        b"permessage-deflate; server_no_context_takeover; client_no_context_takeover",
    ];
    let mut config = Config::default();
    config.server_no_context_takeover = false;
    config.client_no_context_takeover = false;
    config.accept([source.one_of(&OFFERS)])
}

/// The default limits, or such that short inputs reach them.
fn choose_limits(source: &mut Source<'_>) -> Limits {
    let mut limits = Limits::default();
    if source.below(2) == 0 {
        limits.frame_len = 1 << 20;
        limits.message_len = 1 << 20;
    } else {
        limits.frame_len = 40;
        limits.message_len = 60;
        limits.fragments = 5;
        limits.empty_fragments = 2;
    }
    limits
}

/// Frames, with a mask if a server receives them; a byte that asks for it makes the rest raw.
fn stream(receiver: Role, source: &mut Source<'_>) -> Vec<u8> {
    let mut wire = Vec::new();
    loop {
        let first = source.byte();
        if first & 0x70 == 0x70 {
            wire.extend_from_slice(source.clone().rest());
            return wire;
        }
        let payload = source.some(140);
        let header = FrameHeader {
            fin: first & 0x80 != 0,
            rsv: first >> 4 & 0b111,
            opcode: Opcode::from_bits(first),
            mask: (receiver == Role::Server).then_some([first, 0x5a, 0, 0xff]),
            len: payload.len() as u64,
        };
        wire.extend_from_slice(&header.encode());
        let start = wire.len();
        wire.extend_from_slice(payload);
        if let Some(key) = header.mask {
            Mask::new(key).apply(&mut wire[start..]);
        }
        if source.clone().rest().is_empty() {
            return wire;
        }
    }
}
