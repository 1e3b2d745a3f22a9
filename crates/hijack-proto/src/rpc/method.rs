//! What is called: `Service.Method`, and what is said of names that nobody serves.

use std::fmt;

/// The two parts of a method's full name. Services may have dots in their names, methods not.
///
/// ```
/// use hijack_proto::rpc::MethodName;
///
/// let name = MethodName::split("a.b.C").unwrap();
/// assert_eq!((name.service, name.method), ("a.b", "C"));
/// assert!(MethodName::split("Multiply").is_none());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MethodName<'n> {
    /// What stands before the last dot.
    pub service: &'n str,
    /// What stands behind it.
    pub method: &'n str,
}

impl<'n> MethodName<'n> {
    /// Splits a name at its last dot, as Go does; `None` if it has none.
    #[must_use]
    pub fn split(name: &'n str) -> Option<Self> {
        let (service, method) = name.rsplit_once('.')?;
        Some(Self { service, method })
    }
}

/// Why a call reaches no handler. Its text is Go's, to the letter: programs compare it.
///
/// ```
/// use hijack_proto::rpc::Unserved;
///
/// let unserved = Unserved::of("Arith.Root", |service| service == "Arith");
/// assert_eq!(unserved.to_string(), "rpc: can't find method Arith.Root");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unserved {
    /// The name has no dot.
    IllFormed(String),
    /// No service has this name.
    NoService(String),
    /// The service has no such method.
    NoMethod(String),
}

impl Unserved {
    /// Why nothing is found under `name`, where `is_service` knows the services.
    pub fn of(name: &str, is_service: impl FnOnce(&str) -> bool) -> Self {
        match MethodName::split(name) {
            None => Self::IllFormed(name.to_owned()),
            Some(split) if is_service(split.service) => Self::NoMethod(name.to_owned()),
            Some(_) => Self::NoService(name.to_owned()),
        }
    }
}

impl fmt::Display for Unserved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IllFormed(name) => write!(f, "rpc: service/method request ill-formed: {name}"),
            Self::NoService(name) => write!(f, "rpc: can't find service {name}"),
            Self::NoMethod(name) => write!(f, "rpc: can't find method {name}"),
        }
    }
}

impl std::error::Error for Unserved {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_go_says() {
        let table = [
            ("Multiply", "rpc: service/method request ill-formed: Multiply"),
            ("", "rpc: service/method request ill-formed: "),
            ("Nobody.Multiply", "rpc: can't find service Nobody.Multiply"),
            (".", "rpc: can't find service ."),
            ("Arith.", "rpc: can't find method Arith."),
            ("Arith.Root", "rpc: can't find method Arith.Root"),
            ("a.b.C", "rpc: can't find method a.b.C"),
        ];
        for (name, text) in table {
            let unserved = Unserved::of(name, |service| ["Arith", "a.b"].contains(&service));
            assert_eq!(unserved.to_string(), text, "{name:?}");
        }
    }
}
