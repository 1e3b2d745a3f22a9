//! Gobs: a stream means the same however it is cut and whoever reads it, and what was read can be sent.

mod choose;
mod read;

use hijack_gob::{Decoder, Dynamic, Encoder, Limits, Type};

use crate::source::Source;

use choose::{Chosen, type_of, value_of};
use read::{Read, Seen};

/// Control, then any bytes: they are seen in the same way whole, byte by byte, in pieces, and as undecoded values;
/// passing over them finds the same ends; and what was read is the same behind a second encoder and decoder.
///
/// # Panics
/// If that does not hold.
pub fn decode(data: &[u8]) {
    let mut source = Source::new(data);
    let (limits, lengths) = (limits(&mut source), source.some(8));
    check(source.rest(), &limits, lengths);
}

/// The same for a value of a type that exists: control, then the bytes of a value of one of many types, which are
/// defined in front of it.
///
/// # Panics
/// If that does not hold.
pub fn value(data: &[u8]) {
    let mut source = Source::new(data);
    let (limits, lengths) = (limits(&mut source), source.some(8));
    let chosen = source.byte();
    let mut stream = definitions();
    // The first id is 65, as of every encoder of ours; that of the outermost type.
    let id = 65 + chosen % 24;
    let body = [&[0xFF, id * 2][..], source.rest()].concat();
    let len = u16::try_from(body.len().min(60_000)).expect("that much");
    stream.extend_from_slice(&[&[0xFE][..], &len.to_be_bytes(), &body[..len.into()]].concat());
    check(&stream, &limits, lengths);
}

/// Choices of a type and a value of it: it is read as it was written, types are read as they are written, and two
/// values of one type tell it once.
///
/// # Panics
/// If that does not hold.
pub fn encode(choices: &[u8]) {
    let mut source = Source::new(choices);
    let text = type_of(&mut source, 4);
    let ty: Type = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
    let value = Dynamic { value: value_of(&ty, &mut source, Chosen::Whole), ty };
    let (mut encoder, mut stream) = (Encoder::new(), Vec::new());
    let mut lens = [0; 2];
    for len in &mut lens {
        let before = stream.len();
        encoder.encode_dynamic(&value, &mut stream).unwrap_or_else(|error| panic!("{text}: {error}"));
        *len = stream.len() - before;
    }
    assert!(lens[1] <= lens[0], "{text}: a type is told twice");
    let (mut decoder, mut input) = (Decoder::new(), &stream[..]);
    for _ in 0..2 {
        let read: Dynamic = decoder.decode(&mut input).expect("what was written").expect("whole");
        // Compared as texts: a NaN is not equal to itself.
        assert_eq!(format!("{:?}", read.value), format!("{:?}", value.value), "{text}");
    }
    decoder.finish(&input).expect("nothing more");
}

fn check(stream: &[u8], limits: &Limits, lengths: &[u8]) {
    let whole = Read::of(stream, limits, &[255]);
    for lengths in [&[0], lengths] {
        let cut = Read::of(stream, limits, lengths);
        assert_eq!(cut, whole, "cut in pieces of {lengths:?}");
    }
    assert_eq!(Read::by_skipping(stream, limits).items.len(), whole.items.len());
    let (mut encoder, mut again) = (Encoder::new(), Vec::new());
    for item in &whole.items {
        if let Seen::Value(value) = item {
            again.clear();
            match encoder.encode_dynamic(value, &mut again) {
                Ok(()) => {}
                // Of a type of which it has no value, a stream need say nothing.
                Err(error) if error.to_string().contains("has not defined") => continue,
                Err(error) => panic!("{value:?}: {error}"),
            }
            let mut fresh = Vec::new();
            Encoder::new().encode_dynamic(value, &mut fresh).expect("as before");
            let read: Dynamic =
                Decoder::new().decode(&mut &fresh[..]).expect("what was written").expect("whole");
            assert_eq!(format!("{:?}", read.value), format!("{:?}", value.value));
            let _ = value.to_json();
        }
    }
}

/// The default limits, or such that short inputs reach them.
fn limits(source: &mut Source<'_>) -> Limits {
    let mut limits = Limits::default();
    if source.byte() & 1 == 1 {
        limits.message_len = 300;
        limits.types = 40;
        limits.definitions_len = 800;
        limits.fields = 20;
        limits.name_len = 24;
        limits.value_depth = 6;
        limits.type_depth = 4;
        limits.allocation = 4_000;
    }
    limits
}

/// A type for every way in which types are made of others, also of themselves, and no value of any.
fn definitions() -> Vec<u8> {
    const TYPES: &str = "struct{A bool; B int; C uint; D float64; E []byte; F string; G complex128; H any; I []int; \
                         J [2]uint; K map[string]int; L struct{A any; B []struct{C any}}; M []any; N map[int]any; \
                         O time.Time; P [0]struct{}; Q []struct{}; R [][]string; S map[string]map[int]bool; \
                         T []struct{A int; B string; C float64}; U struct{X, Y int}; V []any}";
    let ty: Type = TYPES.parse().expect("a type");
    let mut stream = Vec::new();
    let value = Dynamic { ty, value: hijack_gob::Value::Struct(Vec::new()) };
    Encoder::new().encode_dynamic(&value, &mut stream).expect("a struct of zeros");
    // Its value is the last message, of four bytes.
    stream.truncate(stream.len() - 4);
    stream
}
