//! The properties of the fuzz targets without a fuzzer: over random streams that look like HTTP, and over every
//! file of the fuzz corpus. Above all: the same events however the bytes are cut (RFC 9112 says nothing of
//! pieces, so no meaning may depend on them).

use std::path::Path;

use hijack_properties::{ALL, Property};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Words that streams of requests and answers are made of, whole and broken.
const WORDS: [&[u8]; 44] = [
    b"GET / HTTP/1.1\r\n",
    b"POST /a HTTP/1.1\r\n",
    b"HEAD / HTTP/1.0\r\n",
    b"CONNECT a:1 HTTP/1.1\r\n",
    b"OPTIONS * HTTP/1.1\n",
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"HTTP/1.0 404 \r\n",
    b"HTTP/1.1 204\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    b"Host: a\r\n",
    b"Host: [::1]:80\r\n",
    b"Connection: close\r\n",
    b"Connection: keep-alive, upgrade\r\n",
    b"Upgrade: websocket, h2c\r\n",
    b"Content-Length: 5\r\n",
    b"Content-Length: 18446744073709551616\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: gzip, chunked\r\n",
    b"Expect: 100-continue\r\n",
    b"Trailer: x\r\n",
    b"X: \xe9\t\r\n",
    b"\r\n",
    b"\n",
    b"\r",
    b"\r\n\r\n",
    b"hello",
    b"5\r\nhello\r\n",
    b"5;a=\"b\\\"\"\r\nhello\r\n",
    b"3\r\n",
    b"0\r\n",
    b"0\r\n\r\n",
    b"0\r\nA: b\r\n\r\n",
    b"7fffffffffffffff\r\n",
    b", ,",
    b" ",
    b"\0",
];

/// The bytes in front that a property reads as control, and words mixed with arbitrary bytes behind them.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        9 => select(&WORDS[..]).prop_map(<[u8]>::to_vec),
        1 => vec(any::<u8>(), 1..4),
    ];
    (vec(any::<u8>(), 0..16), vec(word, 0..14))
        .prop_map(|(control, words)| [control, words.concat()].concat())
}

/// Control in the right places for the session properties, so that the words are whole.
fn session_stream() -> impl Strategy<Value = Vec<u8>> {
    let some = || vec(any::<u8>(), 0..=8);
    (any::<u8>(), some(), some(), stream()).prop_map(|(limits, script, lengths, words)| {
        let length = |bytes: &[u8]| u8::try_from(bytes.len()).expect("at most eight");
        let control = [&[limits, length(&script)], &script[..], &[length(&lengths)], &lengths[..]].concat();
        let start = words.iter().position(u8::is_ascii_uppercase).unwrap_or_default();
        [&control, &words[start..]].concat()
    })
}

/// Words of opening handshakes, whole and broken.
const OPENINGS: [&[u8]; 22] = [
    b"GET /chat HTTP/1.1\r\nHost: a\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\n",
    b"Upgrade: websocket\r\n",
    b"Connection: keep-alive, Upgrade\r\n",
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
    b"Sec-WebSocket-Version: 13\r\n",
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n",
    b"Sec-WebSocket-Protocol: chat\r\n",
    b"Sec-WebSocket-Protocol: v1, v2\r\n",
    b"Sec-WebSocket-Extensions: permessage-deflate\r\n",
    b"Sec-WebSocket-Extensions: x; y=\"z\"\r\n",
    b"Origin: http://a\r\n",
    b"permessage-deflate",
    b"; server_no_context_takeover",
    b"; client_no_context_takeover",
    b"; server_max_window_bits=",
    b"; client_max_window_bits",
    b"=\"12\"",
    b"9",
    b", ",
    b"\n",
    b"unknown",
];

/// A whole request or answer, with more lines behind the necessary ones.
fn opening() -> impl Strategy<Value = Vec<u8>> {
    let start = select(vec![[0, 2, 3, 4, 5], [1, 2, 3, 6, 7], [0, 2, 3, 4, 11]]);
    let more = vec(select(&OPENINGS[2..12]), 0..4);
    (start, more).prop_map(|(start, more)| {
        let start = start.map(|word| OPENINGS[word]).concat();
        [&start[..], &more.concat(), b"\r\n"].concat()
    })
}

/// Pieces of JSON, whole and broken.
const JSON: [&[u8]; 26] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\"a\"",
    b"\"method\":",
    b"\"\\u00e9\\\"\"",
    b"\"\\x",
    b"0",
    b"-",
    b"12",
    b".5",
    b"e+3",
    b"E",
    b"true",
    b"fals",
    b"null",
    b" ",
    b"\n",
    b"\xff",
    b"\"",
    b"{}",
    b"[1]",
    b"{\"a\":1}",
];

