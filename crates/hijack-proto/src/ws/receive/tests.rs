//! Byte tables and what is read of them, cut at every byte.

use super::*;
use crate::ws::deflate::{Config, Deflater};
use crate::ws::{Assembly, HeaderError, Message};

/// An event that outlives its buffer; a message's pieces are joined.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Seen {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<(u16, String)>),
    Failed(ReceiveError),
}

fn text(text: &str) -> Seen {
    Seen::Text(text.to_owned())
}

fn violates(violation: Violation) -> Seen {
    Seen::Failed(ReceiveError::Violation(violation))
}

fn read(receiver: &mut Receiver, wire: &[u8], step: usize) -> Vec<Seen> {
    let (mut workspace, mut assembly, mut seen) = (Workspace::default(), Assembly::default(), Vec::new());
    for piece in wire.chunks(step) {
        let mut buffer = piece.to_vec();
        let mut input = &mut buffer[..];
        loop {
            let (taken, event) = match receiver.next(input, &mut workspace) {
                Ok(next) => next,
                Err(error) => {
                    assert_eq!(receiver.next(&mut [], &mut workspace), Err(error), "it stays failed");
                    seen.push(Seen::Failed(error));
                    return seen;
                }
            };
            match event {
                Event::NeedInput => {
                    assert_eq!(taken, input.len());
                    break;
                }
                Event::Data(piece) => seen.extend(assembly.push(piece).map(|message| match message {
                    Message::Text(text) => Seen::Text(text.into_owned()),
                    Message::Binary(bytes) => Seen::Binary(bytes.into_owned()),
                })),
                Event::Ping(payload) => seen.push(Seen::Ping(payload.to_vec())),
                Event::Pong(payload) => seen.push(Seen::Pong(payload.to_vec())),
                Event::Close(close) => {
                    seen.push(Seen::Close(close.map(|close| (close.code.get(), close.reason.to_owned()))));
                }
            }
            input = &mut input[taken..];
        }
    }
    seen
}

/// What a client without limits reads of a server's bytes, which is the same for every cut.
fn client(wire: &[u8]) -> Vec<Seen> {
    every_cut(wire, &|| Receiver::new(Role::Client, Limits::default(), None))
}

fn every_cut(wire: &[u8], receiver: &dyn Fn() -> Receiver) -> Vec<Seen> {
    let whole = read(&mut receiver(), wire, wire.len().max(1));
    for step in 1..wire.len().min(300) {
        assert_eq!(read(&mut receiver(), wire, step), whole, "by {step}");
    }
    whole
}

fn deflating(no_context_takeover: bool) -> Agreement {
    let config = Config { server_no_context_takeover: no_context_takeover, ..Config::default() };
    config.accept([&b"permessage-deflate"[..]]).expect("accepted")
}

/// RFC 6455 §5.7.
#[test]
fn reads_the_examples() {
    assert_eq!(client(b"\x81\x05Hello"), [text("Hello")]);
    assert_eq!(client(b"\x01\x03Hel\x80\x02lo"), [text("Hello")]);
    assert_eq!(client(b"\x89\x05Hello\x8a\x00"), [Seen::Ping(b"Hello".into()), Seen::Pong(vec![])]);
    assert_eq!(client(b"\x82\x00\x81\x00"), [Seen::Binary(vec![]), text("")]);
    let masked = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    let server = || Receiver::new(Role::Server, Limits::default(), None);
    assert_eq!(every_cut(&masked.repeat(3), &server), [text("Hello"), text("Hello"), text("Hello")]);
}

/// RFC 6455 §5.4: control frames between fragments come before the message's end.
#[test]
fn gives_out_control_frames_between_fragments() {
    let wire = b"\x01\x01a\x89\x01p\x00\x00\x8a\x01q\x80\x01b\x88\x02\x03\xe8";
    let expected = [
        Seen::Ping(b"p".into()),
        Seen::Pong(b"q".into()),
        text("ab"),
        Seen::Close(Some((1000, String::new()))),
    ];
    assert_eq!(client(wire), expected);
}

/// RFC 6455 §5.5.1.
#[test]
fn reads_closes_and_nothing_behind_them() {
    assert_eq!(client(b"\x88\x00\x81\x05Hello"), [Seen::Close(None)]);
    assert_eq!(client(b"\x88\x05\x0f\xa0bye\xff\xff"), [Seen::Close(Some((4000, "bye".into())))]);
    assert_eq!(client(b"\x88\x01\x03"), [violates(Violation::CloseLength)]);
    let code = violates(Violation::CloseCode(CloseCode::NO_STATUS));
    assert_eq!(client(b"\x88\x02\x03\xed"), [code]);
    assert_eq!(client(b"\x88\x03\x03\xe8\xff"), [violates(Violation::Utf8)]);
}

