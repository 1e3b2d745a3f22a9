//! The gate fed by hand, whole and in pieces.

use std::sync::Arc;

use hijack::{Gate, Passed, Side};
use hijack_proto::ws::{Close, CloseCode, MessageKind, Role};

use super::{Alarm, FrameGate, FrameRules};
use crate::Route;
use crate::calls::{CallsReader, TunnelCalls};
use crate::gate::{OwnFrame, PingMark};
use crate::routes::RouteState;
use crate::tap::Tap;

/// "Hel" and "lo" as fragments with a ping between, a binary message of 126 bytes' header, a Close: unmasked, as a server
/// sends them.
fn stream() -> Vec<u8> {
    let mut bytes = b"\x01\x03Hel\x89\x00\x80\x02lo\x82\x7e\x00\x7e".to_vec();
    bytes.extend_from_slice(&[7; 126]);
    bytes.extend_from_slice(b"\x88\x05\x03\xe8bye");
    bytes
}

fn gate(rules: FrameRules) -> FrameGate {
    FrameGate::new(Role::Client, false, Arc::new(rules))
}

/// What comes out of the gate when `pieces` go in; own frames leave where the relay would ask for them.
fn feed<'b>(gate: &mut FrameGate, pieces: impl IntoIterator<Item = &'b [u8]>) -> Vec<u8> {
    let mut out = Vec::new();
    for piece in pieces {
        while let Some(own) = gate.own() {
            out.extend_from_slice(&own);
        }
        match gate.pass(piece, 1_000) {
            Passed::AsTheyCame => out.extend_from_slice(piece),
            Passed::Changed(bytes) => out.extend_from_slice(&bytes),
        }
    }
    while let Some(own) = gate.own() {
        out.extend_from_slice(&own);
    }
    out
}

fn message() -> OwnFrame {
    OwnFrame::message(Role::Client, MessageKind::Text, b"mine", [0; 4])
}

fn close() -> OwnFrame {
    OwnFrame::close(Role::Client, Close::new(CloseCode::GOING_AWAY), [0; 4], true).expect("legal")
}

#[test]
fn passes_every_byte_as_it_came_and_counts_messages_however_they_are_cut() {
    let stream = stream();
    for split in 1..stream.len() {
        let mut gate = gate(FrameRules::default());
        let out = feed(&mut gate, [&stream[..split], &stream[split..]]);
        assert_eq!(out, stream, "at {split}");
        assert_eq!((gate.counts().messages, gate.counts().illegal), (2, 0));
        let close = gate.passed_close().expect("it has passed").expect("it has a body");
        assert_eq!((close.code, close.reason), (CloseCode::NORMAL, "bye"));
    }
}

/// RFC 6455 §5.4: a message of ours stands between two messages, never within a fragmented one.
#[test]
fn puts_a_message_in_between_two_messages() {
    let stream = stream();
    let behind_first = b"\x01\x03Hel\x89\x00\x80\x02lo".len();
    for split in 1..behind_first {
        let mut gate = gate(FrameRules::default());
        let mut out = feed(&mut gate, [&stream[..split]]);
        gate.put(message()).expect("room");
        out.extend(feed(&mut gate, [&stream[split..]]));
        let mut expected = stream[..behind_first].to_vec();
        expected.extend_from_slice(b"\x81\x04mine");
        expected.extend_from_slice(&stream[behind_first..]);
        assert_eq!(out, expected, "put in at {split}");
        assert_eq!(gate.counts().messages, 2, "ours is not the peer's");
    }
}

#[test]
fn a_message_leaves_at_once_when_nothing_is_under_way() {
    let mut gate = gate(FrameRules::default());
    gate.put(message()).expect("room");
    assert_eq!(gate.own().as_deref(), Some(&b"\x81\x04mine"[..]));
    assert_eq!(gate.own(), None);
}

