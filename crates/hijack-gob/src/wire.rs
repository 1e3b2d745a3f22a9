//! The bytes of the format that have no type: unsigned and signed integers, floats, and runs of bytes.
//!
//! An unsigned integer below 128 is one byte. Any other is the negated count of the bytes behind it (`FF` is one,
//! `F8` eight), then those bytes, the highest first. All else is made of it.

/// The longest form of an unsigned integer.
pub(crate) const MAX_UINT_LEN: usize = 9;

/// Appends an unsigned integer in its shortest form.
#[inline]
pub(crate) fn put_uint(out: &mut Vec<u8>, value: u64) {
    if value < 0x80 {
        out.push(low_byte(value));
    } else {
        let (bytes, len) = long_uint(value);
        // Nine bytes always, and the surplus cut off: a copy of known length is two stores.
        let start = out.len();
        out.extend_from_slice(&bytes);
        out.truncate(start + len);
    }
}

/// Appends a signed integer: bit 0 says that the rest is complemented.
#[inline]
pub(crate) fn put_int(out: &mut Vec<u8>, value: i64) {
    put_uint(out, uint_of_int(value));
}

/// Appends a float: the bytes of its IEEE 754 form as an unsigned integer, the lowest first, so that round
/// numbers are short.
#[inline]
pub(crate) fn put_float(out: &mut Vec<u8>, value: f64) {
    put_uint(out, value.to_bits().swap_bytes());
}

/// Copies all of `from`, which is as long as `to`. Most strings are short, and for those a call costs more than the
/// copy.
#[inline]
pub(crate) fn copy(to: &mut [u8], from: &[u8]) {
    match from.len() {
        8..=16 => copy_ends::<8>(to, from),
        17..=32 => copy_ends::<16>(to, from),
        _ => to.copy_from_slice(from),
    }
}

/// Copies `N` to `2 * N` bytes: the first `N` and the last `N`, which may overlap.
#[inline]
fn copy_ends<const N: usize>(to: &mut [u8], from: &[u8]) {
    if let (Some(to), Some(from)) = (to.first_chunk_mut::<N>(), from.first_chunk()) {
        *to = *from;
    }
    if let (Some(to), Some(from)) = (to.last_chunk_mut::<N>(), from.last_chunk()) {
        *to = *from;
    }
}

/// An unsigned integer in its shortest form, at the front of nine bytes, and its length.
#[inline]
pub(crate) fn uint_bytes(value: u64) -> ([u8; MAX_UINT_LEN], usize) {
    if value < 0x80 {
        let mut bytes = [0; MAX_UINT_LEN];
        bytes[0] = low_byte(value);
        return (bytes, 1);
    }
    long_uint(value)
}

#[inline]
fn long_uint(value: u64) -> ([u8; MAX_UINT_LEN], usize) {
    let unused = value.leading_zeros() / 8;
    let len = 8 - unused;
    let mut bytes = [0; MAX_UINT_LEN];
    bytes[0] = low_byte(u64::from(len)).wrapping_neg();
    bytes[1..].copy_from_slice(&(value << (8 * unused)).to_be_bytes());
    (bytes, 1 + len as usize)
}

#[inline]
pub(crate) fn uint_of_int(value: i64) -> u64 {
    (value.cast_unsigned() << 1) ^ (value >> 63).cast_unsigned()
}

#[inline]
pub(crate) fn int_of_uint(value: u64) -> i64 {
    let rest = (value >> 1).cast_signed();
    if value & 1 == 1 { !rest } else { rest }
}

#[inline]
pub(crate) fn float_of_uint(value: u64) -> f64 {
    f64::from_bits(value.swap_bytes())
}

#[inline]
pub(crate) fn low_byte(value: u64) -> u8 {
    value.to_le_bytes()[0]
}

/// An unsigned integer at the front of `bytes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Uint {
    /// Its value and its length.
    Whole(u64, usize),
    /// It goes on behind the end.
    Cut,
    /// Its first byte counts more than eight.
    TooLong(u8),
}

/// Reads an unsigned integer; a form that is longer than it must be is accepted, as Go accepts it.
#[inline]
pub(crate) fn read_uint(bytes: &[u8]) -> Uint {
    match bytes.first() {
        Some(&first) if first < 0x80 => Uint::Whole(u64::from(first), 1),
        Some(&first) => read_long_uint(first, &bytes[1..]),
        None => Uint::Cut,
    }
}