/// RFC 6455 §5.1 and §5.2, as far as the header shows it.
#[test]
fn fails_at_broken_rules() {
    assert_eq!(client(b"\x81\x81\0\0\0\0a"), [violates(Violation::Masked)]);
    assert_eq!(client(b"\x81\x00\x80\x00"), [text(""), violates(Violation::LoneContinuation)]);
    assert_eq!(client(b"\xc1\x01a"), [violates(Violation::ReservedBits(0b100))]);
    let long_form = Violation::Header(HeaderError::NotMinimal { len: 5 });
    assert_eq!(client(b"\x81\x7e\x00\x05Hello"), [violates(long_form)]);
    assert_eq!(client(b"\x81\x7f\x80"), [violates(Violation::Header(HeaderError::TopBit))]);
    let server = || Receiver::new(Role::Server, Limits::default(), None);
    assert_eq!(every_cut(b"\x81\x01a", &server), [violates(Violation::Unmasked)]);
}

/// RFC 6455 §8.1: with the first bad byte, in a frame that is not at its end.
#[test]
fn fails_at_the_first_byte_that_is_no_text() {
    for wire in [
        &b"\x81\x7fabc\xce\xba\xed\xa0"[..],
        b"\x01\x02\xce\xba\x80\x7f\xed\xa0",
        b"\x01\x01\xed\x80\x7f\xa0",
    ] {
        let mut wire = wire.to_vec();
        let promised = wire.iter().position(|byte| *byte == 0x7f).expect("a length");
        wire[promised] = 100;
        assert_eq!(client(&wire), [violates(Violation::Utf8)]);
        assert_eq!(client(&wire[..wire.len() - 1]), [], "the byte before may still become text");
    }
    assert_eq!(client(b"\x81\x01\xce"), [violates(Violation::Utf8)]);
    assert_eq!(client(b"\x01\x01\xce\x80\x00"), [violates(Violation::Utf8)]);
    assert_eq!(client(b"\x01\x02a\xf0\x00\x01\x9f\x00\x01\x98\x80\x02\x80b"), [text("a\u{1f600}b")]);
    assert_eq!(client(b"\x82\x01\xff"), [Seen::Binary(vec![0xff])], "bytes may be anything");
}

#[test]
fn stops_at_its_limits_and_not_before() {
    let limits = Limits { frame_len: 6, message_len: 8, fragments: 3, empty_fragments: 1 };
    let limited = |wire: &[u8]| every_cut(wire, &|| Receiver::new(Role::Client, limits, None));
    let failed = |error| vec![Seen::Failed(error)];
    assert_eq!(limited(b"\x81\x06Hello!"), [text("Hello!")]);
    assert_eq!(limited(b"\x81\x07Hello!!"), failed(ReceiveError::FrameTooLong { len: 7, limit: 6 }));
    assert_eq!(limited(b"\x01\x04Hell\x80\x04o!!!"), [text("Hello!!!")]);
    assert_eq!(limited(b"\x01\x04Hell\x80\x05"), failed(ReceiveError::MessageTooLong { len: 9, limit: 8 }));
    assert_eq!(limited(b"\x01\x01a\x00\x01b\x80\x01c"), [text("abc")]);
    let fragments = failed(ReceiveError::TooManyFragments { limit: 3 });
    assert_eq!(limited(b"\x01\x01a\x00\x01b\x00\x01c\x80\x01d"), fragments);
    assert_eq!(limited(b"\x01\x00\x00\x01b\x80\x00"), [text("b")]);
    assert_eq!(limited(b"\x01\x00\x00\x00"), failed(ReceiveError::TooManyEmptyFragments { limit: 1 }));
    let none = Limits { frame_len: u64::MAX, message_len: u64::MAX, ..limits };
    let huge = b"\x02\x7f\x7f\xff\xff\xff\xff\xff\xff\xff";
    assert_eq!(every_cut(huge, &|| Receiver::new(Role::Client, none, None)), []);
}

/// RFC 6455 §7.4.1.
#[test]
fn tells_why_it_failed() {
    assert_eq!(ReceiveError::MessageTooLong { len: 2, limit: 1 }.close_code(), CloseCode::TOO_BIG);
    assert_eq!(ReceiveError::TooManyFragments { limit: 1 }.close_code(), CloseCode::POLICY);
    assert_eq!(ReceiveError::from(Violation::Utf8).close_code(), CloseCode::INVALID_PAYLOAD);
    let text = ReceiveError::FrameTooLong { len: 7, limit: 6 }.to_string();
    assert_eq!(text, "frame of 7 bytes exceeds the limit 6");
}

