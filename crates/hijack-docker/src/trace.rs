//! What a client does, for whoever wants to see it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hijack::ResponseHead;
use http::{HeaderMap, Method};
use serde_json::Value;

/// Something that a client does. Shown as text it is a line, or some, as `curl -v` writes them.
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
                body.map_or(Ok(()), |body| write!(f, "\n> {body}"))
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
