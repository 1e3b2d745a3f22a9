//! Streams from both ends of the public API: what one writes the other reads, however it is cut.

use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::BytesMut;
use hijack_gob::{
    Any, BigInt, ByteBuf, Complex, DecodeError, DecodeErrorKind, Decoder, EncodeError, EncodeErrorKind,
    Encoder, GoString, GoType, Gob, Input, Limits, Registry, Time, Writer, Zone,
};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

/// The documentation of encoding/gob: the type, and Point{22, 33}.
const POINT: &[u8] =
    b"\x1f\xff\x81\x03\x01\x01\x05Point\x01\xff\x82\x00\x01\x02\x01\x01X\x01\x04\x00\x01\x01Y\x01\
    \x04\x00\x00\x00\x07\xff\x82\x01\x2c\x01\x42\x00";

#[derive(Gob, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "PascalCase")]
struct Point {
    x: i64,
    y: i64,
}

#[derive(Gob, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "PascalCase")]
struct Everything {
    bool: bool,
    int: i8,
    uint: u64,
    float: f32,
    complex: Complex,
    text: String,
    any_text: GoString,
    bytes: ByteBuf,
    list: Vec<u8>,
    points: Vec<Point>,
    array: [u8; 4],
    floats: [f64; 2],
    map: HashMap<String, i32>,
    maybe: Option<BTreeMap<i64, Vec<String>>>,
    pointer: Option<Box<Everything>>,
    boxed: Box<Point>,
    time: Time,
    big: Option<BigInt>,
    rune: char,
}

fn everything() -> Everything {
    Everything {
        bool: true,
        int: -128,
        uint: u64::MAX,
        float: -0.5,
        complex: Complex { re: 1.5, im: -0.0 },
        text: "hëllo".into(),
        any_text: GoString(vec![0xFF, 0]),
        bytes: ByteBuf(vec![7; 300]),
        list: vec![1, 2, 3],
        points: vec![Point { x: 1, y: 0 }, Point::default()],
        array: [0, 1, 2, 255],
        floats: [f64::INFINITY, 0.0],
        map: HashMap::from([("a".into(), 1), (String::new(), 0)]),
        maybe: Some(BTreeMap::from([(-1, vec!["x".into(), String::new()])])),
        pointer: Some(Box::new(Everything { int: 1, ..Everything::default() })),
        boxed: Box::new(Point { x: 0, y: 9 }),
        time: Time::from_unix(1_700_000_000, 5, Zone::Offset(3600)),
        big: Some(BigInt::from(i128::MIN)),
        rune: '√',
    }
}

fn encoded(value: &(impl Gob + ?Sized)) -> Vec<u8> {
    let mut stream = Vec::new();
    Encoder::new().encode(value, &mut stream).expect("it can be sent");
    stream
}

fn decoded<T: DeserializeOwned>(mut stream: &[u8]) -> Result<T, DecodeError> {
    let mut decoder = Decoder::new();
    let value = decoder.decode(&mut stream)?.expect("the value is whole");
    decoder.finish(&stream).map(|()| value)
}

#[test]
fn writes_what_the_documentation_shows() {
    assert_eq!(encoded(&Point { x: 22, y: 33 }), POINT);
    assert_eq!(decoded::<Point>(POINT).unwrap(), Point { x: 22, y: 33 });
    assert_eq!(encoded(&3_i64), [0x03, 0x04, 0x00, 0x06]);
    assert_eq!(decoded::<i32>(&[0x03, 0x04, 0x00, 0x06]).unwrap(), 3);
}

#[test]
fn every_kind_comes_back() {
    let value = everything();
    assert_eq!(decoded::<Everything>(&encoded(&value)).unwrap(), value);
    let zero = Everything::default();
    assert_eq!(decoded::<Everything>(&encoded(&zero)).unwrap(), zero);
}

#[test]
fn lists_of_strings_of_any_length_come_back() {
    for longest in [0, 7, 8, 16, 17, 32, 33, 127, 128, 300] {
        let list: Vec<String> = (0..=longest).map(|len| "é".repeat(len / 2) + &"x".repeat(len % 2)).collect();
        assert_eq!(decoded::<Vec<String>>(&encoded(&list)).unwrap(), list);
    }
}

