//! Sender and receiver with different types: what Go makes of it, and we.

use hijack_gob::Decoder;
use hijack_interop::gob::{Judge, from_hex};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fmt::Debug;

use crate::decode;

/// A struct of Rust for each target of `gob/drift.go`.
macro_rules! targets {
    ($($name:ident { $($field:ident: $ty:ty),* })*) => {$(
        #[derive(Deserialize, Clone, Debug, Default, PartialEq)]
        #[serde(rename_all = "PascalCase")]
        struct $name { $($field: $ty),* }
    )*};
}

targets! {
    Point { x: i64, y: i64 }
    OnlyA { a: i64 }
    OnlyB { b: i64 }
    More { a: i64, b: String, c: Point, d: Vec<i64> }
    Reordered { b: String, a: i64 }
    Empty {}
    Ints { a: i64, b: i64 }
    ListAsText { a: i64, b: String }
    Unsigned { a: u64 }
    Float { a: f64 }
    Single { a: f32 }
    Text { a: String }
    Bytes { a: hijack_gob::ByteBuf }
    Narrow { a: i8 }
    NarrowUnsigned { a: u8 }
    Array2 { a: [i64; 2] }
    Array3 { a: [i64; 3] }
    Structure { a: Point }
    WrongPoint { x: i64, y: String }
    WrongPoints { a: Vec<WrongPoint> }
    UnsignedX { x: u64 }
    WrongMap { a: BTreeMap<String, UnsignedX> }
    OtherPoint { x: i64, z: String }
    OtherPoints { a: Vec<OtherPoint> }
    Foreign { z: String }
    Foreigners { a: Vec<Foreign> }
    Pointers { a: Option<i64>, b: Option<Point> }
    Values { a: i64, b: Point }
    Held { a: Kept }
    X { x: i64 }
}

/// What the target of an interface may hold.
#[derive(Deserialize, Clone, Debug, PartialEq)]
enum Kept {
    #[serde(rename = "main.Kept", alias = "main.KeptOther", alias = "main.KeptEmpty")]
    X(X),
    #[serde(rename = "main.KeptOthers")]
    List(Vec<X>),
    #[serde(rename = "main.KeptAll")]
    Empty(Empty),
}

impl Default for Kept {
    fn default() -> Self {
        Self::Empty(Empty::default())
    }
}

/// What we make of it: the value as Rust shows it, or the error.
fn ours<T: DeserializeOwned + Debug + 'static>(stream: &[u8]) -> Result<String, String> {
    decode::<T>(stream).map(|value| format!("{value:?}")).map_err(|error| {
        assert!(!error.is_fatal(), "{error}");
        error.to_string()
    })
}

