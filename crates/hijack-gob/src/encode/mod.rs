//! From values to bytes.

mod error;
mod go_type;
mod impls;
mod sent;
mod writer;

pub use self::error::{EncodeError, EncodeErrorKind};
pub use self::go_type::{Field, GoType, Kind};
pub use self::writer::{StructWriter, Writer};

use self::sent::{Known, Sent};
use crate::wire::uint_bytes;
use crate::{Dynamic, Limits, Registry};

/// A type whose values can be sent to Go.
///
/// Derive it for structs ([`macro@Gob`](crate::Gob)). It is implemented for
///
/// | Rust | Go |
/// |---|---|
/// | `bool`, `f32`, `f64` | `bool`, floats |
/// | `i8` to `i64`, `isize`, `char` | signed integers |
/// | `u8` to `u64`, `usize` | unsigned integers |
/// | `str`, `String`, [`GoString`](crate::GoString), `Cow<str>` | `string` |
/// | `Vec<u8>`, `[u8]`, [`ByteBuf`](crate::ByteBuf) | `[]byte` |
/// | `Vec<T>`, `[T]`, `VecDeque<T>` | slices |
/// | `[T; N]` | arrays, also of bytes |
/// | `HashMap`, `BTreeMap` | maps, empty ones not nil |
/// | `Option<T>` | a pointer, or a map or interface that may be nil |
/// | `Box`, `Rc`, `Arc`, references | what they point to |
/// | [`Complex`](crate::Complex), [`Time`](crate::Time), [`BigInt`](crate::BigInt) | `complex128`, `time.Time`, `*big.Int` |
///
/// Go sends nothing for a field that is zero, so `Some(0)` arrives as `None` does: as a pointer that is nil.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent to Go",
    label = "no Go type corresponds to `{Self}`",
    note = "derive it for structs and for enums of interfaces: `#[derive(hijack_gob::Gob)]`",
    note = "Go has no tuples and no 128-bit integers: use a struct, an array or `BigInt`"
)]
pub trait Gob {
    /// The Go type that values are sent as.
    fn go_type() -> GoType;

    /// Whether a field with this value is left out. A struct never is, nor is an array.
    fn is_zero(&self) -> bool;

    /// Writes the value, of the type that [`go_type`](Self::go_type) says.
    ///
    /// # Errors
    /// If there is something in it that cannot be sent.
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError>;

    /// The Go type of a list of such values.
    #[doc(hidden)]
    fn slice_type() -> GoType
    where
        Self: Sized,
    {
        GoType::new::<[Self]>(Kind::Slice(Self::go_type))
    }