#[test]
fn a_string_that_is_not_utf8_is_found_among_others() {
    for (at, bytes) in [(0, &[0xFF_u8][..]), (9, &[0xC3]), (19, &[0xA9])] {
        let mut list = vec![GoString::from("é"); 20];
        list[at] = GoString(bytes.to_vec());
        let error = decoded::<Vec<String>>(&encoded(&list)).unwrap_err();
        assert_eq!(error.to_string(), format!("[{at}]: {}", DecodeErrorKind::NotUtf8));
    }
}

#[test]
fn a_type_is_sent_once() {
    let (mut encoder, mut stream) = (Encoder::new(), Vec::new());
    encoder.encode(&Point { x: 1, y: 2 }, &mut stream).unwrap();
    let first = stream.len();
    encoder.encode(&Point { x: 3, y: 4 }, &mut stream).unwrap();
    assert_eq!(stream.len() - first, 8);
    let (mut decoder, mut input) = (Decoder::new(), &stream[..]);
    assert_eq!(decoder.decode(&mut input).unwrap(), Some(Point { x: 1, y: 2 }));
    assert_eq!(decoder.decode(&mut input).unwrap(), Some(Point { x: 3, y: 4 }));
    assert_eq!(decoder.decode::<Point>(&mut input).unwrap(), None);
    decoder.finish(&input).unwrap();
}

#[test]
fn waits_for_the_last_byte_of_a_value() {
    let stream = encoded(&everything());
    let (mut decoder, mut input) = (Decoder::new(), BytesMut::new());
    for (at, byte) in stream.iter().enumerate() {
        input.extend_from_slice(&[*byte]);
        let value = decoder.decode::<Everything>(&mut input).unwrap();
        assert_eq!(value.is_some(), at + 1 == stream.len(), "byte {at}");
        assert_eq!(decoder.finish(&input).is_ok(), input.is_empty() || value.is_some(), "byte {at}");
    }
}

#[test]
fn a_failed_value_leaves_encoder_and_output_as_they_were() {
    let (mut encoder, mut stream) = (Encoder::new(), vec![9]);
    let broken: Vec<Option<Point>> = vec![Some(Point::default()), None];
    let error = encoder.encode(&broken, &mut stream).unwrap_err();
    assert_eq!(*error.kind(), EncodeErrorKind::Nil);
    assert_eq!(stream, [9]);
    stream.clear();
    encoder.encode(&Point { x: 22, y: 33 }, &mut stream).unwrap();
    assert_eq!(stream, POINT);
}

/// A value that panics behind a type that its receiver has not been told yet.
struct Panicking;

impl Gob for Panicking {
    fn go_type() -> GoType {
        <Vec<Point>>::go_type()
    }

    fn is_zero(&self) -> bool {
        false
    }

    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.list(2, [Point { x: 1, y: 2 }])?;
        panic!("the value's own");
    }
}

#[test]
fn a_value_that_panics_leaves_encoder_and_output_as_they_were() {
    let (mut encoder, mut stream) = (Encoder::new(), vec![9]);
    let attempt = AssertUnwindSafe(|| encoder.encode(&Panicking, &mut stream));
    catch_unwind(attempt).expect_err("it panics");
    assert_eq!(stream, [9]);
    stream.clear();
    encoder.encode(&Point { x: 22, y: 33 }, &mut stream).unwrap();
    assert_eq!(stream, POINT);
}

#[derive(Gob, Deserialize, Debug, PartialEq)]
#[gob(interface)]
enum Shape {
    #[serde(rename = "main.Point")]
    Point(Point),
    #[serde(rename = "int")]
    Number(i64),
}

#[derive(Gob, Deserialize, Debug, PartialEq)]
#[serde(rename_all = "PascalCase")]
struct Shapes {
    shapes: Vec<Option<Shape>>,
}

#[test]
fn an_interface_is_an_enum_of_registered_names() {
    let shapes =
        Shapes { shapes: vec![Some(Shape::Number(7)), None, Some(Shape::Point(Point { x: 1, y: 2 }))] };
    let stream = encoded(&shapes);
    assert_eq!(decoded::<Shapes>(&stream).unwrap(), shapes);
    decoded::<IgnoredAny>(&stream).unwrap();
}

#[derive(Deserialize, Debug)]
enum ForeignShape {
    #[serde(rename = "main.Point")]
    #[allow(dead_code)]
    Point(Foreign),
}

#[test]
fn what_an_interface_holds_has_a_field_in_common() {
    let point = Shape::Point(Point::default());
    let error = decoded::<Vec<ForeignShape>>(&encoded(&vec![point])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "[0]: no fields match: the stream has struct Point{X; Y}, the target struct Foreign{Z}"
    );
}

