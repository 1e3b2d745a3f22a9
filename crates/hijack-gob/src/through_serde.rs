//! How types of ours that serde's model has no word for get through it: a target asks for a newtype of one of these
//! names, and our deserializer knows it.

/// A target that our deserializer knows by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guest {
    /// [`GoString`](crate::GoString): wants the bytes of a string.
    GoString,
    /// [`Complex`](crate::Complex): wants two floats of a complex number.
    Complex,
    /// Wants the bytes that a type made of itself.
    Marshaled,
    /// [`Dynamic`](crate::Dynamic): wants to be handed a value whatever it is.
    Dynamic,
}

pub(crate) const GO_STRING: &str = "$hijack_gob::GoString";
pub(crate) const COMPLEX: &str = "$hijack_gob::Complex";
pub(crate) const DYNAMIC: &str = "$hijack_gob::Dynamic";
pub(crate) const MARSHALED: &str = "$hijack_gob::Marshaled";

/// Which of them is called so. No name of Rust starts with a dollar.
#[inline]
pub(crate) fn guest(name: &str) -> Option<Guest> {
    if !name.starts_with('$') {
        return None;
    }
    match name {
        GO_STRING => Some(Guest::GoString),
        COMPLEX => Some(Guest::Complex),
        MARSHALED => Some(Guest::Marshaled),
        DYNAMIC => Some(Guest::Dynamic),
        _ => None,
    }
}
