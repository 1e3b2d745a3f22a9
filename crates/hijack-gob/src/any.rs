//! Any value, for interfaces.

use std::fmt;

use crate::encode::{EncodeError, GoType, Gob, Kind, Writer};

/// A value of any type in a Go interface, to be sent: the encoder's [`Registry`](crate::Registry) says what its type is
/// called there.
///
/// Where the types are few, an enum with `#[gob(interface)]` says the names itself and can be decoded too; a dynamic
/// [`Interface`](crate::Interface) knows its name and its type.
pub struct Any(Box<dyn Object>);

impl Any {
    /// Holds the value.
    #[must_use]
    pub fn new<T: Gob + Send + Sync + 'static>(value: T) -> Self {
        Self(Box::new(value))
    }
}

impl fmt::Debug for Any {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Any").field(&self.0.go_type().describe()).finish()
    }
}

impl Gob for Any {
    fn go_type() -> GoType {
        GoType::new::<Self>(Kind::Interface)
    }

    fn is_zero(&self) -> bool {
        false
    }

    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        let go_type = self.0.go_type();
        let name = writer.registered(&go_type)?;
        writer.interface_with(name, &go_type, |writer| self.0.encode(writer))
    }
}

/// [`Gob`], where the type is not known.
trait Object: Send + Sync {
    fn go_type(&self) -> GoType;

    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError>;
}

impl<T: Gob + Send + Sync> Object for T {
    fn go_type(&self) -> GoType {
        T::go_type()
    }

    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        Gob::encode(self, writer)
    }
}