#[test]
fn any_takes_its_name_from_the_registry() {
    let mut registry = Registry::new();
    registry.register::<Point>("main.Point");
    let mut encoder = Encoder::new().with_registry(registry);
    let mut stream = Vec::new();
    let list = vec![Some(Any::new(Point { x: 1, y: 2 })), Some(Any::new(7_isize)), None];
    encoder.encode(&list, &mut stream).unwrap();
    let shapes: Vec<Option<Shape>> = decoded(&stream).unwrap();
    assert_eq!(shapes, [Some(Shape::Point(Point { x: 1, y: 2 })), Some(Shape::Number(7)), None]);

    let error = Encoder::new().encode(&list, &mut stream).unwrap_err();
    assert_eq!(error.to_string(), "no name is registered for struct Point, which stands in an interface");

    let mut strict = Decoder::new().with_registry(Registry::new().strict());
    let error = strict.decode::<Vec<IgnoredAny>>(&mut &stream[..]).unwrap_err();
    assert!(!error.is_fatal());
    assert_eq!(error.to_string(), "[0]: interface holds a type whose name \"main.Point\" is not registered");
}

#[test]
fn a_value_is_taken_now_and_decoded_later() {
    let (mut encoder, mut stream) = (Encoder::new(), Vec::new());
    encoder.encode(&Point { x: 1, y: 2 }, &mut stream).unwrap();
    encoder.encode(&everything(), &mut stream).unwrap();
    let (mut decoder, mut input) = (Decoder::new(), &stream[..]);
    let point = decoder.take_raw(&mut input).unwrap().expect("whole");
    decoder.skip(&mut input).unwrap().expect("whole");
    decoder.finish(&input).unwrap();
    assert_eq!(point.decode::<Point>().unwrap(), Point { x: 1, y: 2 });
    assert!(point.decode::<String>().is_err());
}

#[test]
fn a_value_of_the_wrong_type_is_passed_over() {
    let (mut encoder, mut stream) = (Encoder::new(), Vec::new());
    encoder.encode(&everything(), &mut stream).unwrap();
    encoder.encode(&Point { x: 1, y: 2 }, &mut stream).unwrap();
    let (mut decoder, mut input) = (Decoder::new(), &stream[..]);
    let error = decoder.decode::<Vec<String>>(&mut input).unwrap_err();
    assert!(!error.is_fatal(), "{error}");
    assert_eq!(decoder.decode(&mut input).unwrap(), Some(Point { x: 1, y: 2 }));
}

#[test]
fn a_message_over_the_limit_is_refused_by_its_length() {
    let mut limits = Limits::default();
    limits.message_len = 1000;
    let mut decoder = Decoder::with_limits(limits);
    let error = decoder.decode::<i64>(&mut &[0xFE, 0x03, 0xE9][..]).unwrap_err();
    assert!(error.is_fatal());
    assert_eq!(*error.kind(), DecodeErrorKind::MessageTooLong { len: 1001, limit: 1000 });
    let error = decoder.decode::<i64>(&mut &[0x03, 0x04, 0x00, 0x06][..]).unwrap_err();
    assert_eq!(*error.kind(), DecodeErrorKind::Broken);
}

#[derive(Deserialize, Debug, PartialEq)]
#[serde(rename_all = "PascalCase")]
struct Drifted {
    y: i64,
    #[serde(default = "ten")]
    with_default: i64,
    new: String,
    newer: Point,
    maybe: Option<i64>,
}

fn ten() -> i64 {
    10
}

#[test]
fn new_fields_are_zero_or_have_their_default() {
    let drifted: Drifted = decoded(POINT).unwrap();
    let expected =
        Drifted { y: 33, with_default: 10, new: String::new(), newer: Point::default(), maybe: None };
    assert_eq!(drifted, expected);
}

/// Each field that is missing for the first time has the value decoded again.
#[test]
fn what_is_decoded_again_is_bounded() {
    let with = |decoded_again| {
        let mut limits = Limits::default();
        limits.decoded_again = decoded_again;
        Decoder::with_limits(limits).decode::<Drifted>(&mut &POINT[..])
    };
    let error = with(0).unwrap_err();
    assert_eq!(*error.kind(), DecodeErrorKind::DecodedTooOften { limit: 0 });
    assert_eq!(error.to_string(), "value lacks so many fields that more than 0 bytes would be decoded again");
    // Two are: what has a default, and what may be none, is no reason.
    let len = (1..POINT.len() as u64).find(|len| with(*len).is_ok()).expect("some length");
    assert!(with(len - 1).is_err() && with(u64::MAX).is_ok());
}