    /// Writes a list of such values.
    #[doc(hidden)]
    fn encode_slice(slice: &[Self], writer: &mut Writer<'_>) -> Result<(), EncodeError>
    where
        Self: Sized,
    {
        writer.list(slice.len(), slice)
    }
}

/// One direction of a connection, or a file: writes values, one after another, and remembers which types the receiver
/// has been told.
///
/// ```
/// use hijack_gob::{Encoder, Gob};
///
/// #[derive(Gob)]
/// #[gob(rename_all = "PascalCase")]
/// struct Point { x: i64, y: i64 }
///
/// let (mut encoder, mut stream) = (Encoder::new(), Vec::new());
/// encoder.encode(&Point { x: 22, y: 33 }, &mut stream)?;
/// // The type, as the documentation of encoding/gob shows it, and then the value.
/// assert_eq!(stream.len(), 40);
/// assert_eq!(&stream[32..], [0x07, 0xFF, 0x82, 0x01, 0x2C, 0x01, 0x42, 0x00]);
/// # Ok::<(), hijack_gob::EncodeError>(())
/// ```
#[derive(Debug, Default)]
pub struct Encoder {
    sent: Sent,
    registry: Registry,
    limits: Limits,
    /// How many bytes the length of the last message took: a guess for the next one.
    ///
    /// Of the last two messages, since headers and bodies often take turns.
    prefix_lens: [usize; 2],
}

impl Encoder {
    /// With the default limits.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With limits of one's own; those on messages and on the depth of values are looked at.
    #[must_use]
    pub fn with_limits(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// With names for what interfaces hold.
    #[must_use]
    pub fn with_registry(mut self, registry: Registry) -> Self {
        self.registry = registry;
        self
    }

    /// Appends a value to `out`, in whole messages: first the types that the receiver does not know yet, all of them,
    /// then the value.
    ///
    /// # Errors
    /// If there is something in the value that cannot be sent. Then `out` is as it was before, and so is what the
    /// receiver is believed to know; this is so as well if the value's own code panics.
    pub fn encode<T: Gob + ?Sized>(&mut self, value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.or_nothing(out, |encoder, out| {
            let known = encoder.sent.define(&T::go_type(), out);
            encoder.message(known, out, |writer| value.encode(writer))
        })
    }

    /// As [`encode`](Self::encode), for a value whose type is known at run time only.
    ///
    /// Types are told once as long as they come from the same stream or [`Type`](crate::Type).
    ///
    /// # Errors
    /// If the value is not of its type, too.
    pub fn encode_dynamic(&mut self, value: &Dynamic, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.or_nothing(out, |encoder, out| {
            let (graph, slot) = value.ty.parts();
            let known = encoder.sent.define_dynamic(graph, slot, out)?;
            encoder.message(known, out, |writer| value.encode(writer))
        })
    }

    /// Takes back what an attempt did that fails, or that a value's own code ends with a panic.
    fn or_nothing(
        &mut self,
        out: &mut Vec<u8>,
        encode: impl FnOnce(&mut Self, &mut Vec<u8>) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        let (start, mark) = (out.len(), self.sent.mark());
        let mut attempt = Attempt { encoder: self, out, start, mark, is_kept: false };
        encode(attempt.encoder, attempt.out)?;
        attempt.is_kept = true;
        Ok(())
    }

    fn message(
        &mut self,
        known: Known,
        out: &mut Vec<u8>,
        encode: impl FnOnce(&mut Writer<'_>) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        let start = out.len();
        let guess = self.prefix_lens[0].max(1);
        out.extend_from_slice(&[0; crate::wire::MAX_UINT_LEN][..guess]);
        let mut writer = Writer::new(out, &mut self.sent, &self.registry, self.limits.value_depth);
        writer.int(known.id);
        if !known.is_struct {
            writer.uint(0);
        }
        encode(&mut writer)?;
        let introduced = writer.finish();
        let prefix_len = put_len(out, start, guess);
        self.prefix_lens = [self.prefix_lens[1], prefix_len];
        let len = out.len() - start - prefix_len;
        if len > self.limits.message_len {
            let limit = self.limits.message_len;
            return Err(EncodeError::new(EncodeErrorKind::MessageTooLong { len, limit }));
        }
        if !introduced.is_empty() {
            // Types of what interfaces hold, which were seen on the way: in front of the value all the same.
            out.splice(start..start, introduced);
        }
        Ok(())
    }
}

/// A value on its way out: unless it is kept, nothing of it stays.
struct Attempt<'a> {
    encoder: &'a mut Encoder,
    out: &'a mut Vec<u8>,
    /// Where the value starts in `out`.
    start: usize,
    /// The types that the receiver knew in front of it.
    mark: usize,
    is_kept: bool,
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if !self.is_kept {
            self.out.truncate(self.start);
            self.encoder.sent.roll_back(self.mark);
        }
    }
}

/// Puts the length of what follows into `guess` bytes at `start`, or into as many as it takes.
pub(crate) fn put_len(out: &mut Vec<u8>, start: usize, guess: usize) -> usize {
    let (bytes, len) = uint_bytes((out.len() - start - guess) as u64);
    if len == guess {
        out[start..start + len].copy_from_slice(&bytes[..len]);
    } else {
        out.splice(start..start + guess, bytes[..len].iter().copied());
    }
    len
}