#[inline]
fn read_long_uint(first: u8, rest: &[u8]) -> Uint {
    let len = usize::from(first.wrapping_neg());
    if len > 8 {
        return Uint::TooLong(first);
    }
    if let Some(word) = rest.first_chunk::<8>() {
        return Uint::Whole(u64::from_be_bytes(*word) >> (64 - 8 * len), 1 + len);
    }
    match rest.get(..len) {
        Some(bytes) => {
            Uint::Whole(bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)), 1 + len)
        }
        None => Uint::Cut,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The documentation of the format, and the edges of every length.
    const UINTS: [(u64, &[u8]); 12] = [
        (0, &[0]),
        (7, &[7]),
        (0x7F, &[0x7F]),
        (0x80, &[0xFF, 0x80]),
        (0xFF, &[0xFF, 0xFF]),
        (256, &[0xFE, 1, 0]),
        (0xFFFF, &[0xFE, 0xFF, 0xFF]),
        (0x1_0000, &[0xFD, 1, 0, 0]),
        (0xFFFF_FFFF, &[0xFC, 0xFF, 0xFF, 0xFF, 0xFF]),
        (0x1_0000_0000, &[0xFB, 1, 0, 0, 0, 0]),
        (0x00FF_FFFF_FFFF_FFFF, &[0xF9, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]),
        (u64::MAX, &[0xF8, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]),
    ];

    #[test]
    fn writes_and_reads_unsigned_integers() {
        for (value, bytes) in UINTS {
            let mut out = vec![0xAA];
            put_uint(&mut out, value);
            assert_eq!(&out[1..], bytes, "{value}");
            assert_eq!(&uint_bytes(value).0[..uint_bytes(value).1], bytes, "{value}");
            assert_eq!(read_uint(bytes), Uint::Whole(value, bytes.len()));
            assert_eq!(read_uint(&[bytes, &[9; 9]].concat()), Uint::Whole(value, bytes.len()));
            for end in 0..bytes.len() {
                assert_eq!(read_uint(&bytes[..end]), Uint::Cut);
            }
        }
    }

    #[test]
    fn reads_longer_forms_but_no_ninth_byte() {
        assert_eq!(read_uint(&[0xFE, 0, 5]), Uint::Whole(5, 3));
        assert_eq!(read_uint(&[0xF8, 0, 0, 0, 0, 0, 0, 0, 5]), Uint::Whole(5, 9));
        assert_eq!(read_uint(&[0xF7, 0, 0, 0, 0, 0, 0, 0, 0, 5]), Uint::TooLong(0xF7));
        assert_eq!(read_uint(&[0x80]), Uint::TooLong(0x80));
    }

    #[test]
    fn complements_negative_integers() {
        let table: [(i64, &[u8]); 7] = [
            (0, &[0]),
            (3, &[6]),
            (-1, &[1]),
            (-129, &[0xFE, 0x01, 0x01]),
            (63, &[0x7E]),
            (i64::MAX, &[0xF8, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE]),
            (i64::MIN, &[0xF8, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]),
        ];
        for (value, bytes) in table {
            let mut out = Vec::new();
            put_int(&mut out, value);
            assert_eq!(out, bytes, "{value}");
            assert_eq!(int_of_uint(uint_of_int(value)), value);
        }
    }

    #[test]
    fn copies_all_bytes_of_every_length() {
        let from: [u8; 40] = std::array::from_fn(|at| low_byte(at as u64));
        for len in 0..=from.len() {
            let mut to = vec![0xAA; len];
            copy(&mut to, &from[..len]);
            assert_eq!(to, from[..len]);
        }
    }

    #[test]
    fn turns_the_bytes_of_floats_round() {
        let mut out = Vec::new();
        put_float(&mut out, 17.0);
        assert_eq!(out, [0xFE, 0x31, 0x40]);
        for value in [0.0, -0.0, 1.5, f64::INFINITY, f64::MIN_POSITIVE] {
            assert_eq!(float_of_uint(value.to_bits().swap_bytes()).to_bits(), value.to_bits());
        }
    }
}
