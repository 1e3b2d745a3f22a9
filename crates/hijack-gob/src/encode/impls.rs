//! Rust's own types as Go's.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use super::error::{EncodeError, EncodeErrorKind};
use super::{GoType, Gob, Kind, Writer};

type Result = std::result::Result<(), EncodeError>;

macro_rules! numbers {
    ($($name:ident $kind:ident $write:ident $wide:ident $zero:expr;)*) => {$(
        impl Gob for $name {
            fn go_type() -> GoType {
                GoType::new::<Self>(Kind::$kind)
            }

            #[inline]
            fn is_zero(&self) -> bool {
                *self == $zero
            }

            #[inline]
            fn encode(&self, writer: &mut Writer<'_>) -> Result {
                writer.$write($wide::from(*self));
                Ok(())
            }
        }
    )*};
}

numbers!(
    bool Bool bool bool false;
    i8 Int int i64 0;
    i16 Int int i64 0;
    i32 Int int i64 0;
    i64 Int int i64 0;
    u16 Uint uint u64 0;
    u32 Uint uint u64 0;
    u64 Uint uint u64 0;
);

/// Negative zero is sent, as Go sends it.
macro_rules! floats {
    ($($name:ident)*) => {$(
        impl Gob for $name {
            fn go_type() -> GoType {
                GoType::new::<Self>(Kind::Float)
            }

            #[inline]
            fn is_zero(&self) -> bool {
                self.to_bits() == 0
            }

            #[inline]
            fn encode(&self, writer: &mut Writer<'_>) -> Result {
                writer.float(f64::from(*self));
                Ok(())
            }
        }
    )*};
}

floats!(f32 f64);

/// A list of them is a `[]byte`.
impl Gob for u8 {
    fn go_type() -> GoType {
        GoType::new::<Self>(Kind::Uint)
    }

    #[inline]
    fn is_zero(&self) -> bool {
        *self == 0
    }

    #[inline]
    fn encode(&self, writer: &mut Writer<'_>) -> Result {
        writer.uint(u64::from(*self));
        Ok(())
    }

    fn slice_type() -> GoType {
        GoType::new::<[Self]>(Kind::Bytes)
    }

    #[inline]
    fn encode_slice(slice: &[Self], writer: &mut Writer<'_>) -> Result {
        writer.bytes(slice);
        Ok(())
    }
}

macro_rules! pointer_sized {
    ($($name:ident $kind:ident $write:ident $wide:ident;)*) => {$(
        impl Gob for $name {
            fn go_type() -> GoType {
                GoType::new::<Self>(Kind::$kind)
            }

            #[inline]
            fn is_zero(&self) -> bool {
                *self == 0
            }

            #[inline]
            fn encode(&self, writer: &mut Writer<'_>) -> Result {
                writer.$write($wide::try_from(*self).expect("no more than 64 bits"));
                Ok(())
            }
        }
    )*};
}

pointer_sized!(isize Int int i64; usize Uint uint u64;);

/// Go's `rune`.
impl Gob for char {
    fn go_type() -> GoType {
        GoType::new::<Self>(Kind::Int)
    }

    fn is_zero(&self) -> bool {
        *self == '\0'
    }

    fn encode(&self, writer: &mut Writer<'_>) -> Result {
        writer.int(i64::from(u32::from(*self)));
        Ok(())
    }
}

impl Gob for str {
    fn go_type() -> GoType {
        GoType::new::<Self>(Kind::String)
    }

    #[inline]
    fn is_zero(&self) -> bool {
        self.is_empty()
    }

    #[inline]
    fn encode(&self, writer: &mut Writer<'_>) -> Result {
        writer.bytes(self.as_bytes());
        Ok(())
    }
}

impl Gob for String {
    fn go_type() -> GoType {
        str::go_type()
    }

    #[inline]
    fn is_zero(&self) -> bool {
        self.is_empty()
    }

    #[inline]
    fn encode(&self, writer: &mut Writer<'_>) -> Result {
        self.as_str().encode(writer)
    }