/// RFC 7692 §7.2.3, also fragmented, mixed with plain messages and with a ping between.
#[test]
fn inflates_messages() {
    let wire = b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00\x41\x03\xf2\x48\xcd\x89\x00\x80\x04\xc9\xc9\x07\x00\
                 \x81\x02hi\xc1\x01\x00";
    let expected = [text("Hello"), Seen::Ping(vec![]), text("Hello"), text("hi"), text("")];
    for no_context_takeover in [true, false] {
        let agreement = deflating(no_context_takeover);
        let receiver = || Receiver::new(Role::Client, Limits::default(), Some(&agreement));
        assert_eq!(every_cut(wire, &receiver), expected);
    }
    let receiver = || Receiver::new(Role::Client, Limits::default(), Some(&deflating(false)));
    let second = b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00\xc1\x05\xf2\x00\x11\x00\x00";
    assert_eq!(every_cut(second, &receiver), [text("Hello"), text("Hello")]);
}

/// RFC 7692 §6 and §7.2.2.
#[test]
fn fails_at_broken_compression() {
    let receiver = || Receiver::new(Role::Client, Limits::default(), Some(&deflating(true)));
    assert_eq!(every_cut(b"\xc1\x03\xff\xff\xff", &receiver), [violates(Violation::Deflate)]);
    assert_eq!(every_cut(b"\x41\x01\xf2\xc0\x00", &receiver), [violates(Violation::MisplacedRsv1)]);
    assert_eq!(every_cut(b"\xc9\x00", &receiver), [violates(Violation::MisplacedRsv1)]);
    let bad_text = b"\xc1\x08\x00\x02\x00\xfd\xff\xed\xa0\x00";
    assert_eq!(every_cut(bad_text, &receiver), [violates(Violation::Utf8)]);
}

fn compressed(message: &[u8]) -> Vec<u8> {
    let (mut payload, mut wire) = (Vec::new(), Vec::new());
    Deflater::new(15, 6).deflate(message, true, &mut payload);
    let header =
        FrameHeader { rsv: FrameHeader::RSV1, ..FrameHeader::new(Opcode::BINARY, payload.len() as u64) };
    wire.extend_from_slice(&header.encode());
    wire.extend_from_slice(&payload);
    wire
}

/// RFC 7692 §8: the inflated length counts, while it is inflated; exactly at the limit is no offence.
#[test]
fn limits_what_is_inflated() {
    for len in [10, 65_535, 65_536, 65_537, 300_000] {
        let limit = len as u64;
        let limits = Limits { message_len: limit, ..Limits::default() };
        let fits = compressed(&vec![7; len]);
        let receiver = || Receiver::new(Role::Client, limits, Some(&deflating(true)));
        assert_eq!(read(&mut receiver(), &fits, 50), [Seen::Binary(vec![7; len])]);
        let long = compressed(&vec![7; len + 1]);
        let failed = [Seen::Failed(ReceiveError::MessageTooLong { len: limit + 1, limit })];
        assert_eq!(read(&mut receiver(), &long, 50), failed);
    }
}

/// What does not fit into the workspace is given out later, and the masked rest stays as it came.
#[test]
fn leaves_masked_input_as_it_came() {
    let key = [9, 8, 7, 6];
    let plain = compressed(&vec![0; 1 << 20]);
    let (header, len) = FrameHeader::parse(&plain).expect("legal").expect("whole");
    let mut wire = FrameHeader { mask: Some(key), ..header }.encode().to_vec();
    let start = wire.len();
    wire.extend_from_slice(&plain[len..]);
    Mask::new(key).apply(&mut wire[start..]);
    let sent = wire.clone();
    let agreement = Config::default().accept([&b"permessage-deflate"[..]]).expect("accepted");
    let mut receiver = Receiver::new(Role::Server, Limits::default(), Some(&agreement));
    let (mut workspace, mut at, mut total) = (Workspace::default(), 0, 0);
    loop {
        let (taken, event) = receiver.next(&mut wire[at..], &mut workspace).expect("legal");
        at += taken;
        let Event::Data(Piece { payload: Payload::Binary(bytes), last, .. }) = event else {
            panic!("{event:?}")
        };
        total += bytes.len();
        assert!(wire[at..] == sent[at..]);
        if last {
            break;
        }
    }
    assert_eq!((at, total), (wire.len(), 1 << 20));
}

/// Nothing large is held between messages, with compression or without.
#[test]
fn holds_little_while_idle() {
    assert!(size_of::<Receiver>() <= 512, "{}", size_of::<Receiver>());
    let (mut workspace, agreement) = (Workspace::default(), deflating(true));
    let mut receiver = Receiver::new(Role::Client, Limits::default(), Some(&agreement));
    let mut wire = *b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00";
    let (taken, event) = receiver.next(&mut wire, &mut workspace).expect("legal");
    assert!(matches!(event, Event::Data(Piece { payload: Payload::Text("Hello"), first: true, last: true })));
    assert_eq!(taken, wire.len());
    assert!(receiver.inflater.is_none());
}
