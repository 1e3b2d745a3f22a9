//! Where a daemon is, as `DOCKER_HOST` says it.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use hijack::Endpoint;
use http::uri::Authority;

use crate::Error;

/// The address of a daemon.
///
/// | text | meaning |
/// |---|---|
/// | nothing, or `unix://` | `unix:///var/run/docker.sock` |
/// | `unix:///path` | a Unix socket |
/// | `tcp://host:port`, `host:port` | TCP, or TLS if there is a configuration for it; port 2375 or 2376 where none is said |
/// | `https://host:port` | TLS in any case |
/// | `tcp://host:port/base` | the same behind a proxy that keeps the API below `/base` |
/// | `ssh://user@host:port/path` | `docker system dial-stdio` over there, by the command `ssh`, to the socket `/path` if one is said |
///
/// ```
/// let host: hijack_docker::Host = "tcp://127.0.0.1".parse().unwrap();
/// assert_eq!(host.to_string(), "tcp://127.0.0.1:2375");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host(pub(crate) Place);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Unix(PathBuf),
    Tcp(Tcp),
    Ssh(Ssh),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tcp {
    /// A name, an IPv4 address, or an IPv6 address without brackets.
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
    /// Nothing, or a path that begins with a slash and does not end with one.
    pub(crate) base: String,
    pub(crate) tls: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ssh {
    pub(crate) user: Option<String>,
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
    /// The socket over there, if it is not the usual one.
    pub(crate) path: Option<String>,
}

impl Default for Host {
    fn default() -> Self {
        Self::unix(SOCKET)
    }
}

const SOCKET: &str = "/var/run/docker.sock";

impl Host {
    /// A Unix socket.
    pub fn unix(path: impl AsRef<Path>) -> Self {
        Self(Place::Unix(path.as_ref().to_owned()))
    }

    /// The same host with TLS, if it is one of TCP.
    pub(crate) fn with_tls(mut self) -> Self {
        if let Place::Tcp(tcp) = &mut self.0 {
            tcp.tls = true;
        }
        self
    }

    /// Where to connect to; none for what is no socket.
    pub(crate) fn endpoint(&self) -> Option<Endpoint> {
        match &self.0 {
            Place::Unix(path) => Some(Endpoint::unix(path)),
            Place::Tcp(tcp) => Some(Endpoint::tcp(&tcp.host, tcp.port()).with_tls(tcp.tls)),
            Place::Ssh(_) => None,
        }
    }

    /// What requests call it. A daemon behind a socket of the machine has no name.
    pub(crate) fn authority(&self) -> String {
        match &self.0 {
            Place::Tcp(tcp) => format!("{}:{}", bracketed(&tcp.host), tcp.port()),
            _ => "docker".to_owned(),
        }
    }

    /// What stands in front of every path.
    pub(crate) fn base(&self) -> &str {
        match &self.0 {
            Place::Tcp(tcp) => &tcp.base,
            _ => "",
        }
    }
}

impl Tcp {
    fn port(&self) -> u16 {
        self.port.unwrap_or(if self.tls { 2376 } else { 2375 })
    }
}

impl FromStr for Host {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(Self::default());
        }
        let (scheme, rest) = text
            .split_once("://")
            .unwrap_or_else(|| text.strip_prefix("unix:").map_or(("tcp", text), |path| ("unix", path)));
        let place = match scheme {
            "unix" => Place::Unix(if rest.is_empty() { SOCKET } else { rest }.into()),
            "tcp" | "http" | "https" => {
                let tcp = tcp(rest, scheme == "https").ok_or_else(|| unreadable(text))?;
                // A word alone may be meant as anything.
                if rest == text && tcp.port.is_none() {
                    return Err(unreadable(text));
                }
                Place::Tcp(tcp)
            }
            "ssh" => Place::Ssh(ssh(rest).ok_or_else(|| unreadable(text))?),
            "npipe" => return Err(refused(text, "named pipes are Windows'")),
            "fd" => return Err(refused(text, "it is a daemon's, to listen on")),
            _ => return Err(unreadable(text)),
        };
        Ok(Self(place))
    }
}

fn refused(text: &str, why: &str) -> Error {
    Error::Config(format!("cannot use {:?} as a Docker host: {why}", without_password(text)))
}

/// `text` as it may be shown: an error ends up in logs. Whatever is no host may be cut in any way, so all between the
/// first colon that may begin a password and the last `@` is taken for one.
fn without_password(text: &str) -> Cow<'_, str> {
    let user_at = text.find("://").map_or(0, |at| at + 3);
    let Some(end) = text.rfind('@') else { return text.into() };
    match text.get(user_at..end).and_then(|user| user.find(':')) {
        Some(colon) => format!("{}:…{}", &text[..user_at + colon], &text[end..]).into(),
        None => text.into(),
    }
}

fn unreadable(text: &str) -> Error {
    refused(text, "it looks like unix:///path, tcp://host:port, https://host:port or ssh://user@host")
}

