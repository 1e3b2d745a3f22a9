//! Every bound that a peer can run into: name, default, reason.

/// Bounds on what a stream may make a decoder hold, and on what an encoder sends.
///
/// `encoding/gob` knows almost none of them: a message may have 8 GiB there, and five megabytes of nested lists end
/// the process. Start from [`Limits::default`] and change what must differ:
///
/// ```
/// let mut limits = hijack_gob::Limits::default();
/// limits.message_len = 64 * 1024;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of one message, and of one value with all messages that it is spread over. Default 16 MiB. It is checked
    /// when the length of a message is known, before its bytes are waited for.
    pub message_len: usize,
    /// Types that one stream may define or speak of. Default 1,024: programs have tens.
    pub types: usize,
    /// Bytes of all type definitions of one stream. Default 65,536.
    pub definitions_len: usize,
    /// Fields of one struct. Default 1,024.
    pub fields: usize,
    /// Bytes of one name: of a type, of a field, of an interface's concrete type. Default 1,024, as in Go.
    pub name_len: usize,
    /// How deep structs, lists, maps and interfaces may lie within each other in a value. Default 128. Each level
    /// takes stack, so more than some thousands need a larger one.
    pub value_depth: usize,
    /// How far from the type of a value the furthest of its types may lie. Default 64.
    pub type_depth: usize,
    /// Bytes that the elements of a decoded value may take in memory, as far as the decoder sees them: the elements of
    /// lists and maps by their size in Rust, dynamic values, copied text. Default 32 MiB: a byte of the stream can
    /// stand for an element of hundreds of bytes.
    pub allocation: usize,
    /// Bytes that are decoded once more because a value lacks a field that its target must have. It is known from then
    /// on for all values of the type, so a decoder comes to this for a value with many types only. Default 1 GiB:
    /// 64 of the longest values.
    pub decoded_again: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_len: 16 * 1024 * 1024,
            types: 1024,
            definitions_len: 64 * 1024,
            fields: 1024,
            name_len: 1024,
            value_depth: 128,
            type_depth: 64,
            allocation: 32 * 1024 * 1024,
            decoded_again: 1024 * 1024 * 1024,
        }
    }
}
