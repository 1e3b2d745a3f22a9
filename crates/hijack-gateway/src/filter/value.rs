//! What a field is compared with: patterns of text, addresses and networks, numbers.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// Text in which `*` stands for any characters: the pieces between the stars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    /// Never empty; one piece is text without a star.
    pieces: Vec<String>,
}

impl Pattern {
    pub(super) fn new(pieces: Vec<String>) -> Self {
        let mut pattern = Self { pieces: Vec::with_capacity(pieces.len()) };
        let last = pieces.len().saturating_sub(1);
        for (i, piece) in pieces.into_iter().enumerate() {
            // Two stars are one.
            if i == 0 || i == last || !piece.is_empty() {
                pattern.pieces.push(piece);
            }
        }
        pattern
    }

    /// The text, if it has no star.
    pub(super) fn literal(&self) -> Option<&str> {
        match &self.pieces[..] {
            [text] => Some(text),
            _ => None,
        }
    }

    /// Whether it is all of `text`. The first place for each piece is the best one, so this takes linear time.
    pub(super) fn matches(&self, text: &str) -> bool {
        let [first, middle @ .., last] = &self.pieces[..] else {
            return self.literal() == Some(text);
        };
        let Some(rest) = text.strip_prefix(first.as_str()) else { return false };
        let Some(mut rest) = rest.strip_suffix(last.as_str()) else { return false };
        for piece in middle {
            match rest.find(piece.as_str()) {
                Some(at) => rest = &rest[at + piece.len()..],
                None => return false,
            }
        }
        true
    }
}

impl fmt::Display for Pattern {
    /// In quotes, as it is read again.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for (i, piece) in self.pieces.iter().enumerate() {
            f.write_str(if i > 0 { "*" } else { "" })?;
            for c in piece.chars() {
                f.write_str(if matches!(c, '"' | '\\' | '*') { "\\" } else { "" })?;
                write!(f, "{c}")?;
            }
        }
        f.write_str("\"")
    }
}

/// Addresses that share their first bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Network {
    first: IpAddr,
    bits: u8,
}

impl Network {
    /// Reads `10.0.0.0/8`, `fd00::/8`, or an address alone.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) if bits.len() <= 3 && bits.bytes().all(|byte| byte.is_ascii_digit()) => {
                bits.parse().ok()?
            }
            Some(_) => return None,
            None => most,
        };
        if bits > most {
            return None;
        }
        let first = match address {
            IpAddr::V4(v4) => IpAddr::V4((v4.to_bits() & mask32(bits)).into()),
            IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & mask128(bits)).into()),
        };
        Some(Self { first, bits })
    }

    /// Whether `address` is within. An IPv4 address in IPv6's clothes is one of IPv4.
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        match (self.first, address.to_canonical(), address) {
            (IpAddr::V4(first), IpAddr::V4(v4), _) => v4.to_bits() & mask32(self.bits) == first.to_bits(),
            (IpAddr::V6(first), _, IpAddr::V6(v6)) => v6.to_bits() & mask128(self.bits) == first.to_bits(),
            _ => false,
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.bits)
    }
}

fn mask32(bits: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0)
}

fn mask128(bits: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0)
}

/// The address in a peer's name, which has a port or not.
pub(super) fn address_of(peer: &str) -> Option<IpAddr> {
    match peer.parse::<SocketAddr>() {
        Ok(address) => Some(address.ip()),
        Err(_) => peer.parse().ok(),
    }
}

/// How two numbers stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Less,
    AtMost,
    More,
    AtLeast,
}

impl Comparison {
    pub(super) fn holds(self, left: u64, right: u64) -> bool {
        match self {
            Self::Equal => left == right,
            Self::Less => left < right,
            Self::AtMost => left <= right,
            Self::More => left > right,
            Self::AtLeast => left >= right,
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::More => ">",
            Self::AtLeast => ">=",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::new(text.split('*').map(str::to_owned).collect())
    }

    #[test]
    fn stars_stand_for_any_characters() {
        let table = [
            ("abc", "abc", true),
            ("abc", "abcd", false),
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "anything", true),
            ("a*", "a", true),
            ("a*", "ba", false),
            ("*a", "ba", true),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("a**b", "a-b", true),
            ("*b*c*", "abxc", true),
            ("*b*c*", "acxb", false),
            ("ab*bc", "abc", false),
            ("ü*", "üß", true),
        ];
        for (text, input, matches) in table {
            assert_eq!(pattern(text).matches(input), matches, "{text} {input}");
        }
    }

    #[test]
    fn networks_hold_their_addresses() {
        let table = [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.9.9.9/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.0.0.1", true),
            ("::ffff:0.0.0.0/96", "::ffff:10.0.0.1", true),
            ("0.0.0.0/0", "1.2.3.4", true),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "::1", true),
            ("::/0", "1.2.3.4", false),
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "127.0.0.2", false),
            ("fd00::/8", "fdff::1", true),
            ("fd00::/8", "fe00::1", false),
        ];
        for (network, address, within) in table {
            let network = Network::parse(network).expect(network);
            assert_eq!(network.contains(address.parse().expect(address)), within, "{network} {address}");
            assert_eq!(Network::parse(&network.to_string()), Some(network));
        }
        for wrong in ["10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/+8", "10.0.0.0/8/8", "a/8", "10.0.0/8"]
        {
            assert_eq!(Network::parse(wrong), None, "{wrong}");
        }
    }
}
