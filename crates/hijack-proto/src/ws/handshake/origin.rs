//! Which web pages may open a connection (RFC 6455 §10.2). A browser lets any page connect anywhere and sends the
//! user's cookies along; only `Origin` tells the server whose page it is.

use std::fmt;

use http::header::{HOST, HeaderMap, ORIGIN};

/// The origins that a server accepts. The default is its own host's, and clients that send none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origins {
    /// Whether pages of the host that the request names are accepted, over any scheme.
    pub same_host: bool,
    /// Further origins, such as `https://example.com` or `http://localhost:3000`.
    pub allowed: Vec<String>,
    /// Whether every origin is accepted: for services that read no cookie and trust no network.
    pub any: bool,
    /// What of a request without one.
    pub absent: Absent,
}

/// What a server does with a request that names no origin: browsers always do, programs need not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Absent {
    /// It is accepted.
    #[default]
    Accepted,
    /// It is refused.
    Refused,
}

impl Default for Origins {
    fn default() -> Self {
        Self { same_host: true, allowed: Vec::new(), any: false, absent: Absent::Accepted }
    }
}

impl Origins {
    /// Whether a request with these headers comes from an accepted origin.
    ///
    /// # Errors
    ///
    /// An [`OriginError`], to be answered with 403 (RFC 6455 §4.2.2).
    pub fn check(&self, headers: &HeaderMap) -> Result<(), OriginError> {
        let mut origins = headers.get_all(ORIGIN).iter();
        let (origin, more) = (origins.next(), origins.next());
        let Some(origin) = origin else {
            return if self.absent == Absent::Accepted { Ok(()) } else { Err(OriginError::Absent) };
        };
        if self.any {
            return Ok(());
        }
        let origin = origin.to_str().ok().filter(|_| more.is_none()).ok_or(OriginError::Malformed)?;
        if self.allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin)) {
            return Ok(());
        }
        // `null` is the origin of sandboxed frames and local files: anybody's.
        let (scheme, authority) = origin.split_once("://").ok_or(OriginError::Malformed)?;
        let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let same =
            without_default_port(scheme, host).eq_ignore_ascii_case(without_default_port(scheme, authority));
        if self.same_host && same && !authority.is_empty() { Ok(()) } else { Err(OriginError::Foreign) }
    }
}

fn without_default_port<'a>(scheme: &str, authority: &'a str) -> &'a str {
    let port = if scheme.eq_ignore_ascii_case("https") { ":443" } else { ":80" };
    authority.strip_suffix(port).unwrap_or(authority)
}

/// Why an origin is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OriginError {
    /// There is none, and one is asked for.
    Absent,
    /// It is no origin of one host, such as `null`, or there are two.
    Malformed,
    /// It is another host's, and not on the list.
    Foreign,
}

impl fmt::Display for OriginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absent => "the request names no origin",
            Self::Malformed => "the request's origin is no host's",
            Self::Foreign => "the request's origin is not accepted here",
        })
    }
}

impl std::error::Error for OriginError {}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(host: &'static str, origins: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static(host));
        for origin in origins {
            headers.append(ORIGIN, HeaderValue::from_static(origin));
        }
        headers
    }

    /// RFC 6455 §10.2.
    #[test]
    fn accepts_its_own_host_by_default() {
        let table = [
            ("a.test", &["http://a.test"][..], Ok(())),
            ("a.test", &["https://A.test"], Ok(())),
            ("a.test:80", &["http://a.test"], Ok(())),
            ("a.test:443", &["https://a.test"], Ok(())),
            ("a.test:8080", &["http://a.test:8080"], Ok(())),
            ("[::1]:8080", &["http://[::1]:8080"], Ok(())),
            ("a.test", &[], Ok(())),
            ("a.test:443", &["http://a.test"], Err(OriginError::Foreign)),
            ("a.test", &["http://a.test:8080"], Err(OriginError::Foreign)),
            ("a.test", &["http://b.test"], Err(OriginError::Foreign)),
            ("a.test", &["http://a.test.b.test"], Err(OriginError::Foreign)),
            ("", &["http://"], Err(OriginError::Foreign)),
            ("a.test", &["null"], Err(OriginError::Malformed)),
            ("a.test", &["a.test"], Err(OriginError::Malformed)),
            ("a.test", &["http://a.test", "http://a.test"], Err(OriginError::Malformed)),
        ];
        for (host, origins, expected) in table {
            assert_eq!(Origins::default().check(&headers(host, origins)), expected, "{host} {origins:?}");
        }
    }

    #[test]
    fn keeps_its_policy() {
        let foreign = headers("a.test", &["https://b.test"]);
        let null = headers("a.test", &["null"]);
        let none = headers("a.test", &[]);
        let list = Origins { allowed: vec!["https://b.test".into()], ..Origins::default() };
        assert_eq!(list.check(&foreign), Ok(()));
        assert_eq!(list.check(&null), Err(OriginError::Malformed));
        let any = Origins { any: true, ..Origins::default() };
        assert_eq!((any.check(&foreign), any.check(&null)), (Ok(()), Ok(())));
        let strict = Origins { absent: Absent::Refused, ..Origins::default() };
        assert_eq!(strict.check(&none), Err(OriginError::Absent));
        let no_page = Origins { same_host: false, ..Origins::default() };
        assert_eq!(no_page.check(&headers("a.test", &["http://a.test"])), Err(OriginError::Foreign));
    }
}
