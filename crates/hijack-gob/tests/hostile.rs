//! Streams made to hurt: each is refused or read within a second of CPU and 64 MiB of memory, whatever it is decoded
//! into. One test, so that its memory is its own.

// The clock is what is tested.
#![allow(clippy::disallowed_methods)]

use std::fs;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use hijack_gob::{DecodeError, DecodeErrorKind as Kind, Decoder, Dynamic, Limits, Value};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

/// A target with a field of every kind that a peer can fill.
#[derive(Deserialize, Debug)]
#[serde(rename_all = "PascalCase")]
#[allow(dead_code)]
struct Target {
    a: Option<Value>,
    b: Option<Box<Target>>,
    list: Vec<[u64; 8]>,
    lists: Vec<Vec<String>>,
    text: String,
}

fn uint(value: u64) -> Vec<u8> {
    if value < 128 {
        return vec![u8::try_from(value).expect("less than 128")];
    }
    let bytes = value.to_be_bytes();
    let bytes = &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..];
    [&[0_u8.wrapping_sub(u8::try_from(bytes.len()).expect("eight at most"))], bytes].concat()
}

fn int(value: i64) -> Vec<u8> {
    uint(if value < 0 { (!value as u64) << 1 | 1 } else { (value as u64) << 1 })
}

fn message(parts: &[Vec<u8>]) -> Vec<u8> {
    let body = parts.concat();
    [uint(body.len() as u64), body].concat()
}

/// A definition without its length: the kind's number, `CommonType`, and what the kind adds.
fn definition(id: i64, kind: u8, rest: &[Vec<u8>]) -> Vec<u8> {
    [int(-id), vec![kind, 1, 2], int(id), vec![0], rest.concat(), vec![0, 0]].concat()
}

fn slice(id: i64, elem: i64) -> Vec<u8> {
    message(&[definition(id, 2, &[vec![1], int(elem)])])
}

fn array(id: i64, elem: i64, len: i64) -> Vec<u8> {
    message(&[definition(id, 1, &[vec![1], int(elem), vec![1], int(len)])])
}

fn map(id: i64, key: i64, elem: i64) -> Vec<u8> {
    message(&[definition(id, 4, &[vec![1], int(key), vec![1], int(elem)])])
}

fn structure(id: i64, fields: &[(&str, i64)]) -> Vec<u8> {
    let mut rest = Vec::new();
    if !fields.is_empty() {
        rest.extend([vec![1], uint(fields.len() as u64)].concat());
    }
    for (name, ty) in fields {
        rest.extend(
            [vec![1], uint(name.len() as u64), name.as_bytes().to_vec(), vec![1], int(*ty), vec![0]].concat(),
        );
    }
    message(&[definition(id, 3, &[rest])])
}

/// A value that is no struct.
fn single(id: i64, value: Vec<u8>) -> Vec<u8> {
    message(&[int(id), vec![0], value])
}

fn value(id: i64, value: Vec<u8>) -> Vec<u8> {
    message(&[int(id), value])
}

fn stream(parts: &[Vec<u8>]) -> Vec<u8> {
    parts.concat()
}