/// RFC 6455 §5.5.1: nothing follows our Close; it stands at the next edge of a frame.
#[test]
fn a_close_ends_the_direction_at_a_frame_edge() {
    let stream = stream();
    let behind_frame = b"\x01\x03Hel".len();
    for split in 1..behind_frame {
        let mut gate = gate(FrameRules::default());
        let mut out = feed(&mut gate, [&stream[..split]]);
        gate.put(close()).expect("always");
        out.extend(feed(&mut gate, [&stream[split..]]));
        let mut expected = stream[..behind_frame].to_vec();
        expected.extend_from_slice(b"\x88\x02\x03\xe9");
        assert_eq!(out, expected, "closed at {split}");
        assert!(gate.is_muted());
        assert_eq!(gate.blind(), 0, "what is dropped must be seen");
    }
}

/// RFC 6455 §5.2: a length that is not in its shortest form.
#[test]
fn an_illegal_frame_passes_as_it_came_and_ends_the_counting() {
    let mut illegal = b"\x81\x02hi\x82\x7e\x00\x05".to_vec();
    illegal.extend_from_slice(b"\x81\x02hi");
    for split in 1..illegal.len() {
        let mut gate = gate(FrameRules::default());
        let out = feed(&mut gate, [&illegal[..split], &illegal[split..]]);
        assert_eq!(out, illegal, "at {split}");
        assert_eq!((gate.counts().messages, gate.counts().illegal), (1, 1));
        assert_eq!(gate.blind(), u64::MAX);
    }
}

/// RFC 6455 §5.1, §5.2, §5.5: each is one that a client must not get.
#[test]
fn knows_the_law() {
    let frames: [&[u8]; 6] =
        [b"\x81\x82\0\0\0\0hi", b"\xc1\x00", b"\x83\x00", b"\x09\x00", b"\x80\x00", b"\x89\x7e\x00\x7e"];
    for frame in frames {
        let mut gate = gate(FrameRules::default());
        assert_eq!(feed(&mut gate, [frame]), frame);
        assert_eq!(gate.counts().illegal, 1, "{frame:x?}");
    }
}

#[test]
fn extensions_that_are_not_known_pass() {
    let mut gate = gate(FrameRules { is_lenient: true, ..FrameRules::default() });
    let frames = b"\xf1\x02hi\xb3\x01x\x81\x00";
    assert_eq!(feed(&mut gate, [&frames[..]]), frames);
    assert_eq!((gate.counts().messages, gate.counts().illegal), (2, 0));
}

#[test]
fn a_message_beyond_the_limit_is_stopped_in_front_of_its_header() {
    let mut gate = gate(FrameRules { message_len: Some(5), ..FrameRules::default() });
    let fits = b"\x01\x03abc\x80\x02de";
    let does_not = b"\x01\x03abc\x80\x03def\x81\x01x";
    assert_eq!(feed(&mut gate, [&fits[..]]), fits);
    assert_eq!(gate.take_alarm(), None);
    assert_eq!(feed(&mut gate, [&does_not[..]]), b"\x01\x03abc");
    assert_eq!(gate.take_alarm(), Some(Alarm::MessageTooLong { len: 6, limit: 5 }));
    gate.put(close()).expect("always");
    assert_eq!(
        gate.own().as_deref(),
        Some(&b"\x88\x02\x03\xe9"[..]),
        "a fragmented message may be cut off by a Close"
    );
    assert!(gate.is_muted());
}

/// Pongs that answer the gateway stay here; those that answer a peer pass, though they have the same length.
#[test]
fn keeps_its_own_pongs() {
    let mark = PingMark(*b"hijack!!");
    let mut ours = b"\x8a\x10".to_vec();
    ours.extend_from_slice(&mark.payload(7));
    let theirs = b"\x8a\x100123456789abcdef";
    let stream = [&b"\x81\x02hi"[..], &ours, theirs, b"\x81\x02ho"].concat();
    for split in 1..stream.len() {
        let mut gate = gate(FrameRules::default());
        gate.expect_pongs(mark);
        let out = feed(&mut gate, [&stream[..split], &stream[split..]]);
        assert_eq!(out, [&b"\x81\x02hi"[..], theirs, b"\x81\x02ho"].concat(), "at {split}");
    }
}

