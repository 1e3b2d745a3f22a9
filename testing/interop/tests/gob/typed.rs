//! Values of Rust's own types: as Go wrote them, and as Go finds them equal.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;

use hijack_gob::{
    BigInt, BinaryMarshaled, ByteBuf, Complex, Decoder, Encoder, GoString, Gob, GobEncoded, Interface, Time,
    Type, Value, Zone,
};
use hijack_interop::gob::{Judge, from_hex, to_hex};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::decode;

/// Structs of `gob/values.go`.
macro_rules! structs {
    ($($name:ident { $($(#[$meta:meta])* $field:ident: $ty:ty),* $(,)? })*) => {$(
        #[derive(Gob, Deserialize, Clone, Debug, PartialEq)]
        #[serde(rename_all = "PascalCase")]
        struct $name { $($(#[$meta])* $field: $ty),* }
    )*};
}

structs! {
    Everything {
        bool: bool, int: i8, uint: u64, float: f32, complex: Complex, text: String, bytes: ByteBuf, list: Vec<i16>,
        array: [u16; 3], map: HashMap<String, i64>, pointer: Option<i64>, point: Point, points: Vec<Point>, rune: char,
        named: Celsius,
    }
    Base { #[serde(rename = "ID")] id: i64 }
    Embedded { base: Base, point: Option<Point>, name: String }
    Node { value: i64, next: Option<Box<Node>> }
    Tree { name: String, children: Vec<Tree>, by_name: Option<BTreeMap<String, Tree>> }
    Ignored { a: i64, b: String }
    Times { #[serde(rename = "UTC")] utc: Time, east: Time, west: Time, seconds: Time, zero: Time }
    Numbers { big: BigInt, neg: BigInt, zero: BigInt, nil: Option<BigInt>, value: BigInt }
    Marshaled {
        secret: GobEncoded, secrets: Vec<GobEncoded>, code: BinaryMarshaled, addr: BinaryMarshaled,
        none: Option<GobEncoded>,
    }
    Holder { any: Option<Any>, name: String, after: i64 }
    Anys { list: Vec<Option<Any>> }
    Inner { a: Holder, b: Option<Any> }
    Outer { before: i64, r#in: Option<Any>, last: String }
    Fresh1 { a: Vec<Fresh2> }
    Fresh2 { m: BTreeMap<String, Fresh3> }
    Fresh3 { p: Option<Box<Fresh3>>, any: Option<Box<Any>> }
    ByName { map: BTreeMap<String, Option<Any>> }
    Circle { r: f64 }
    Square { side: f64 }
    Shapes { one: Option<Shape>, none: Option<Shape>, all: Vec<Option<Shape>> }
    Pointers {
        int: Option<i64>, zero: Option<i64>, deep: Option<Box<Option<i64>>>, r#struct: Option<Point>,
        nil: Option<Point>, slice: Option<Vec<i64>>, map: Option<BTreeMap<String, i64>>,
    }
    Nested {
        grid: [[i64; 3]; 2], rows: Vec<Vec<String>>, by: BTreeMap<i64, BTreeMap<String, Vec<bool>>>, none: [i64; 0],
    }
    Structs { empty: Empty, zero: Point, array: [Point; 2] }
    Empty {}
    MapKeys {
        arrays: BTreeMap<[i64; 2], String>, structs: HashMap<Point, bool>, floats: HashMap<Bits, i8>,
        bools: BTreeMap<bool, u64>,
    }
}

#[derive(Gob, Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[serde(rename_all = "PascalCase")]
struct Point {
    x: i64,
    y: i64,
}

#[derive(Gob, Deserialize, Clone, Copy, Debug, PartialEq)]
struct Celsius(f64);

#[derive(Gob, Deserialize, Clone, Debug, PartialEq)]
struct Lists(Vec<Lists>);

#[derive(Gob, Deserialize, Clone, Debug, PartialEq)]
struct Maps(BTreeMap<String, Maps>);

/// A float that can be a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Bits(u64);

impl Gob for Bits {
    fn go_type() -> hijack_gob::GoType {
        f64::go_type()
    }

    fn is_zero(&self) -> bool {
        self.0 == 0
    }

    fn encode(&self, writer: &mut hijack_gob::Writer<'_>) -> Result<(), hijack_gob::EncodeError> {
        f64::from_bits(self.0).encode(writer)
    }
}

impl<'de> Deserialize<'de> for Bits {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        f64::deserialize(deserializer).map(|value| Self(value.to_bits()))
    }
}

/// What is registered in `gob/values.go`, as far as it is used there.
#[derive(Gob, Deserialize, Clone, Debug, PartialEq)]
#[gob(interface)]
enum Any {
    #[serde(rename = "int")]
    Int(i64),
    #[serde(rename = "uint8")]
    Byte(u8),
    #[serde(rename = "string")]
    Text(String),
    #[serde(rename = "float64")]
    Float(f64),
    #[serde(rename = "bool")]
    Bool(bool),
    #[serde(rename = "[]interface {}")]
    List(Vec<Option<Any>>),
    #[serde(rename = "main.Point")]
    Point(Point),
    #[serde(rename = "*main.Square")]
    Square(Square),
    #[serde(rename = "main.Circle")]
    Circle(Circle),
    #[serde(rename = "main.Names")]
    Names(Vec<String>),
    #[serde(rename = "main.Celsius")]
    Celsius(Celsius),
    #[serde(rename = "main.Node")]
    Node(Node),
    #[serde(rename = "main.Inner")]
    Inner(Box<Inner>),
    #[serde(rename = "main.Fresh1")]
    Fresh1(Fresh1),
    #[serde(rename = "main.Fresh3")]
    Fresh3(Fresh3),
    #[serde(rename = "time.Time")]
    Time(Time),
    #[serde(rename = "main.Secret")]
    Secret(GobEncoded),
    #[serde(rename = "main.Code")]
    Code(BinaryMarshaled),
}

#[derive(Gob, Deserialize, Clone, Debug, PartialEq)]
#[gob(interface)]
enum Shape {
    #[serde(rename = "*main.Square")]
    Square(Square),
    #[serde(rename = "main.Circle")]
    Circle(Circle),
}

/// The judge, and its streams by name.
struct Court {
    judge: Judge,
    streams: HashMap<String, Vec<u8>>,
    seen: usize,
}

impl Court {
    fn open() -> Option<Self> {
        let mut judge = Judge::start()?;
        judge.tell("streams");
        let parse = |line: &String| {
            let mut words = line.split(' ');
            let mut word = || words.next().expect("three words");
            (word().to_owned(), from_hex(word()))
        };
        let streams = judge.hear_all().iter().map(parse).collect();
        Some(Self { judge, streams, seen: 0 })
    }

    /// Go's value of this name is this one, and this one is Go's.
    fn hears<T: Gob + DeserializeOwned + PartialEq + Debug>(&mut self, name: &str, value: &T) {
        let stream = self.streams.get(name).unwrap_or_else(|| panic!("no stream {name}"));
        let read: T = decode(stream).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(read, *value, "{name}");
        self.judges(name, value);
    }

    /// Go finds the value equal to the one of this name.
    fn judges<T: Gob>(&mut self, name: &str, value: &T) {
        let mut stream = Vec::new();
        Encoder::new().encode(value, &mut stream).unwrap_or_else(|error| panic!("{name}: {error}"));
        self.judge.tell(&format!("check {name} {}", to_hex(&stream)));
        assert_eq!(self.judge.hear(), "ok", "{name}");
        self.seen += 1;
    }
}

#[test]
fn values_of_both_sides_are_equal() {
    let Some(mut court) = Court::open() else { return };
    scalars(&mut court);
    lists(&mut court);
    structs(&mut court);
    interfaces(&mut court);
    assert_eq!(court.seen, court.streams.len(), "every value has been compared");
}

fn scalars(court: &mut Court) {
    court.hears("bool", &true);
    court.hears("int", &17_i32);
    court.hears("int_min", &i64::MIN);
    court.hears("uint_max", &u64::MAX);
    court.hears("float", &17.0_f32);
    court.hears("complex", &Complex { re: 17.0, im: 18.0 });
    court.hears("string", &"hello".to_owned());
    court.hears("string_any_bytes", &GoString(b"a\xff\0\xfe".to_vec()));
    court.hears("bytes", &vec![0_u8, 1, 255]);
    court.hears("bytes", &ByteBuf(vec![0, 1, 255]));
    court.seen -= 1;
    court.hears("large_text", &"0123456789".repeat(7000));
}

fn lists(court: &mut Court) {
    let ints = [
        0,
        1,
        -1,
        63,
        64,
        -64,
        -65,
        127,
        128,
        -128,
        -129,
        255,
        256,
        32767,
        32768,
        -32768,
        -32769,
        65535,
        65536,
        1 << 31,
        -1 << 31,
        (1 << 31) - 1,
        1 << 32,
        (1 << 55) - 1,
        1 << 56,
        i64::MAX,
        i64::MIN,
    ];
    court.hears("ints", &ints.to_vec());
    let uints = [
        0,
        1,
        127,
        128,
        255,
        256,
        65535,
        65536,
        (1 << 24) - 1,
        1 << 24,
        (1 << 32) - 1,
        1 << 32,
        (1 << 40) - 1,
        1 << 40,
        (1 << 48) - 1,
        1 << 48,
        (1 << 56) - 1,
        1 << 56,
        u64::MAX,
    ];
    court.hears("uints", &uints.to_vec());
    let floats = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.1,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::from_bits(0x7FF8_0000_0000_0001),
        f64::MAX,
        f64::from_bits(1),
        std::f64::consts::PI,
    ];
    let floats = floats.map(|float| Bits(float.to_bits()));
    court.hears("floats", &floats.to_vec());
    court.hears("float32s", &vec![0.0, 1.5, -0.25, f32::MAX, f32::from_bits(1)]);
    let complex = |re, im| Complex { re, im };
    court.hears("complexes", &vec![complex(0.0, 0.0), complex(0.0, 1.0), complex(f64::INFINITY, -1.0)]);
    court.hears("array_of_bytes", &[0_u8, 1, 2, 255]);
    court.hears("array_of_points", &[Point { x: 0, y: 0 }, Point { x: 1, y: 2 }]);
    court.hears("names", &vec!["a".to_owned(), String::new(), "ü".to_owned()]);
    let empty = || Lists(Vec::new());
    court.hears("recursive_slice", &Lists(vec![empty(), Lists(vec![empty(), Lists(vec![empty()])])]));
    let leaf = || Maps(BTreeMap::new());
    let inner = Maps(BTreeMap::from([("b".to_owned(), leaf())]));
    court.hears("recursive_map", &Maps(BTreeMap::from([("a".to_owned(), inner), ("c".to_owned(), leaf())])));
    court.hears("map_empty", &HashMap::<String, i64>::new());
    let large = (0..100_000_i64).map(|i| i * i * (1 - i % 2 * 2));
    court.hears("large_list", &large.collect::<Vec<_>>());
}

fn structs(court: &mut Court) {
    let zero = Point { x: 0, y: 0 };
    court.hears("point", &Point { x: 22, y: 33 });
    court.hears("point_zero", &zero);
    let everything = Everything {
        bool: true,
        int: -128,
        uint: u64::MAX,
        float: -0.5,
        complex: Complex { re: 1.5, im: -2.0 },
        text: "hëllo".into(),
        bytes: ByteBuf(b"bytes".to_vec()),
        list: vec![-1, 0, 1],
        array: [0, 65535, 1],
        map: HashMap::from([("a".into(), 1), (String::new(), 0)]),
        pointer: Some(7),
        point: Point { x: 0, y: 9 },
        points: vec![Point { x: 1, y: 0 }, zero],
        rune: '√',
        named: Celsius(36.6),
    };
    court.hears("everything", &everything);
    everything_zero(court);
    let point = Some(Point { x: 1, y: 2 });
    court.hears("embedded", &Embedded { base: Base { id: 7 }, point, name: "n".into() });
    let node = |value, next: Option<Node>| Node { value, next: next.map(Box::new) };
    court.hears("list", &node(1, Some(node(0, Some(node(3, None))))));
    let tree = |name: &str, children| Tree { name: name.into(), children, by_name: None };
    let mut root = tree("root", vec![tree("a", vec![]), tree("b", vec![tree("", vec![])])]);
    root.by_name = Some(BTreeMap::from([("x".into(), tree("y", vec![]))]));
    court.hears("tree", &root);
    court.hears("ignored_fields", &Ignored { a: 1, b: "b".into() });
    let times = Times {
        utc: Time::from_unix(1_700_000_000, 123_456_789, Zone::Utc),
        east: Time::from_unix(1, 0, Zone::Offset(3600)),
        west: Time::from_unix(-1_000_000_000, 5, Zone::Offset(-34_200)),
        seconds: Time::from_unix(0, 0, Zone::Offset(7_199)),
        zero: Time::default(),
    };
    court.hears("times", &times);
    let big = 123_456_789_012_345_678_901_234_567_890_i128;
    let numbers = Numbers {
        big: big.into(),
        neg: (-big).into(),
        zero: BigInt::default(),
        nil: None,
        value: BigInt::from(-5_i64),
    };
    court.hears("big", &numbers);
    let secret = |text: &str| GobEncoded(text.as_bytes().to_vec());
    let marshaled = Marshaled {
        secret: secret("ABC"),
        secrets: vec![secret("X"), secret("")],
        code: BinaryMarshaled(b"<\x01\x02>".to_vec()),
        addr: BinaryMarshaled(vec![192, 0, 2, 1]),
        none: None,
    };
    court.hears("marshaled", &marshaled);
    let pointers = Pointers {
        int: Some(5),
        zero: None,
        deep: Some(Box::new(Some(6))),
        r#struct: Some(zero),
        nil: None,
        slice: Some(vec![1]),
        map: Some(BTreeMap::new()),
    };
    court.hears("pointers", &pointers);
    let rows = vec![vec!["a".to_owned()], vec![], vec!["b".to_owned(), "c".to_owned()]];
    let by =
        BTreeMap::from([(-1, BTreeMap::from([("x".to_owned(), vec![true, false])])), (2, BTreeMap::new())]);
    court.hears("nested", &Nested { grid: [[1, 2, 3], [4, 5, 6]], rows, by, none: [] });
    court.hears("structs", &Structs { empty: Empty {}, zero, array: [zero, zero] });
    let keys = MapKeys {
        arrays: BTreeMap::from([([1, 2], "a".into())]),
        structs: HashMap::from([(Point { x: 3, y: 4 }, true)]),
        floats: HashMap::from([(Bits(0.5_f64.to_bits()), -1)]),
        bools: BTreeMap::from([(true, 1), (false, 0)]),
    };
    court.hears("map_keys", &keys);
}

/// A map of ours that is empty is not nil in Go; one of Go's that is nil is empty here.
fn everything_zero(court: &mut Court) {
    #[derive(Gob)]
    #[gob(rename_all = "PascalCase")]
    struct WithNil {
        map: Option<BTreeMap<String, i64>>,
        array: [u16; 3],
        point: Point,
    }
    let read: Everything = decode(&court.streams["everything_zero"]).expect("a value");
    assert!(read.map.is_empty() && read.array == [0; 3] && read.text.is_empty() && read.rune == '\0');
    court.judges("everything_zero", &WithNil { map: None, array: [0; 3], point: Point { x: 0, y: 0 } });
}

fn interfaces(court: &mut Court) {
    let holder = |any, name: &str, after| Holder { any, name: name.into(), after };
    let point = Any::Point(Point { x: 1, y: 2 });
    court.hears("any_nil", &holder(None, "n", 1));
    court.hears("any_int", &holder(Some(Any::Int(42)), "n", 1));
    court.hears("any_string", &holder(Some(Any::Text("text".into())), "", 1));
    court.hears("any_struct", &holder(Some(point), "n", 1));
    court.hears("any_time", &holder(Some(Any::Time(Time::from_unix(5, 0, Zone::Utc))), "t", 0));
    let list = vec![
        Some(Any::Int(1)),
        None,
        Some(Any::Text("a".into())),
        Some(Any::Float(2.5)),
        Some(Any::Point(Point { x: 3, y: 4 })),
        Some(Any::Square(Square { side: 2.0 })),
        Some(Any::Names(vec!["n".into()])),
        Some(Any::List(vec![Some(Any::Bool(true)), Some(Any::Byte(9))])),
        Some(Any::Celsius(Celsius(1.0))),
    ];
    court.hears("any_list", &Anys { list });
    let node = Any::Node(Node { value: 5, next: None });
    let fresh3 = |p, any| Fresh3 { p, any };
    let fresh = fresh3(Some(Box::new(fresh3(None, None))), Some(Box::new(node)));
    let fresh = Any::Fresh1(Fresh1 { a: vec![Fresh2 { m: BTreeMap::from([("k".into(), fresh)]) }] });
    court.hears("any_map", &ByName { map: BTreeMap::from([("a".into(), Some(fresh)), ("b".into(), None)]) });
    let deep = Any::Fresh3(fresh3(None, Some(Box::new(Any::Fresh1(Fresh1 { a: vec![] })))));
    let circle = Any::Circle(Circle { r: 1.0 });
    let inner = Inner { a: holder(Some(deep), "x", 5), b: Some(Any::List(vec![Some(circle)])) };
    let outer = Outer { before: 1, r#in: Some(Any::Inner(Box::new(inner))), last: "last".into() };
    court.hears("any_in_any", &outer);
    let marshaled = vec![
        Some(Any::Secret(GobEncoded(b"S".to_vec()))),
        Some(Any::Code(BinaryMarshaled(b"<\x07\x08>".to_vec()))),
    ];
    court.hears("any_marshaled", &Anys { list: marshaled });
    let square = |side| Some(Shape::Square(Square { side }));
    let circle = |r| Some(Shape::Circle(Circle { r }));
    court.hears(
        "shapes",
        &Shapes { one: circle(1.0), none: None, all: vec![square(2.0), circle(3.0), square(0.0)] },
    );
}

/// Go's refusal of a name that it does not know, and our stream goes on.
#[test]
fn go_names_what_is_not_registered() {
    let Some(mut judge) = Judge::start() else { return };
    #[derive(Gob)]
    #[gob(rename_all = "PascalCase")]
    struct Unknown {
        any: Interface,
    }
    let ty: Type = "struct{A int}".parse().unwrap();
    let value = Value::Struct(vec![("A".into(), Value::Int(1))]);
    let unknown = Unknown { any: Interface { name: "main.Unknown".into(), ty, value } };
    let mut stream = Vec::new();
    Encoder::new().encode(&unknown, &mut stream).unwrap();
    judge.tell(&format!("check any_int {}", to_hex(&stream)));
    assert_eq!(judge.hear(), "error: gob: name not registered for interface: \"main.Unknown\"");
    // Here it is a value like any other.
    let (mut decoder, mut input) = (Decoder::new(), &stream[..]);
    assert!(decoder.decode::<Value>(&mut input).unwrap().is_some());
}