type Case = (&'static str, Vec<u8>, Option<Kind>);

/// Name, stream, and what it must be refused for when it is decoded as it comes; `None` if it is read.
fn cases() -> Vec<Case> {
    let malformed = |what| Some(Kind::Malformed(what));
    let too_long = |len| Some(Kind::MessageTooLong { len, limit: 16 << 20 });
    let count = |count, left| Some(Kind::CountTooLarge { count, left });
    let mut cases = vec![
        ("length 2^63", uint(1 << 63), too_long(1 << 63)),
        ("length 8 GiB - 1", uint((8 << 30) - 1), too_long((8 << 30) - 1)),
        ("length of nine bytes", vec![0xF7; 12], malformed("a message length of more than eight bytes")),
        ("length in a long form", [vec![0xF8, 0, 0, 0, 0, 0, 0, 0, 3], vec![4, 0, 6]].concat(), None),
        ("empty message", vec![0], malformed("an empty message")),
        ("slice of 2^63", stream(&[slice(65, 2), single(65, uint(1 << 63))]), count(1 << 63, 0)),
        ("map of 2^63", stream(&[map(65, 2, 2), single(65, uint(1 << 63))]), count(1 << 63, 0)),
        ("string longer than its message", single(6, vec![5, b'a', b'b']), count(5, 2)),
        (
            "2^63 fields",
            message(&[int(-65), vec![3, 1, 2], int(65), vec![0, 1], uint(1 << 63)]),
            Some(Kind::TooManyFields { count: 1 << 63, limit: 1024 }),
        ),
        (
            "array of 2^40",
            stream(&[structure(66, &[]), array(65, 66, 1 << 40), single(65, uint(1 << 40))]),
            count(1 << 40, 0),
        ),
        (
            "array of another length",
            stream(&[array(65, 2, 3), single(65, vec![2, 2, 2])]),
            malformed("an array whose length is not its type's"),
        ),
        (
            "array of itself",
            stream(&[array(65, 65, 1), single(65, vec![1; 200_000])]),
            Some(Kind::ValueTooDeep { limit: 128 }),
        ),
        (
            "slice of itself, five million deep",
            stream(&[slice(65, 65), single(65, vec![1; 5_000_000])]),
            Some(Kind::ValueTooDeep { limit: 128 }),
        ),
        ("type redefined", stream(&[slice(65, 2), slice(65, 2)]), Some(Kind::DuplicateType { id: 65 })),
        ("predefined type defined", slice(2, 2), Some(Kind::DuplicateType { id: 2 })),
        ("id 2^31", slice(1 << 31, 2), Some(Kind::UnknownType { id: 1 << 31 })),
        ("smallest id", message(&[int(i64::MIN), vec![2]]), Some(Kind::UnknownType { id: i64::MAX })),
        ("value of type 0", message(&[int(0), vec![0, 0]]), Some(Kind::UnknownType { id: 0 })),
        ("value of an unknown type", single(99, vec![0]), Some(Kind::UnknownType { id: 99 })),
        (
            "element of a type that is never defined",
            stream(&[slice(65, 66), single(65, vec![1, 0])]),
            Some(Kind::UnknownType { id: 66 }),
        ),
        (
            "field past the end",
            stream(&[structure(65, &[("A", 2)]), value(65, vec![2, 0, 0])]),
            malformed("a struct with more fields than its type"),
        ),
        (
            "field delta that overflows",
            stream(&[structure(65, &[("A", 2)]), value(65, [vec![1, 2], uint(u64::MAX), vec![0]].concat())]),
            malformed("a struct with more fields than its type"),
        ),
        (
            "definition of two types",
            message(&[int(-65), vec![2, 1, 2], int(65), vec![0, 1, 4, 0, 1, 1, 2], int(65), vec![0, 0, 0]]),
            malformed("a type definition of two types"),
        ),
        (
            "bytes behind a definition",
            message(&[definition(65, 2, &[vec![1], int(2)]), vec![0]]),
            malformed("bytes behind a type definition"),
        ),
        ("bytes behind a value", single(2, vec![2, 2]), malformed("bytes behind a value")),
        (
            "name of a kilobyte and one",
            single(8, [uint(1025), vec![b'a'; 1025]].concat()),
            Some(Kind::NameTooLong { len: 1025, limit: 1024 }),
        ),
    ];
    cases.extend(type_bombs());
    cases.extend(large_values());
    cases
}

fn type_bombs() -> Vec<Case> {
    let many = (0..1_000_000).map(|at| slice(65 + at, 2)).collect::<Vec<_>>().concat();
    let chain = |len| (0..len).map(|at| slice(65 + at, 66 + at)).collect::<Vec<_>>().concat();
    let fields: Vec<(String, i64)> = (0..1_000_000).map(|at| (format!("F{at}"), 2)).collect();
    let fields: Vec<(&str, i64)> = fields.iter().map(|(name, ty)| (name.as_str(), *ty)).collect();
    let level = |at: i64| structure(65 + at, &[("A", 66 + at), ("B", 66 + at)]);
    let dag = (0..60).map(level).collect::<Vec<_>>().concat();
    let dag = [dag, structure(125, &[("A", 8)])].concat();
    vec![
        ("a million definitions", many, Some(Kind::TooManyTypes { limit: 1024 })),
        ("slices in slices, 100,000 deep", chain(100_000), Some(Kind::TooManyTypes { limit: 1024 })),
        (
            "slices in slices, 100 deep",
            stream(&[chain(99), slice(164, 2), single(65, vec![0])]),
            Some(Kind::TypeTooDeep { limit: 64 }),
        ),
        (
            "a million fields",
            structure(65, &fields),
            Some(Kind::TooManyFields { count: 1_000_000, limit: 1024 }),
        ),
        ("structs in structs, 2^60 paths", stream(&[dag.clone(), value(65, vec![0])]), None),
        ("the same in an interface", stream(&[dag, single(8, any("x", 65, &[0], true))]), None),
    ]
}

/// What stands in an interface.
fn any(name: &str, id: i64, value: &[u8], is_struct: bool) -> Vec<u8> {
    let value = [if is_struct { &[][..] } else { &[0] }, value].concat();
    [uint(name.len() as u64), name.as_bytes().to_vec(), int(id), uint(value.len() as u64), value].concat()
}

/// Bytes of a value that fills a message.
const MOST: usize = 16 * 1024 * 1024 - 64;

/// As much as a message may hold.
fn large_values() -> Vec<Case> {
    let names: Vec<String> = (0..1024).map(|at| format!("F{at}")).collect();
    let fields: Vec<(&str, i64)> = names.iter().map(|name| (name.as_str(), 2)).collect();
    let zeros = || [uint(MOST as u64), vec![0; MOST]].concat();
    let too_large = Some(Kind::AllocationTooLarge { limit: 32 << 20 });
    let pairs = [uint(MOST as u64 / 2), vec![0; MOST]].concat();
    let nested = [uint(MOST as u64 / 2), [1, 0].repeat(MOST / 2)].concat();
    vec![
        ("16 MiB of integers", stream(&[slice(65, 2), single(65, zeros())]), too_large.clone()),
        ("16 MiB of empty strings", stream(&[slice(65, 6), single(65, zeros())]), too_large.clone()),
        ("16 MiB of nil interfaces", stream(&[slice(65, 8), single(65, zeros())]), too_large.clone()),
        (
            "16 MiB of empty structs",
            stream(&[slice(65, 66), structure(66, &[]), single(65, zeros())]),
            too_large.clone(),
        ),
        (
            "16 MiB of structs of 1,024 zeros",
            stream(&[slice(65, 66), structure(66, &fields), single(65, zeros())]),
            too_large.clone(),
        ),
        (
            "16 MiB of targets that are all zero",
            stream(&[
                structure(67, &[("A", 8), ("B", 67), ("List", 65)]),
                slice(65, 66),
                array(66, 3, 8),
                slice(68, 67),
                single(68, zeros()),
            ]),
            too_large.clone(),
        ),
        (
            "a map of empty structs",
            stream(&[map(65, 66, 66), structure(66, &[]), single(65, pairs)]),
            too_large.clone(),
        ),
        ("lists of one", stream(&[slice(65, 66), slice(66, 2), single(65, nested)]), too_large),
        ("16 MiB of text", single(6, [uint(MOST as u64), vec![b'a'; MOST]].concat()), None),
    ]
}

/// A list of interfaces, each of whose values begins in a message of its own.
fn spread(messages: usize) -> Vec<u8> {
    let first = message(&[int(65), vec![0], uint(messages as u64), vec![3], b"int".to_vec()]);
    let middle = message(&[int(2), vec![2, 0, 2, 3], b"int".to_vec()]);
    let last = message(&[int(2), vec![2, 0, 2]]);
    [slice(65, 8), first, middle.repeat(messages - 1), last].concat()
}

/// CPU of this thread where the system tells, else the time that passes.
struct Clock(Instant);

impl Clock {
    fn now(&self) -> Duration {
        let own = fs::read_to_string("/proc/thread-self/schedstat").ok();
        let nanos = own.and_then(|text| text.split(' ').next()?.parse().ok());
        nanos.map_or_else(|| self.0.elapsed(), Duration::from_nanos)
    }
}

/// Resident memory, and the most of it since it was asked for the last time, in bytes.
fn memory() -> Option<(u64, u64)> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().trim_end_matches(" kB").trim().parse::<u64>().ok()
    };
    let found = line("VmRSS:")? * 1024;
    let most = line("VmHWM:")? * 1024;
    fs::write("/proc/self/clear_refs", "5").ok()?;
    Some((found, most))
}