    #[inline]
    fn encode_slice(slice: &[Self], writer: &mut Writer<'_>) -> Result {
        writer.strings(slice)
    }
}

impl<T: Gob + ToOwned + ?Sized> Gob for Cow<'_, T> {
    fn go_type() -> GoType {
        T::go_type()
    }

    fn is_zero(&self) -> bool {
        T::is_zero(self)
    }

    fn encode(&self, writer: &mut Writer<'_>) -> Result {
        T::encode(self, writer)
    }
}

macro_rules! pointers {
    ($($pointer:ty),*) => {$(
        impl<T: Gob + ?Sized> Gob for $pointer {
            fn go_type() -> GoType {
                T::go_type()
            }

            #[inline]
            fn is_zero(&self) -> bool {
                T::is_zero(self)
            }

            #[inline]
            fn encode(&self, writer: &mut Writer<'_>) -> Result {
                T::encode(self, writer)
            }
        }
    )*};
}

pointers!(&T, &mut T, Box<T>, Rc<T>, Arc<T>);

/// A pointer, which Go's format does not tell from what it points to: `Some` of a zero arrives as `None`.
impl<T: Gob> Gob for Option<T> {
    fn go_type() -> GoType {
        T::go_type()
    }

    #[inline]
    fn is_zero(&self) -> bool {
        self.as_ref().is_none_or(T::is_zero)
    }

    #[inline]
    fn encode(&self, writer: &mut Writer<'_>) -> Result {
        match self {
            Some(value) => value.encode(writer),
            None if matches!(T::go_type().kind(), Kind::Interface) => {
                writer.nil_interface();
                Ok(())
            }
            None => Err(EncodeError::new(EncodeErrorKind::Nil)),
        }
    }
}

impl<T: Gob> Gob for [T] {
    fn go_type() -> GoType {
        T::slice_type()
    }

    #[inline]
    fn is_zero(&self) -> bool {
        self.is_empty()
    }

    #[inline]
    fn encode(&self, writer: &mut Writer<'_>) -> Result {
        T::encode_slice(self, writer)
    }
}

impl<T: Gob> Gob for Vec<T> {
    fn go_type() -> GoType {
        T::slice_type()
    }

    #[inline]
    fn is_zero(&self) -> bool {
        self.is_empty()
    }

    #[inline]
    fn encode(&self, writer: &mut Writer<'_>) -> Result {
        T::encode_slice(self, writer)
    }
}

impl<T: Gob> Gob for VecDeque<T> {
    fn go_type() -> GoType {
        GoType::new::<Self>(Kind::Slice(T::go_type))
    }

    fn is_zero(&self) -> bool {
        self.is_empty()
    }

    fn encode(&self, writer: &mut Writer<'_>) -> Result {
        writer.list(self.len(), self)
    }
}

/// Never left out, as in Go.
impl<T: Gob, const N: usize> Gob for [T; N] {
    fn go_type() -> GoType {
        GoType::new::<Self>(Kind::Array(T::go_type, N))
    }

    fn is_zero(&self) -> bool {
        false
    }

    fn encode(&self, writer: &mut Writer<'_>) -> Result {
        writer.list(N, self)
    }
}

/// An empty one is sent, and is not nil in Go. `Option<HashMap>` can be nil.
impl<K: Gob, V: Gob, S> Gob for HashMap<K, V, S> {
    fn go_type() -> GoType {
        GoType::new::<BTreeMap<K, V>>(Kind::Map(K::go_type, V::go_type))
    }

    fn is_zero(&self) -> bool {
        false
    }

    fn encode(&self, writer: &mut Writer<'_>) -> Result {
        writer.map(self.len(), self)
    }
}

/// As [`HashMap`].
impl<K: Gob, V: Gob> Gob for BTreeMap<K, V> {
    fn go_type() -> GoType {
        GoType::new::<Self>(Kind::Map(K::go_type, V::go_type))
    }

    fn is_zero(&self) -> bool {
        false
    }

    fn encode(&self, writer: &mut Writer<'_>) -> Result {
        writer.map(self.len(), self)
    }
}
