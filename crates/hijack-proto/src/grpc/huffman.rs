//! HPACK's Huffman code (RFC 7541 §5.2, Appendix B). It is canonical: the lengths of its codes say all of it.

/// A string that is no Huffman code: it holds EOS, or its padding is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BadCode;

/// Appends what `coded` means to `plain`, in time linear in both.
pub(super) fn decode(coded: &[u8], plain: &mut Vec<u8>) -> Result<(), BadCode> {
    let (mut code, mut len) = (0, 0);
    for byte in coded {
        for at in (0..8).rev() {
            code = code << 1 | u32::from(byte >> at & 1);
            len += 1;
            if let Some(symbol) = CODES.symbol(code, len) {
                plain.push(u8::try_from(symbol).map_err(|_| BadCode)?);
                (code, len) = (0, 0);
            }
        }
    }
    // The rest is a part of EOS, all ones, and shorter than a byte.
    if len < 8 && code + 1 == 1 << len { Ok(()) } else { Err(BadCode) }
}

/// Symbols by their codes: those of one length follow each other.
struct Codes {
    /// The first code of each length, and how many there are.
    by_len: [(u32, u32); LONGEST + 1],
    /// All symbols, by the lengths of their codes and then by themselves.
    symbols: [u16; SYMBOLS],
}

impl Codes {
    const fn new() -> Self {
        let mut codes = Self { by_len: [(0, 0); LONGEST + 1], symbols: [0; SYMBOLS] };
        let (mut len, mut code, mut at) = (1, 0, 0);
        while len <= LONGEST {
            code <<= 1;
            let first = code;
            let mut symbol = 0;
            while symbol < SYMBOLS {
                if LENGTHS[symbol] as usize == len {
                    #[expect(clippy::cast_possible_truncation, reason = "256 at the most")]
                    let value = symbol as u16;
                    codes.symbols[at] = value;
                    at += 1;
                    code += 1;
                }
                symbol += 1;
            }
            codes.by_len[len] = (first, code - first);
            len += 1;
        }
        codes
    }

    /// The symbol of this code, if all of it is there.
    fn symbol(&self, code: u32, len: usize) -> Option<u16> {
        let (first, count) = *self.by_len.get(len)?;
        let nth = code.checked_sub(first).filter(|nth| *nth < count)?;
        let before: u32 = self.by_len[..len].iter().map(|(_, count)| count).sum();
        self.symbols.get((before + nth) as usize).copied()
    }
}

static CODES: Codes = Codes::new();

/// Bytes, and EOS.
const SYMBOLS: usize = 257;

/// Bits of the longest code, of which EOS is one.
const LONGEST: usize = 30;

/// Bits of the code of each byte, and of EOS (RFC 7541, Appendix B).
#[rustfmt::skip]
const LENGTHS: [u8; SYMBOLS] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
    6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30,
];

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(coded: &[u8]) -> Result<Vec<u8>, BadCode> {
        let mut plain = Vec::new();
        decode(coded, &mut plain).map(|()| plain)
    }

    /// The code of a symbol, as its bits.
    fn code(symbol: u16) -> String {
        let len = usize::from(LENGTHS[usize::from(symbol)]);
        let of_len = (0..257).filter(|other| usize::from(LENGTHS[usize::from(*other)]) == len);
        let nth = of_len.take_while(|other| *other < symbol).count();
        format!("{:0len$b}", CODES.by_len[len].0 as usize + nth)
    }

    fn packed(mut bits: String) -> Vec<u8> {
        while !bits.len().is_multiple_of(8) {
            bits.push('1');
        }
        let byte = |at| u8::from_str_radix(&bits[at..at + 8], 2).expect("bits");
        (0..bits.len()).step_by(8).map(byte).collect()
    }

    #[test]
    fn examples_of_the_rfc() {
        // RFC 7541, Appendix C.4.
        let coded = [0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff];
        assert_eq!(decoded(&coded).as_deref(), Ok(&b"www.example.com"[..]));
        assert_eq!(decoded(&[0xa8, 0xeb, 0x10, 0x64, 0x9c, 0xbf]).as_deref(), Ok(&b"no-cache"[..]));
        assert_eq!(decoded(&[]), Ok(Vec::new()));
    }

    #[test]
    fn every_byte_has_a_code() {
        for symbol in 0..=255_u8 {
            let twice = packed(code(symbol.into()).repeat(2));
            assert_eq!(decoded(&twice), Ok(vec![symbol; 2]), "{symbol}");
        }
        assert_eq!(code(256), "1".repeat(30));
    }

    #[test]
    fn what_is_no_code_is_refused() {
        // EOS within; padding of eight bits; padding of zeros (RFC 7541 §5.2).
        for bits in [code(256), format!("{}11111111", code(48)), format!("{}000", code(48))] {
            assert_eq!(decoded(&packed(bits.clone())), Err(BadCode), "{bits}");
        }
    }
}