/// Optimized code is what is used.
const LIMIT: Duration = Duration::from_secs(if cfg!(debug_assertions) { 10 } else { 1 });

/// Runs it within the limits of time and memory.
fn bounded<T>(what: &str, run: impl FnOnce() -> T) -> (T, Duration) {
    let clock = Clock(Instant::now());
    let (before, start) = (memory(), clock.now());
    let result = run();
    let (spent, after) = (clock.now() - start, memory());
    assert!(spent < LIMIT, "{what}: {spent:?} of CPU");
    if let (Some((before, _)), Some((_, most))) = (before, after) {
        let taken = most.saturating_sub(before);
        assert!(taken < 64 << 20, "{what}: {taken} bytes of memory");
    }
    (result, spent)
}

/// All values of a stream, to the first error that ends it.
fn read<T: DeserializeOwned>(mut input: &[u8]) -> Result<usize, DecodeError> {
    let (mut decoder, mut values, mut failed) = (Decoder::new(), 0, None);
    loop {
        match decoder.decode::<T>(&mut input) {
            Ok(Some(_)) => values += 1,
            Ok(None) => return failed.map_or(Ok(values), Err),
            Err(error) if error.is_fatal() => return Err(error),
            Err(error) => failed = Some(error),
        }
    }
}

#[test]
fn streams_made_to_hurt_do_not() {
    for (name, stream, refused) in cases() {
        let (result, _) = bounded(name, || read::<Dynamic>(&stream));
        assert_eq!(result.as_ref().err().map(DecodeError::kind), refused.as_ref(), "{name}: {result:?}");
        let _ = bounded(name, || read::<IgnoredAny>(&stream));
        let _ = bounded(name, || read::<Vec<Target>>(&stream));
        let _ = bounded(name, || read::<Vec<i64>>(&stream));
        let _ = bounded(name, || read::<Target>(&stream));
        let _ = bounded(name, || read::<Vec<Vec<String>>>(&stream));
        let _ = bounded(name, || read::<std::collections::HashMap<String, Value>>(&stream));
        let _ = bounded(name, || Decoder::new().skip(&mut &stream[..]));
        let _ = bounded(name, || Decoder::new().take_raw(&mut &stream[..]));
    }
    time_is_linear_in_the_messages();
    a_value_that_never_ends_is_refused();
    bytes_that_drip_cost_nothing();
}

