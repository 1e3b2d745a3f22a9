//! Streams of gob that mean harm, byte by byte.

/// An unsigned number.
pub(crate) fn uint(number: u64) -> Vec<u8> {
    if let Ok(small @ 0..=127) = u8::try_from(number) {
        return vec![small];
    }
    let bytes = number.to_be_bytes();
    let skipped = bytes.iter().take_while(|&&byte| byte == 0).count();
    let count = u8::try_from(8 - skipped).expect("at most eight");
    [&[count.wrapping_neg()], &bytes[skipped..]].concat()
}

/// A signed number.
pub(crate) fn int(number: i64) -> Vec<u8> {
    let bits = (number << 1) ^ (number >> 63);
    uint(bits.cast_unsigned())
}

/// A message of these parts.
pub(crate) fn message(parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    [uint(body.len() as u64), body].concat()
}

fn text(text: &str) -> Vec<u8> {
    [uint(text.len() as u64), text.as_bytes().to_vec()].concat()
}

/// `CommonType` with an id and no name.
fn common(id: i64) -> Vec<u8> {
    [vec![1, 2], int(id), vec![0]].concat()
}

/// The definition of a type: which alternative, and what follows `CommonType` in it.
fn definition(id: i64, alternative: u8, rest: &[&[u8]]) -> Vec<u8> {
    message(&[&int(-id), &[alternative], &common(id), &rest.concat(), &[0, 0]])
}

pub(crate) fn slice_type(id: i64, elem: i64) -> Vec<u8> {
    definition(id, 2, &[&[1], &int(elem)])
}

pub(crate) fn array_type(id: i64, elem: i64, len: i64) -> Vec<u8> {
    definition(id, 1, &[&[1], &int(elem), &[1], &int(len)])
}

pub(crate) fn map_type(id: i64, key: i64, elem: i64) -> Vec<u8> {
    definition(id, 4, &[&[1], &int(key), &[1], &int(elem)])
}

pub(crate) fn struct_type(id: i64, fields: &[(&str, i64)]) -> Vec<u8> {
    let fields_encoded: Vec<u8> = fields
        .iter()
        .flat_map(|(name, ty)| [vec![1], text(name), vec![1], int(*ty), vec![0]].concat())
        .collect();
    if fields.is_empty() {
        return definition(id, 3, &[]);
    }
    definition(id, 3, &[&[1], &uint(fields.len() as u64), &fields_encoded])
}

/// The id of the header's type.
const HEAD: i64 = 64;

/// The header of a call, its type in front.
pub(crate) fn head(method: &str) -> Vec<u8> {
    let ty = struct_type(HEAD, &[("ServiceMethod", 6), ("Seq", 3)]);
    [ty, message(&[&int(HEAD), &[1], &text(method), &[1], &uint(1), &[0]])].concat()
}

/// Every attack by its name: what follows a header, or all there is.
pub(crate) fn attacks() -> Vec<(&'static str, Vec<u8>)> {
    let call = |body: &[&[u8]]| [head("No.Body"), body.concat()].concat();
    let known = |body: &[&[u8]]| [head("Any.Take"), body.concat()].concat();
    let mut attacks = lengths();
    attacks.extend(values(&call));
    attacks.extend(values(&known));
    attacks.extend(types(&call));
    attacks
}

/// Lengths that lie.
fn lengths() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("a length of 2^63", vec![0xf8, 0x80, 0, 0, 0, 0, 0, 0, 0]),
        ("a length of 8 GiB - 1 and nothing more", vec![0xfb, 1, 0xff, 0xff, 0xff, 0xff]),
        ("a length of nine bytes", vec![0xf7, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
        ("an empty message", vec![0]),
        ("a header longer than 64 KiB", message(&[&int(HEAD), &vec![1; 70_000]])),
        ("a header of an unknown type", message(&[&int(99), &[1, 1, 0]])),
        ("a number where the header was to be", message(&[&int(2), &[0, 6]])),
    ]
}

type Body<'b> = dyn Fn(&[&[u8]]) -> Vec<u8> + 'b;

