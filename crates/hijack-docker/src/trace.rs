//! What a client does, for whoever wants to see it.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hijack::ResponseHead;
use http::{HeaderMap, Method};
use serde_json::Value;

/// Something that a client does. Shown as text it is a line, or some, as `curl -v` writes them, in which the values
/// of variables (`Env`) are left out: traces are sent around, and passwords are there. The fields have them.
#[derive(Debug)]
#[non_exhaustive]
pub enum Trace<'t> {
    /// A request is sent.
    Request {
        /// Its method.
        method: &'t Method,
        /// Its target, with version and query.
        target: &'t str,
        /// Its headers, but for those that make an upgrade, `Host` and `Content-Length`.
        headers: &'t HeaderMap,
        /// Its body.
        body: Option<&'t Value>,
        /// What it asks the connection to be upgraded to.
        upgrade: Option<&'t str>,
    },
    /// An answer has come, to the request before it on the same connection.
    Answer {
        /// What was asked for.
        target: &'t str,
        /// Its head.
        head: &'t ResponseHead,
        /// How long it took, with connecting.
        after: Duration,
        /// Whether the connection is taken over behind it.
        taken: bool,
    },
}

impl fmt::Display for Trace<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request { method, target, headers, body, upgrade } => {
                write!(f, "> {method} {target}")?;
                if let Some(upgrade) = upgrade {
                    write!(f, "\n> upgrade: {upgrade}")?;
                }
                lines(f, '>', headers)?;
                body.map_or(Ok(()), |body| write!(f, "\n> {}", without_values(body)))
            }
            Self::Answer { target, head, after, taken } => {
                write!(f, "< {} after {after:.1?} to {target}", head.status())?;
                lines(f, '<', head.headers())?;
                if *taken { f.write_str("\n* the connection is taken over") } else { Ok(()) }
            }
        }
    }
}

fn lines(f: &mut fmt::Formatter<'_>, sign: char, headers: &HeaderMap) -> fmt::Result {
    for (name, value) in headers {
        // Escaped: a terminal must not be written to by a daemon.
        write!(f, "\n{sign} {name}: {}", value.as_bytes().escape_ascii())?;
    }
    Ok(())
}

/// The body of a container or an exec, with the names of its variables only.
fn without_values(body: &Value) -> Cow<'_, Value> {
    if body.get("Env").is_none() {
        return Cow::Borrowed(body);
    }
    let mut body = body.clone();
    for variable in body["Env"].as_array_mut().into_iter().flatten() {
        if let Some((name, _)) = variable.as_str().and_then(|text| text.split_once('=')) {
            *variable = Value::String(format!("{name}=…"));
        }
    }
    Cow::Owned(body)
}

type Tell = dyn Fn(&Trace<'_>) + Send + Sync;

/// Whoever wants to see.
#[derive(Clone, Default)]
pub(crate) struct Tracer(pub(crate) Option<Arc<Tell>>);

impl Tracer {
    pub(crate) fn tell(&self, trace: &Trace<'_>) {
        if let Some(tell) = &self.0 {
            tell(trace);
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use serde_json::json;

    use super::*;

    #[test]
    fn shows_no_secrets() {
        let mut headers = HeaderMap::new();
        headers.insert("x-name", HeaderValue::from_static("me"));
        let body = json!({ "Cmd": ["sh"], "Env": ["PASSWORD=secret=", "HOME"] });
        let trace = Trace::Request {
            method: &Method::POST,
            target: "/v1.44/containers/create",
            headers: &headers,
            body: Some(&body),
            upgrade: None,
        };
        let expected = "> POST /v1.44/containers/create\n> x-name: me\n\
                        > {\"Cmd\":[\"sh\"],\"Env\":[\"PASSWORD=…\",\"HOME\"]}";
        assert_eq!(trace.to_string(), expected);
    }
}