/// However they come: also if each message is another attempt.
fn time_is_linear_in_the_messages() {
    let run = |messages: usize| {
        let stream = spread(messages);
        let (values, at_once) = bounded("at once", || read::<Dynamic>(&stream));
        assert_eq!(values.expect("a value"), 1);
        let ((), in_pieces) = bounded("in pieces", || {
            let (mut decoder, mut received) = (Decoder::new(), BytesMut::new());
            let mut pieces = stream.chunks(10);
            let list: Vec<i64> = loop {
                received.extend_from_slice(pieces.next().expect("a whole value in the stream"));
                if let Some(list) = decoder.decode(&mut received).expect("a list") {
                    break list;
                }
            };
            assert_eq!(list, vec![1; messages]);
        });
        at_once + in_pieces
    };
    let (few, many) = (run(25_000), run(100_000));
    assert!(
        many < few * 10 + Duration::from_millis(100),
        "{few:?} for 25,000 messages, {many:?} for 100,000"
    );
}

fn a_value_that_never_ends_is_refused() {
    let first = message(&[int(65), vec![0], uint(8_000_000), vec![3], b"int".to_vec()]);
    let middle = message(&[int(2), vec![2, 0, 2, 3], b"int".to_vec()]);
    let stream = [slice(65, 8), first, middle.repeat(2_000_000)].concat();
    let (result, _) = bounded("never ends", || read::<IgnoredAny>(&stream));
    let error = result.expect_err("more than a message may have");
    assert!(matches!(error.kind(), Kind::MessageTooLong { .. }), "{error}");
    let (result, _) = bounded("ends too early", || {
        let (mut decoder, mut input) = (Decoder::with_limits(Limits::default()), &stream[..1_000_000]);
        assert!(decoder.decode::<IgnoredAny>(&mut input).expect("no error yet").is_none());
        decoder.finish(&input)
    });
    assert_eq!(*result.expect_err("it ends within a value").kind(), Kind::UnexpectedEnd);
}

fn bytes_that_drip_cost_nothing() {
    let stream = single(6, [uint(2_000_000), vec![b'a'; 2_000_000]].concat());
    let (text, _) = bounded("byte by byte", || {
        let mut decoder = Decoder::new();
        (1..=stream.len())
            .find_map(|received| decoder.decode::<String>(&mut &stream[..received]).expect("text"))
    });
    assert_eq!(text.map(|text| text.len()), Some(2_000_000));
}