fn json() -> impl Strategy<Value = Vec<u8>> {
    vec(select(&JSON[..]), 0..24).prop_map(|words| [&[0, 2, 3, 0], &words.concat()[..]].concat())
}

fn property(target: &str) -> Property {
    ALL.into_iter().find(|(name, _)| *name == target).expect("a target").1
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn server_says_the_same_however_the_stream_is_cut(stream in session_stream()) {
        property("server_session")(&stream);
    }

    #[test]
    fn client_says_the_same_however_the_stream_is_cut(stream in session_stream()) {
        property("client_session")(&stream);
    }

    #[test]
    fn chunked_body_is_the_same_however_it_is_cut(stream in stream()) {
        property("chunked")(&stream);
    }

    #[test]
    fn json_values_are_found_however_they_are_cut(stream in json()) {
        property("rpc_json")(&stream);
    }

    #[test]
    fn messagepack_values_are_found_however_they_are_cut(stream in vec(any::<u8>(), 0..64)) {
        property("rpc_msgpack")(&stream);
    }

    #[test]
    fn heads_mean_the_same_written_again(words in vec(select(&WORDS[..]), 1..6)) {
        let head = words.concat();
        property("request_head")(&head);
        property("response_head")(&head);
        property("tokens")(&head);
    }

    #[test]
    fn each_role_reads_what_the_other_wrote(choices in vec(any::<u8>(), 0..200)) {
        property("encode")(&choices);
    }

    #[test]
    fn frame_edges_are_the_same_however_the_stream_is_cut(stream in vec(any::<u8>(), 0..200)) {
        property("ws_header")(&stream);
    }

    #[test]
    fn messages_are_the_same_however_the_stream_is_cut_and_as_tungstenite_sees_them(
        choices in vec(any::<u8>(), 0..300),
    ) {
        property("ws_receive")(&choices);
    }

    #[test]
    fn calls_are_the_same_however_the_streams_are_cut(
        control in any::<u8>(),
        frames in vec((any::<bool>(), 0..10u8, any::<u8>(), 0..6u8, vec(any::<u8>(), 0..40)), 0..12),
    ) {
        let mut said = vec![control];
        for (is_server, kind, flags, stream, payload) in frames {
            let len = u8::try_from(payload.len()).expect("a short one");
            said.push((len + 9) << 1 | u8::from(is_server));
            said.extend([0, 0, len, kind, flags, 0, 0, 0, stream]);
            said.extend(payload);
        }
        property("grpc_calls")(&said);
    }

    #[test]
    fn messages_arrive_as_they_were_sent(choices in vec(any::<u8>(), 0..300)) {
        property("ws_deflate")(&choices);
    }

    #[test]
    fn frames_are_the_same_however_the_stream_is_cut(
        control in vec(any::<u8>(), 0..9),
        frames in vec((0..5u8, 0..400u16, any::<u8>()), 0..6),
        cut in 0..20usize,
    ) {
        let frame = |(stream, len, byte): (u8, u16, u8)| {
            let [high, low] = len.to_be_bytes();
            [&[stream, 0, 0, 0, 0, 0, high, low][..], &vec![byte; len.into()]].concat()
        };
        let stream = frames.into_iter().flat_map(frame).collect::<Vec<_>>();
        let lengths = u8::try_from(control.len().saturating_sub(1)).expect("at most eight");
        let first = control.first().copied().unwrap_or_default();
        let control = [&[first, lengths], control.get(1..).unwrap_or_default()].concat();
        property("stream_frames")(&[&control, &stream[..stream.len().saturating_sub(cut)]].concat());
    }

    #[test]
    fn detach_keys_are_found_where_they_first_stand(
        keys in "[ab](,[ab]){0,5}",
        typed in vec(select(&b"aab"[..]), 0..40),
    ) {
        property("stream_detach")(&[keys.as_bytes(), b"\n", &typed].concat());
    }

    #[test]
    fn opening_handshakes_hold(head in opening()) {
        property("ws_handshake")(&head);
    }

    #[test]
    fn compression_is_agreed_as_it_was_offered(
        control in any::<[u8; 4]>(),
        words in vec(select(&OPENINGS[12..]), 0..9),
    ) {
        property("ws_negotiate")(&[&control, &words.concat()[..]].concat());
    }
}

/// What a fuzzer found once stays found, with any toolchain.
#[test]
fn every_file_of_the_fuzz_corpus_holds() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    for (target, property) in ALL {
        let folder = corpus.join(target);
        let mut files = 0;
        for entry in std::fs::read_dir(&folder).expect("a corpus for each target") {
            let path = entry.expect("a readable folder").path();
            println!("{}", path.display()); // shown if it fails
            property(&std::fs::read(&path).expect("a readable file"));
            files += 1;
        }
        assert!(files > 0, "{target} has no corpus");
    }
}
