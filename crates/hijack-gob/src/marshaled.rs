//! Types that make their bytes themselves in Go: as bytes, and `big.Int`.

use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::encode::{EncodeError, GoType, Gob, Kind, Writer};
use crate::text::Bytes;
use crate::through_serde;
use crate::types::Marshaler;

macro_rules! marshaled {
    ($(#[$doc:meta])* $name:ident $marshaler:ident) => {
        $(#[$doc])*
        ///
        /// Types of one's own are newtypes of it, which know what the bytes mean. Empty is zero, and is not sent.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
        pub struct $name(pub Vec<u8>);

        impl Gob for $name {
            fn go_type() -> GoType {
                GoType::new::<Self>(Kind::Marshaled(Marshaler::$marshaler, ""))
            }

            fn is_zero(&self) -> bool {
                self.0.is_empty()
            }

            fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
                writer.bytes(&self.0);
                Ok(())
            }
        }

        /// What any of Go's marshalers made.
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let bytes = Bytes("bytes of a marshaler");
                deserializer.deserialize_newtype_struct(through_serde::MARSHALED, bytes).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_bytes(&self.0)
            }
        }
    };
}

marshaled! {
    /// What a `gob.GobEncoder` made, such as a `*big.Float`.
    GobEncoded Gob
}

marshaled! {
    /// What an `encoding.BinaryMarshaler` made, such as a `netip.Addr` or a `*url.URL`.
    BinaryMarshaled Binary
}

/// A `*big.Int`: any whole number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct BigInt {
    is_negative: bool,
    /// Big-endian, without zeros in front.
    magnitude: Vec<u8>,
}

impl BigInt {
    /// By sign and magnitude, the highest byte first.
    #[must_use]
    pub fn new(is_negative: bool, magnitude: &[u8]) -> Self {
        let zeros = magnitude.iter().take_while(|byte| **byte == 0).count();
        let magnitude = magnitude[zeros..].to_vec();
        Self { is_negative: is_negative && !magnitude.is_empty(), magnitude }
    }

    /// Whether it is below zero.
    #[must_use]
    pub fn is_negative(&self) -> bool {
        self.is_negative
    }

    /// The highest byte first, without zeros in front.
    #[must_use]
    pub fn magnitude(&self) -> &[u8] {
        &self.magnitude
    }

    /// As a number of 128 bits, if it is one.
    #[must_use]
    pub fn to_i128(&self) -> Option<i128> {
        if self.magnitude.len() > 16 {
            return None;
        }
        let magnitude = self.magnitude.iter().fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
        match self.is_negative {
            true => 0_i128.checked_sub_unsigned(magnitude),
            false => i128::try_from(magnitude).ok(),
        }
    }

    /// A version, the sign in bit 0 of the first byte, then the magnitude.
    fn from_gob(bytes: &[u8]) -> Option<Self> {
        match bytes.split_first() {
            None => Some(Self::default()),
            Some((2, magnitude)) => Some(Self::new(false, magnitude)),
            Some((3, magnitude)) => Some(Self::new(true, magnitude)),
            Some(_) => None,
        }
    }
}

impl From<i128> for BigInt {
    fn from(number: i128) -> Self {
        Self::new(number < 0, &number.unsigned_abs().to_be_bytes())
    }
}

impl From<i64> for BigInt {
    fn from(number: i64) -> Self {
        i128::from(number).into()
    }
}

impl From<u64> for BigInt {
    fn from(number: u64) -> Self {
        i128::from(number).into()
    }
}

/// Hexadecimal.
impl fmt::Display for BigInt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_negative { "-0x" } else { "0x" })?;
        match self.magnitude.split_first() {
            None => f.write_str("0"),
            Some((first, rest)) => {
                write!(f, "{first:x}")?;
                rest.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }
    }
}

impl Gob for BigInt {
    fn go_type() -> GoType {
        GoType::new::<Self>(Kind::Marshaled(Marshaler::Gob, "Int"))
    }

    /// Never: a zero is sent, as of a pointer that is not nil.
    fn is_zero(&self) -> bool {
        false
    }

    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        let first = 2 | u8::from(self.is_negative);
        writer.bytes(&[&[first], &self.magnitude[..]].concat());
        Ok(())
    }
}

impl<'de> Deserialize<'de> for BigInt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FromGob;

        impl<'de> Visitor<'de> for FromGob {
            type Value = BigInt;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("big.Int")
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<BigInt, E> {
                BigInt::from_gob(bytes).ok_or_else(|| E::custom("bytes that are no big.Int"))
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<BigInt, D::Error> {
                deserializer.deserialize_bytes(self)
            }
        }

        deserializer.deserialize_newtype_struct(through_serde::MARSHALED, FromGob)
    }
}
