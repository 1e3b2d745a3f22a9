//! What a request is for: `/v1.44/containers/x/attach?stream=1`, read as dockerd reads it.

use http::{StatusCode, Uri};

use super::Refusal;
use crate::ApiVersion;

/// The target of a request of Docker's API: the version that it is asked in, the path behind that, and the query.
///
/// ```
/// use hijack_docker::ApiVersion;
/// use hijack_docker::server::Target;
///
/// let uri = "/v1.44/containers/my%20box/wait?condition=next-exit&x=0".parse().unwrap();
/// let target = Target::parse(&uri, ApiVersion::NEWEST).unwrap();
/// assert_eq!(target.path(), ["containers", "my box", "wait"]);
/// assert_eq!((target.query("condition"), target.flag("x")), (Some("next-exit"), false));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    version: ApiVersion,
    path: Vec<String>,
    query: Vec<(String, String)>,
}

impl Target {
    /// Reads the target of a request. Without a version in front it is asked in the `newest` one, as dockerd has it.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] with 400, of a version that is newer, and of what is not percent-encoded UTF-8.
    pub fn parse(uri: &Uri, newest: ApiVersion) -> Result<Self, Refusal> {
        let mut path = uri.path().split('/').filter(|segment| !segment.is_empty()).peekable();
        let told = path.peek().and_then(|segment| segment.strip_prefix('v')?.parse::<ApiVersion>().ok());
        if told.is_some() {
            path.next();
        }
        let version = told.unwrap_or(newest);
        if version > newest {
            let text =
                format!("client version {version} is too new. Maximum supported API version is {newest}");
            return Err(Refusal::new(StatusCode::BAD_REQUEST, text));
        }
        let path = path.map(|segment| decode(segment, false)).collect::<Result<_, _>>()?;
        let pairs = uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name, true)?, decode(value, true)?))
        };
        Ok(Self { version, path, query: pairs.map(pair).collect::<Result<_, Refusal>>()? })
    }

    /// The version of the API that is spoken.
    #[must_use]
    pub fn version(&self) -> ApiVersion {
        self.version
    }

    /// The segments behind the version, decoded.
    #[must_use]
    pub fn path(&self) -> Vec<&str> {
        self.path.iter().map(String::as_str).collect()
    }

    /// The value of `name` in the query, decoded; the first one.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(other, _)| other == name).map(|(_, value)| &**value)
    }

    /// Whether `name` is set: to anything but nothing, `0`, `no`, `false` and `none`.
    #[must_use]
    pub fn flag(&self, name: &str) -> bool {
        let value = self.query(name).unwrap_or_default().trim().to_ascii_lowercase();
        !matches!(&*value, "" | "0" | "no" | "false" | "none")
    }
}

/// Undoes percent-encoding (RFC 3986 §2.1); in a query a plus is a space, as forms have it.
fn decode(text: &str, is_query: bool) -> Result<String, Refusal> {
    let malformed = || Refusal::new(StatusCode::BAD_REQUEST, format!("malformed escape in {text:?}"));
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                let (high, low) = digit().zip(digit()).ok_or_else(malformed)?;
                u8::try_from(high * 16 + low).map_err(|_| malformed())?
            }
            b'+' if is_query => b' ',
            byte => byte,
        });
    }
    String::from_utf8(bytes).map_err(|_| malformed())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(uri: &str) -> Result<Target, Refusal> {
        Target::parse(&uri.parse().expect("a target"), ApiVersion::new(1, 44))
    }

    #[test]
    fn finds_version_path_and_query() {
        let target =
            parse("/v1.41/containers/a%2Fb/attach?stream=1&stdin&detachKeys=ctrl-p%2Cq+x").expect("one");
        assert_eq!(target.version(), ApiVersion::new(1, 41));
        assert_eq!(target.path(), ["containers", "a/b", "attach"]);
        assert_eq!(target.query("detachKeys"), Some("ctrl-p,q x"));
        assert_eq!((target.query("stdin"), target.query("nope")), (Some(""), None));
        let target = parse("/version").expect("one");
        assert_eq!((target.version(), target.path()), (ApiVersion::new(1, 44), vec!["version"]));
        assert_eq!(parse("/volumes/v1.2").expect("one").path(), ["volumes", "v1.2"], "no version there");
    }

    /// moby `daemon/server/httputils/form.go`.
    #[test]
    fn reads_booleans_as_dockerd() {
        for (query, is) in [
            ("a=1", true),
            ("a=true", true),
            ("a=yes", true),
            ("a=2", true),
            ("a=-1", true),
            ("", false),
            ("a", false),
            ("a=", false),
            ("a=0", false),
            ("a=No", false),
            ("a=FALSE", false),
            ("a=+none", false),
            ("a=0&a=1", false),
        ] {
            assert_eq!(parse(&format!("/x?{query}")).expect("one").flag("a"), is, "{query}");
        }
    }

    #[test]
    fn refuses_what_it_cannot_read() {
        for uri in ["/%", "/%4", "/%zz", "/x?a=%ff", "/x?%C3=1", "/%+1"] {
            assert_eq!(parse(uri).expect_err(uri).status(), StatusCode::BAD_REQUEST);
        }
        let newer = parse("/v1.45/version").expect_err("newer");
        assert_eq!(
            newer.to_string(),
            "client version 1.45 is too new. Maximum supported API version is 1.44"
        );
    }
}