#[test]
fn what_was_held_back_goes_out_at_the_end() {
    let mut gate = gate(FrameRules::default());
    assert_eq!(feed(&mut gate, [&b"\x82\x7e\x00"[..]]), b"");
    assert_eq!(gate.end().as_deref(), Some(&b"\x82\x7e\x00"[..]));
}

#[test]
fn payload_may_pass_unseen_while_nobody_looks() {
    let mut gate = gate(FrameRules::default());
    assert_eq!(gate.blind(), 0);
    feed(&mut gate, [&b"\x82\x7f\x00\x00\x00\x00\x00\x10\x00\x00abc"[..]]);
    assert_eq!(gate.blind(), (1 << 20) - 3);
    gate.skip((1 << 20) - 4, 1_000);
    assert_eq!((gate.blind(), gate.counts().messages), (1, 0));
    gate.skip(1, 1_000);
    assert_eq!((gate.blind(), gate.counts().messages), (0, 1));
    let tap = Tap::new(16, 16);
    let _watcher = tap.watch();
    gate.set_tap(Some(&tap));
    feed(&mut gate, [&b"\x82\x7f\x00\x00\x00\x00\x00\x10\x00\x00abc"[..]]);
    assert_eq!(gate.blind(), 0, "somebody looks");
}

#[tokio::test]
async fn shows_messages_from_the_next_one_on() {
    let (mut gate, tap) = (gate(FrameRules::default()), Tap::new(4, 16));
    let stream = stream();
    feed(&mut gate, [&stream[..3]]);
    let mut seen = tap.watch();
    gate.set_tap(Some(&tap));
    feed(&mut gate, stream[3..].chunks(3));
    let mut shown = Vec::new();
    while let Ok(message) = seen.try_recv() {
        shown.push((message.opcode.clone(), message.size, message.truncated, message.code));
    }
    let expected = [
        ("ping".to_owned(), 0, false, None),
        ("binary".to_owned(), 126, true, None),
        ("close".to_owned(), 3, true, Some(1000)),
    ];
    assert_eq!(shown, expected);
}

proptest::proptest! {
    /// Whatever a peer sends, legal or not and however it is cut, passes as it came; a gate that is looked through shows
    /// something or nothing, and changes nothing.
    #[test]
    fn whatever_comes_passes_as_it_came(
        bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400),
        cuts in proptest::collection::vec(1_usize..40, 0..40),
        from_client in proptest::bool::ANY,
        is_tapped in proptest::bool::ANY,
    ) {
        let receiver = if from_client { Role::Server } else { Role::Client };
        let mut gate = FrameGate::new(receiver, true, Arc::new(FrameRules::default()));
        gate.expect_pongs(PingMark(*b"not sent"));
        let tap = Tap::new(16, 16);
        let _watcher = tap.watch();
        if is_tapped {
            gate.set_tap(Some(&tap));
        }
        let (mut out, mut rest) = (Vec::new(), &bytes[..]);
        for cut in cuts {
            let (piece, behind) = rest.split_at(cut.min(rest.len()));
            rest = behind;
            if !piece.is_empty() {
                out.extend(feed(&mut gate, [piece]));
            }
        }
        if !rest.is_empty() {
            out.extend(feed(&mut gate, [rest]));
        }
        out.extend_from_slice(&gate.end().unwrap_or_default());
        proptest::prop_assert_eq!(out, bytes);
    }
}

/// A route for gRPC lets other WebSockets pass as well: once it is known of one, its payloads need not be seen any more.
#[test]
fn what_is_no_grpc_is_read_no_longer_than_it_takes_to_know() {
    let route = Route::new("r", "http://h:1".parse().expect("an address"));
    let calls = TunnelCalls::new(RouteState::new(route));
    let mut gate = gate(FrameRules::default());
    gate.set_calls(CallsReader::new(calls.clone(), Side::Server));
    let message = b"\x82\x0bno HTTP/2 !";
    feed(&mut gate, [&message[..4]]);
    assert_eq!(gate.blind(), 0, "it may be");
    feed(&mut gate, [&message[4..], message, b"\x82\x7f\0\0\0\0\0\x01\0\0"]);
    assert_eq!(gate.blind(), 65_536);
    assert!(calls.view(false).lost.is_some());
}
