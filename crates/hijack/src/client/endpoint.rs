//! Where a client connects to, as people write it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use http::HeaderValue;
use http::uri::Authority;

use crate::Error;

/// The address of a server.
///
/// | text | meaning |
/// |---|---|
/// | `http://host:port` | TCP; port 80 where none is said. `tcp://` and `ws://` mean the same |
/// | `https://host:port` | TLS over TCP; port 443 where none is said. `wss://` means the same |
/// | `unix:/path/to.sock` | a Unix socket; `unix:///path` means the same |
/// | `host:port` | TCP |
///
/// ```
/// let endpoint: hijack::Endpoint = "https://example.org".parse().unwrap();
/// assert_eq!(endpoint.to_string(), "https://example.org:443");
/// let error = "http//example.org".parse::<hijack::Endpoint>().unwrap_err();
/// assert!(error.to_string().contains("looks like http://host:port"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    pub(super) place: Place,
    tls: bool,
    /// What `Host` says, made once.
    authority: HeaderValue,
    /// The host behind a Unix socket, if it is another than this one.
    named: Option<Box<str>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Place {
    /// The host is a name, an IPv4 address, or an IPv6 address without brackets.
    Tcp {
        host: Box<str>,
        port: u16,
    },
    Unix(PathBuf),
}

impl Endpoint {
    /// A Unix socket.
    pub fn unix(path: impl AsRef<Path>) -> Self {
        Self::new(Place::Unix(path.as_ref().to_owned()), false)
    }

    /// A TCP port. IPv6 addresses stand without brackets.
    #[must_use]
    pub fn tcp(host: &str, port: u16) -> Self {
        Self::new(Place::Tcp { host: host.into(), port }, false)
    }

    /// The same endpoint with TLS, or without.
    #[must_use]
    pub fn with_tls(self, tls: bool) -> Self {
        Self::new(self.place, tls)
    }

    /// The same endpoint behind a Unix socket: requests and TLS name its host as before.
    #[allow(dead_code, reason = "only WebSockets are dialled by URL")]
    pub(crate) fn behind_unix(self, path: &Path) -> Self {
        let named = Some(self.host().into());
        Self { place: Place::Unix(path.to_owned()), named, ..self }
    }

    fn new(place: Place, tls: bool) -> Self {
        let authority = match &place {
            Place::Unix(_) => LOCALHOST.to_owned(),
            Place::Tcp { host, port } if *port == default_port(tls) => bracketed(host).to_string(),
            Place::Tcp { host, port } => format!("{}:{port}", bracketed(host)),
        };
        let authority = HeaderValue::try_from(authority).unwrap_or(HeaderValue::from_static(LOCALHOST));
        Self { place, tls, authority, named: None }
    }

    /// Whether the connection is TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// The host that TLS is to find in the server's certificate.
    pub(super) fn host(&self) -> &str {
        match &self.place {
            Place::Tcp { host, .. } => host,
            Place::Unix(_) => self.named.as_deref().unwrap_or(LOCALHOST),
        }
    }

    /// What `Host` says (RFC 9110 §7.2): without the port where it is the scheme's own.
    pub(crate) fn authority(&self) -> &HeaderValue {
        &self.authority
    }

    /// `host:port`, as `CONNECT` wants it (RFC 9110 §9.3.6).
    pub(super) fn host_and_port(&self) -> Option<String> {
        match &self.place {
            Place::Tcp { host, port } => Some(format!("{}:{port}", bracketed(host))),
            Place::Unix(_) => None,
        }
    }
}

/// What a server behind a Unix socket is called, as curl does.
const LOCALHOST: &str = "localhost";

impl FromStr for Endpoint {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if let Some(path) = text.strip_prefix("unix:") {
            // `unix:///path` is a URL without a host, `unix:/path` and `unix:path` are the path itself.
            let path = path.strip_prefix("//").unwrap_or(path);
            return if path.is_empty() { Err(unreadable(text)) } else { Ok(Self::unix(path)) };
        }
        let (scheme, rest) = text.split_once("://").unwrap_or(("tcp", text));
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "http" | "tcp" | "ws" => false,
            "https" | "wss" => true,
            _ => return Err(unreadable(text)),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let authority: Authority = authority.parse().map_err(|_| unreadable(text))?;
        let port = authority.port_u16();
        let named_port = authority.as_str().len() > authority.host().len();
        // Without a scheme the port must be said: `localhost` alone may be meant as anything.
        let user = authority.as_str().contains('@');
        if user || named_port != port.is_some() || (!named_port && rest == text) {
            return Err(unreadable(text));
        }
        let host = authority.host();
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if host.is_empty() {
            return Err(unreadable(text));
        }
        Ok(Self::tcp(host, port.unwrap_or(default_port(tls))).with_tls(tls))
    }
}

fn unreadable(text: &str) -> Error {
    Error::Config(format!(
        "cannot use {text:?} as an address: it looks like http://host:port, https://host:port or unix:/path/to.sock"
    ))
}

fn default_port(tls: bool) -> u16 {
    if tls { 443 } else { 80 }
}

/// A host as it stands in a URL.
fn bracketed(host: &str) -> impl fmt::Display {
    let (open, close) = if host.contains(':') { ("[", "]") } else { ("", "") };
    format!("{open}{host}{close}")
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Tcp { host, port } => {
                write!(f, "{}://{}:{port}", if self.tls { "https" } else { "http" }, bracketed(host))
            }
            Place::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        let table = [
            ("http://a", "http://a:80", "a"),
            ("HTTP://a:8080/", "http://a:8080", "a:8080"),
            ("tcp://127.0.0.1:2375", "http://127.0.0.1:2375", "127.0.0.1:2375"),
            ("wss://a", "https://a:443", "a"),
            ("https://[::1]:8443", "https://[::1]:8443", "[::1]:8443"),
            ("http://[::1]", "http://[::1]:80", "[::1]"),
            ("localhost:9090", "http://localhost:9090", "localhost:9090"),
            ("unix:/var/run/docker.sock", "unix:/var/run/docker.sock", "localhost"),
            ("unix:///var/run/docker.sock", "unix:/var/run/docker.sock", "localhost"),
        ];
        for (text, shown, host) in table {
            let endpoint: Endpoint = text.parse().expect(text);
            assert_eq!(endpoint.to_string(), shown);
            assert_eq!(endpoint.authority(), host, "{text}");
            assert_eq!(shown.parse::<Endpoint>().expect("shown as it is read"), endpoint);
        }
    }

    #[test]
    fn refuses_what_is_no_address() {
        for text in [
            "",
            "localhost",
            "http://",
            "ftp://a",
            "http://a/path",
            "http://a:99999",
            "http://u@a",
            "unix:",
            "a:b",
        ] {
            assert!(text.parse::<Endpoint>().is_err(), "{text:?}");
        }
    }
}