/// Values that lie about their size, or go on for ever.
fn values(call: &Body<'_>) -> Vec<(&'static str, Vec<u8>)> {
    let huge = uint(1 << 63);
    let own = slice_type(65, 65);
    let deep = message(&[&int(65), &[0], &vec![1; 5_000_000], &[0]]);
    let names: Vec<_> = (0..1_001).map(|n| format!("F{n}")).collect();
    let many: Vec<_> = names.iter().map(|name| (name.as_str(), 2)).collect();
    vec![
        ("a list in itself, five million deep", call(&[&own, &deep])),
        ("2^63 elements", call(&[&slice_type(65, 2), &message(&[&int(65), &[0], &huge])])),
        ("2^63 entries", call(&[&map_type(65, 2, 2), &message(&[&int(65), &[0], &huge])])),
        (
            "2^40 elements of nothing",
            call(&[
                &struct_type(66, &[]),
                &array_type(65, 66, 1 << 40),
                &message(&[&int(65), &[0], &uint(1 << 40)]),
            ]),
        ),
        (
            "2^40 entries of nothing",
            call(&[
                &struct_type(66, &[]),
                &map_type(65, 66, 66),
                &message(&[&int(65), &[0], &uint(1 << 40), &[0; 64]]),
            ]),
        ),
        ("a text longer than its message", call(&[&message(&[&int(6), &[0], &uint(1 << 30), b"abc"])])),
        ("a field past the end", call(&[&struct_type(65, &[("A", 2)]), &message(&[&int(65), &[9, 2, 0]])])),
        (
            "a field number that overflows",
            call(&[&struct_type(65, &[("A", 2)]), &message(&[&int(65), &uint(u64::MAX), &[2, 0]])]),
        ),
        ("more fields than a struct may have", call(&[&struct_type(65, &many), &message(&[&int(65), &[0]])])),
        ("a value that breaks off", call(&[&struct_type(65, &[("A", 2)]), &message(&[&int(65), &[1]])])),
    ]
}

/// Types that lie, repeat themselves or have no end.
fn types(call: &Body<'_>) -> Vec<(&'static str, Vec<u8>)> {
    let chain = |count: i64| -> Vec<u8> { (0..count).flat_map(|n| slice_type(65 + n, 66 + n)).collect() };
    let dag: Vec<u8> = (0..60)
        .flat_map(|n| struct_type(65 + n, &[("A", 66 + n), ("B", 66 + n)]))
        .chain(struct_type(125, &[("A", 2)]))
        .collect();
    let definitions: Vec<u8> = (0..1_000_000).flat_map(|n| slice_type(65 + n, 2)).collect();
    let anything = |bytes: &[u8]| call(&[bytes, &message(&[&int(65), &[0]])]);
    vec![
        ("a million definitions", call(&[&definitions])),
        ("a chain of 100,000 lists", call(&[&chain(100_000), &message(&[&int(65), &[0, 0]])])),
        ("a tree of 2^60 fields", anything(&dag)),
        ("an array of itself", call(&[&array_type(65, 65, 1), &message(&[&int(65), &[0, 1, 1, 1, 1]])])),
        ("a type twice", anything(&[slice_type(65, 2), slice_type(65, 3)].concat())),
        ("a builtin type anew", anything(&slice_type(2, 3))),
        ("a type with id 0", anything(&message(&[&int(0), &[2], &common(0), &[1, 4, 0, 0]]))),
        ("a type with id 2^31", anything(&slice_type(1 << 31, 2))),
        ("an unknown type", call(&[&message(&[&int(77), &[0, 2]])])),
        ("a list of an unknown type", call(&[&slice_type(65, 77), &message(&[&int(65), &[0, 1, 2]])])),
        (
            "two types in one definition",
            anything(&message(&[&int(-65), &[2], &common(65), &[1, 4, 0, 1], &common(65), &[0, 0]])),
        ),
        (
            "bytes behind a definition",
            anything(&message(&[&int(-65), &[2], &common(65), &[1, 4, 0, 0, 7, 7]])),
        ),
        ("an id that is not its own", anything(&message(&[&int(-65), &[2], &common(66), &[1, 4, 0, 0]]))),
        ("a field longer than a name may be", anything(&struct_type(65, &[(&"x".repeat(2_000), 2)]))),
    ]
}