/// User, host and port. A password is none of them: it would stand in lists of processes.
fn authority(text: &str) -> Option<(Option<&str>, String, Option<u16>)> {
    let (user, place) = match text.rsplit_once('@') {
        Some((user, place)) => (Some(user).filter(|user| is_word(user)), place),
        None => (None, text),
    };
    if text.contains('@') && user.is_none() {
        return None;
    }
    let authority: Authority = place.parse().ok()?;
    let port = authority.port_u16();
    let host = authority.host();
    let named_port = place.len() > host.len();
    if named_port != port.is_some() {
        return None;
    }
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    (!host.is_empty()).then(|| (user, host.to_owned(), port))
}

/// Whether a user's name is one that no shell and no option reads as something else.
fn is_word(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-\\+".contains(&byte);
    !text.is_empty() && !text.starts_with('-') && text.bytes().all(plain)
}

fn tcp(rest: &str, tls: bool) -> Option<Tcp> {
    let (place, base) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    if base.contains(['?', '#', ' ']) {
        return None;
    }
    let (user, host, port) = match place {
        "" => (None, "localhost".to_owned(), None),
        _ if place.starts_with(':') => {
            authority(&format!("localhost{place}")).map(|(_, host, port)| (None, host, port))?
        }
        _ => authority(place)?,
    };
    let base = base.trim_end_matches('/').to_owned();
    user.is_none().then_some(Tcp { host, port, base, tls })
}

fn ssh(rest: &str) -> Option<Ssh> {
    let (place, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let (user, host, port) = authority(place)?;
    if path.contains(['?', '#']) || host.starts_with('-') {
        return None;
    }
    let path = Some(path.to_owned()).filter(|path| path.len() > 1);
    Some(Ssh { user: user.map(str::to_owned), host, port, path })
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Unix(path) => write!(f, "unix://{}", path.display()),
            Place::Tcp(tcp) => write!(f, "tcp://{}{}", self.authority(), tcp.base),
            Place::Ssh(ssh) => {
                f.write_str("ssh://")?;
                if let Some(user) = &ssh.user {
                    write!(f, "{user}@")?;
                }
                f.write_str(&bracketed(&ssh.host))?;
                if let Some(port) = ssh.port {
                    write!(f, ":{port}")?;
                }
                f.write_str(ssh.path.as_deref().unwrap_or_default())
            }
        }
    }
}

/// An IPv6 address has colons of its own.
fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_docker_reads() {
        let table = [
            ("", "unix:///var/run/docker.sock"),
            ("unix://", "unix:///var/run/docker.sock"),
            ("unix:///tmp/d.sock", "unix:///tmp/d.sock"),
            ("unix:/tmp/d.sock", "unix:///tmp/d.sock"),
            ("tcp://127.0.0.1:2375", "tcp://127.0.0.1:2375"),
            ("tcp://example.org", "tcp://example.org:2375"),
            ("tcp://", "tcp://localhost:2375"),
            ("tcp://:7777", "tcp://localhost:7777"),
            ("127.0.0.1:4243", "tcp://127.0.0.1:4243"),
            ("tcp://[::1]:5555/path/", "tcp://[::1]:5555/path"),
            ("https://example.org", "tcp://example.org:2376"),
            ("http://a:80", "tcp://a:80"),
            ("ssh://me@host", "ssh://me@host"),
            ("ssh://host:2222/run/d.sock", "ssh://host:2222/run/d.sock"),
            ("ssh://host/", "ssh://host"),
        ];
        for (text, shown) in table {
            let host: Host = text.parse().expect(text);
            assert_eq!(host.to_string(), shown, "{text}");
        }
        let tls = "tcp://a".parse::<Host>().expect("a host").with_tls();
        assert_eq!(
            (tls.to_string(), tls.endpoint().expect("TCP").is_tls()),
            ("tcp://a:2376".to_owned(), true)
        );
    }

    /// What a shell or `ssh` would read otherwise is no part of a host either.
    #[test]
    fn refuses_what_is_no_host() {
        for text in [
            "ftp://a",
            "nonsense",
            "tcp://u@a:1",
            "tcp://a:99999",
            "tcp://a:b",
            "tcp://a/x?y",
            "ssh://",
            "ssh://u:secret@host",
            "ssh://-oProxyCommand=x",
            "ssh://-l@host",
            "ssh://u@host?x",
            "ssh://host x",
            "npipe:////./pipe/docker",
            "fd://",
        ] {
            assert!(text.parse::<Host>().is_err(), "{text}");
        }
    }

    /// The text of a variable that is no host goes to the screen and to logs.
    #[test]
    fn shows_no_password() {
        let table = [
            ("ssh://u:secret@host", "\"ssh://u:…@host\""),
            ("tcp://u:sec@ret@host:1", "\"tcp://u:…@host:1\""),
            ("u:secret@host", "\"u:…@host\""),
            ("ftp://u:se/cret@", "\"ftp://u:…@\""),
            ("ssh://u@host?x", "\"ssh://u@host?x\""),
        ];
        for (text, shown) in table {
            let error = text.parse::<Host>().expect_err(text).to_string();
            assert!(error.contains(shown) && !error.contains("ret@"), "{error}");
        }
    }
}
