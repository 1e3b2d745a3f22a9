//! Every stream of Go's, whatever its type: read, skipped, cut, and sent back.

use bytes::BytesMut;
use hijack_gob::{Decoder, Dynamic, Encoder};
use hijack_interop::gob::{Judge, from_hex, to_hex};
use serde::de::IgnoredAny;

use crate::decode;
use crate::show::show;

/// Every kind of value at least once: name, stream, and the value as Go sees it.
fn streams(judge: &mut Judge) -> Vec<(String, Vec<u8>, String)> {
    judge.tell("streams");
    let parse = |line: &String| {
        let mut words = line.splitn(3, ' ');
        let mut word = || words.next().expect("three words").to_owned();
        (word(), from_hex(&word()), word())
    };
    let streams: Vec<_> = judge.hear_all().iter().map(parse).collect();
    assert!(streams.len() >= 34, "{}", streams.len());
    streams
}

#[test]
fn reads_what_go_wrote_as_go_reads_it() {
    let Some(mut judge) = Judge::start() else { return };
    for (name, stream, shown) in streams(&mut judge) {
        let value: Dynamic = decode(&stream).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(show(&value.value), shown, "{name}");
    }
}

#[test]
fn go_reads_its_own_values_from_us() {
    let Some(mut judge) = Judge::start() else { return };
    for (name, stream, _) in streams(&mut judge) {
        let value: Dynamic = decode(&stream).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut ours = Vec::new();
        Encoder::new().encode_dynamic(&value, &mut ours).unwrap_or_else(|error| panic!("{name}: {error}"));
        judge.tell(&format!("check {name} {}", to_hex(&ours)));
        assert_eq!(judge.hear(), "ok", "{name}");
    }
}

/// Types that a skipped value introduces are known behind it, also where its message is cut in the middle.
#[test]
fn passes_over_what_go_wrote() {
    let Some(mut judge) = Judge::start() else { return };
    for (name, stream, _) in streams(&mut judge) {
        decode::<IgnoredAny>(&stream).unwrap_or_else(|error| panic!("{name}: {error}"));
        // The three bytes of the integer 3 stand behind it.
        let stream = [&stream[..], &[0x03, 0x04, 0x00, 0x06]].concat();
        let (mut decoder, mut input) = (Decoder::new(), &stream[..]);
        assert_eq!(decoder.skip(&mut input).unwrap(), Some(()), "{name}");
        assert_eq!(decoder.decode(&mut input).unwrap(), Some(3), "{name}");
    }
}

#[test]
fn reads_go_byte_by_byte() {
    let Some(mut judge) = Judge::start() else { return };
    for (name, stream, shown) in streams(&mut judge).into_iter().filter(|(_, stream, _)| stream.len() < 5_000)
    {
        let (mut decoder, mut input) = (Decoder::new(), BytesMut::new());
        for (at, byte) in stream.iter().enumerate() {
            input.extend_from_slice(&[*byte]);
            let value =
                decoder.decode::<Dynamic>(&mut input).unwrap_or_else(|error| panic!("{name}: {error}"));
            match value {
                Some(value) => {
                    assert_eq!(at + 1, stream.len(), "{name}");
                    assert_eq!(show(&value.value), shown, "{name}");
                }
                None => assert!(at + 1 < stream.len(), "{name}"),
            }
        }
    }
}
