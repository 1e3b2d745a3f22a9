//! Versions of Docker's API.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

use crate::Error;

/// A version of Docker's API, such as 1.41.
///
/// ```
/// use hijack_docker::ApiVersion;
///
/// let version: ApiVersion = "1.9".parse().unwrap();
/// assert!(version < ApiVersion::new(1, 41));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiVersion {
    major: u32,
    minor: u32,
}

impl ApiVersion {
    /// The newest one that this crate was written for. A daemon that is newer is spoken to in this one.
    pub const NEWEST: Self = Self::new(1, 51);

    /// What a daemon speaks that does not say so.
    pub const UNTOLD: Self = Self::new(1, 24);

    /// From here on the media type of an answer says truly whether its outputs are framed.
    pub const LABELLED: Self = Self::new(1, 42);

    /// From here on `wait` knows conditions, and answers before the container ends.
    pub(crate) const CONDITIONS: Self = Self::new(1, 30);

    /// A version.
    #[must_use]
    pub const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor }
    }
}

impl FromStr for ApiVersion {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok());
        text.split_once('.')
            .and_then(|(major, minor)| Some(Self::new(number(major)??, number(minor)??)))
            .ok_or_else(|| {
                Error::Config(format!("cannot use {text:?} as a version of the API: it looks like 1.41"))
            })
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl<'de> Deserialize<'de> for ApiVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_orders_versions() {
        let version = |text: &str| text.parse::<ApiVersion>();
        assert_eq!(version("1.41").expect("one"), ApiVersion::new(1, 41));
        assert_eq!(version("1.41").expect("one").to_string(), "1.41");
        assert!(
            version("1.9").expect("one") < ApiVersion::LABELLED && ApiVersion::new(2, 0) > ApiVersion::NEWEST
        );
        for text in ["", "1", "1.", ".1", "v1.41", "1.41.0", "1.-1", "1.+1", "99999999999.1"] {
            assert!(version(text).is_err(), "{text:?}");
        }
    }
}