#[derive(Deserialize, Debug)]
#[serde(rename_all = "PascalCase")]
#[allow(dead_code)]
struct Wrong {
    x: String,
}

#[derive(Deserialize, Debug)]
#[serde(rename_all = "PascalCase")]
#[allow(dead_code)]
struct Foreign {
    z: i64,
}

#[derive(Gob)]
#[gob(rename_all = "PascalCase")]
struct Wide {
    points: Vec<BTreeMap<String, i64>>,
}

#[derive(Deserialize, Debug)]
#[serde(rename_all = "PascalCase")]
#[allow(dead_code)]
struct Narrow {
    points: Vec<BTreeMap<String, u8>>,
}

#[test]
fn errors_name_the_field_and_both_sides() {
    let error = decoded::<Wrong>(POINT).unwrap_err();
    assert_eq!(error.to_string(), "X: the stream has int, the target a string");
    // Also where the field is not sent, being zero.
    let error = decoded::<Wrong>(&encoded(&Point::default())).unwrap_err();
    assert_eq!(error.to_string(), "X: the stream has int, the target string");
    let error = decoded::<Foreign>(POINT).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no fields match: the stream has struct Point{X; Y}, the target struct Foreign{Z}"
    );
    let error = decoded::<u8>(&encoded(&300_u32)).unwrap_err();
    assert_eq!(error.to_string(), "300 is out of the range of u8");
    let error = decoded::<i64>(&encoded(&300_u32)).unwrap_err();
    assert_eq!(error.to_string(), "the stream has uint, the target i64");
    let wide = Wide { points: vec![BTreeMap::new(), BTreeMap::from([("a".into(), 300)])] };
    let error = decoded::<Narrow>(&encoded(&wide)).unwrap_err();
    assert_eq!(error.to_string(), "Points[1][]: the stream has int, the target u8");
    let error = decoded::<[i64; 3]>(&encoded(&[1_i64, 2])).unwrap_err();
    assert_eq!(error.to_string(), "the stream has [2]int, the target an array of 3");
}

#[test]
fn borrows_from_the_input() {
    let stream = encoded(&vec!["a", "b"]);
    let mut input = &stream[..];
    let list: Option<Vec<&str>> = Decoder::new().decode_borrowed(&mut input).unwrap();
    assert_eq!(list, Some(vec!["a", "b"]));
    assert!(input.bytes().is_empty());
}

#[derive(Gob, Deserialize, Debug, PartialEq, Clone, Copy)]
#[gob(as = "string")]
#[serde(rename_all = "lowercase")]
enum Colour {
    Red,
    Green,
}

#[derive(Gob, Deserialize, Debug, PartialEq, Clone, Copy)]
#[gob(as = "int")]
enum Level {
    Low,
    High,
}

#[derive(Gob, Deserialize, Debug, PartialEq)]
#[serde(rename_all = "PascalCase")]
struct Enums {
    colours: Vec<Colour>,
    level: Level,
    zero: Level,
}

#[test]
fn enums_are_strings_or_numbers() {
    let enums = Enums { colours: vec![Colour::Green, Colour::Red], level: Level::High, zero: Level::Low };
    let stream = encoded(&enums);
    assert!(stream.windows(5).any(|window| window == b"green"));
    assert_eq!(decoded::<Enums>(&stream).unwrap(), enums);
}

#[derive(Gob, Deserialize, Debug, PartialEq)]
#[serde(rename_all = "PascalCase")]
struct Node {
    value: i64,
    next: Option<Box<Node>>,
}

#[test]
fn depth_is_limited_on_both_sides() {
    let chain = |len: i64| {
        (1..len).fold(Node { value: 0, next: None }, |next, value| Node { value, next: Some(Box::new(next)) })
    };
    let stream = encoded(&chain(128));
    assert_eq!(decoded::<Node>(&stream).unwrap(), chain(128));
    let error = Encoder::new().encode(&chain(129), &mut Vec::new()).unwrap_err();
    assert_eq!(*error.kind(), EncodeErrorKind::ValueTooDeep { limit: 128 });
    let mut limits = Limits::default();
    limits.value_depth = 127;
    let error = Decoder::with_limits(limits).decode::<Node>(&mut &stream[..]).unwrap_err();
    assert_eq!(*error.kind(), DecodeErrorKind::ValueTooDeep { limit: 127 });
}