type Case = (&'static str, fn(&[u8]) -> Result<String, String>, Result<&'static str, &'static str>);

const CASES: [Case; 39] = [
    ("same", ours::<OnlyA>, Ok("OnlyA { a: 1 }")),
    ("extra", ours::<OnlyA>, Ok("OnlyA { a: 1 }")),
    ("missing", ours::<More>, Ok("More { a: 1, b: \"\", c: Point { x: 0, y: 0 }, d: [] }")),
    ("reordered", ours::<Reordered>, Ok("Reordered { b: \"b\", a: 1 }")),
    (
        "none_in_common",
        ours::<OnlyB>,
        Err("no fields match: the stream has struct {A}, the target struct OnlyB{B}"),
    ),
    ("empty_sent", ours::<OnlyB>, Ok("OnlyB { b: 0 }")),
    ("empty_target", ours::<Empty>, Ok("Empty")),
    ("wrong_type", ours::<Ints>, Err("B: the stream has string, the target i64")),
    ("wrong_type_absent", ours::<Ints>, Err("B: the stream has string, the target i64")),
    ("wrong_type_list_absent", ours::<ListAsText>, Err("B: the stream has []string, the target string")),
    ("int_to_uint", ours::<Unsigned>, Err("A: the stream has int, the target u64")),
    ("uint_to_int", ours::<OnlyA>, Err("A: the stream has uint, the target i64")),
    ("int_to_float", ours::<Float>, Err("A: the stream has int, the target f64")),
    ("bytes_to_string", ours::<Text>, Err("A: the stream has []byte, the target a string")),
    ("string_to_bytes", ours::<Bytes>, Err("A: the stream has string, the target bytes")),
    ("width_fits", ours::<Narrow>, Ok("Narrow { a: 127 }")),
    ("width_int", ours::<Narrow>, Err("A: 128 is out of the range of i8")),
    ("width_uint", ours::<NarrowUnsigned>, Err("A: 300 is out of the range of u8")),
    ("float_rounded", ours::<Single>, Ok("Single { a: 0.1 }")),
    ("array_len", ours::<Array3>, Err("A: the stream has [2]int, the target an array of 3")),
    ("slice_to_array", ours::<Array2>, Err("A: the stream has []int, the target an array of 2")),
    ("struct_to_int", ours::<OnlyA>, Err("A: the stream has struct Point, the target i64")),
    ("int_to_struct", ours::<Structure>, Err("A: the stream has int, the target struct Point")),
    ("nested", ours::<WrongPoints>, Err("A[0].Y: the stream has int, the target a string")),
    ("nested_in_map", ours::<WrongMap>, Err("A[].X: the stream has int, the target u64")),
    ("nested_extra", ours::<OtherPoints>, Ok("OtherPoints { a: [OtherPoint { x: 1, z: \"\" }] }")),
    ("nested_none_in_common", ours::<Foreigners>, Ok("Foreigners { a: [Foreign { z: \"\" }] }")),
    ("value_to_pointer", ours::<Pointers>, Ok("Pointers { a: Some(1), b: Some(Point { x: 2, y: 3 }) }")),
    ("pointer_to_value", ours::<Values>, Ok("Values { a: 1, b: Point { x: 0, y: 0 } }")),
    ("map_to_struct", ours::<OnlyA>, Err("the stream has map[string]int, the target struct OnlyA")),
    ("int_to_string", ours::<String>, Err("the stream has int, the target a string")),
    ("slice_elem", ours::<Vec<u64>>, Err("[0]: the stream has int, the target u64")),
    ("held", ours::<Held>, Ok("Held { a: X(X { x: 1 }) }")),
    (
        "held_none_in_common",
        ours::<Held>,
        Err("A: no fields match: the stream has struct SentOther{Y}, the target struct X{X}"),
    ),
    (
        "held_none_in_common_zero",
        ours::<Held>,
        Err("A: no fields match: the stream has struct SentOther{Y}, the target struct X{X}"),
    ),
    ("held_list_none_in_common", ours::<Held>, Ok("Held { a: List([X { x: 0 }]) }")),
    ("held_empty_sent", ours::<Held>, Ok("Held { a: X(X { x: 0 }) }")),
    ("held_empty_target", ours::<Held>, Ok("Held { a: Empty(Empty) }")),
    ("width_float", ours::<Single>, Err("A: 1e300 is out of the range of f32")),
];

#[test]
fn types_that_differ_are_met_by_gos_rules() {
    let Some(mut judge) = Judge::start() else { return };
    judge.tell("drift");
    let lines = judge.hear_all();
    assert_eq!(lines.len(), CASES.len());
    for line in lines {
        let words: Vec<&str> = line.splitn(3, ' ').collect();
        let (name, stream, verdict) = (words[0], from_hex(words[1]), words[2]);
        let (_, decode, expected) = CASES.iter().find(|(other, ..)| *other == name).expect(name);
        let got = decode(&stream);
        assert_eq!(got.as_deref().map_err(String::as_str), *expected, "{name}; Go: {verdict}");
        assert_eq!(got.is_err(), verdict.starts_with("error "), "{name}; Go: {verdict}");
        if name == "wrong_type" {
            the_next_value_is_read(&stream);
        }
    }
}

fn the_next_value_is_read(stream: &[u8]) {
    let stream = [stream, &[0x03, 0x04, 0x00, 0x06]].concat();
    let (mut decoder, mut input) = (Decoder::new(), &stream[..]);
    decoder.decode::<Ints>(&mut input).expect_err("types that do not fit");
    assert_eq!(decoder.decode(&mut input).expect("an integer"), Some(3));
}
