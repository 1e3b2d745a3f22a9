//! The admin API from the client's side: requests, answers, and what is said of those that went wrong.

use hijack::{Body, BodyReader, Client, ClientConnection, Endpoint, Error};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, StatusCode};
use serde_json::Value;

use super::args::Reach;
use super::sse::{EVENT_LEN, Event, Parser};
use crate::exit::{Failure, Kind};
use crate::ws::printable;

/// A gateway's admin API.
pub(super) struct Api {
    client: Client,
    endpoint: Endpoint,
    authorization: Option<HeaderValue>,
}

/// What is asked, and how that is called when it fails: `list connections`.
pub(super) struct Ask<'a> {
    pub(super) doing: &'a str,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) body: Option<Value>,
}

/// Bytes of an answer. A page of connections has some 500 KiB.
const ANSWER_LEN: usize = 64 << 20;

impl Api {
    /// The API at the address that was given, by the token from there or from the environment.
    pub(super) fn new(reach: &Reach) -> Result<Self, Failure> {
        let token = reach.token.clone().or_else(|| std::env::var("HIJACK_TOKEN").ok());
        let authorization =
            token.filter(|token| !token.is_empty()).map(|token| authorization(&token)).transpose()?;
        Ok(Self { client: Client::new(), endpoint: reach.admin.clone(), authorization })
    }

    /// Asks, and gives the answer.
    pub(super) async fn ask(&self, ask: Ask<'_>) -> Result<Value, Failure> {
        let doing = ask.doing;
        let mut connection = self.send(ask, "application/json").await?;
        let bytes = connection.read_to_end(ANSWER_LEN).await.map_err(|error| self.broken(doing, &error))?;
        serde_json::from_slice(&bytes).map_err(|error| self.strange(doing, &error))
    }

    /// Asks for a stream of events.
    pub(super) async fn events(&self, doing: &str, path: String) -> Result<Events<'_>, Failure> {
        let ask = Ask { doing, method: Method::GET, path, body: None };
        let connection = self.send(ask, "text/event-stream").await?;
        Ok(Events { api: self, connection, parser: Parser::default(), ready: Vec::new().into_iter() })
    }

    /// Sends a request; its answer is a good one whose body was not read yet.
    async fn send(&self, ask: Ask<'_>, accept: &'static str) -> Result<ClientConnection, Failure> {
        let mut request = Request::builder().method(ask.method).uri(&ask.path).header(ACCEPT, accept);
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let body = match ask.body {
            Some(value) => {
                request = request.header(CONTENT_TYPE, "application/json");
                Body::from(value.to_string())
            }
            None => Body::empty(),
        };
        let request = request.body(body).map_err(|error| self.strange(ask.doing, &error))?;
        let connected = self.client.connect(&self.endpoint).await;
        let mut connection = connected.map_err(|error| self.unreachable(ask.doing, &error))?;
        let answer = connection.request(request).await.map_err(|error| self.broken(ask.doing, &error))?;
        let status = answer.head.status();
        if status.is_success() {
            return Ok(connection);
        }
        let body = connection.read_to_end(REFUSAL_LEN).await.unwrap_or_default();
        Err(self.refused(ask.doing, status, &body))
    }

    fn unreachable(&self, doing: &str, error: &Error) -> Failure {
        let text = format!("cannot {doing}: {error}; --admin names the admin address of the gateway");
        Failure::new(Kind::Unreachable, text)
    }

    fn broken(&self, doing: &str, error: &Error) -> Failure {
        let text = format!(
            "cannot {doing}: the connection to {} broke: {error} (is that the admin address of a gateway?)",
            self.endpoint
        );
        Failure::new(Kind::Broken, text)
    }

    /// An answer that no gateway of this version gives.
    pub(super) fn strange(&self, doing: &str, error: &dyn std::fmt::Display) -> Failure {
        let text = format!(
            "cannot {doing}: the answer of {} is not understood: {error} (is that the admin address of a gateway of this version?)",
            self.endpoint
        );
        Failure::new(Kind::Broken, text)
    }

    fn refused(&self, doing: &str, status: StatusCode, body: &[u8]) -> Failure {
        let kind = if status == StatusCode::NOT_FOUND { Kind::Unmatched } else { Kind::Refused };
        let detail = detail(body);
        let colon = if detail.is_empty() { "" } else { ": " };
        let mut text = format!("cannot {doing}: {} answered {status}{colon}{detail}", self.endpoint);
        if let Some(advice) = advice(status) {
            text += &format!(" ({advice})");
        }
        Failure::new(kind, text)
    }
}

/// Bytes of a refusal that are read.
const REFUSAL_LEN: usize = 64 * 1024;

fn authorization(token: &str) -> Result<HeaderValue, Failure> {
    let wrong = |_| {
        let text =
            "cannot use the token: it has characters that a header cannot carry (was it copied whole?)";
        Failure::new(Kind::Other, text)
    };
    let mut value = HeaderValue::try_from(format!("Bearer {}", token.trim())).map_err(wrong)?;
    value.set_sensitive(true);
    Ok(value)
}

/// What a refusal says in its body.
fn detail(body: &[u8]) -> String {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let part = |name: &str| value.get(name).and_then(Value::as_str).map(printable);
    match (part("error"), part("detail")) {
        (Some(error), Some(detail)) => format!("{error}: {detail}"),
        (one, other) => one.or(other).unwrap_or_default(),
    }
}

fn advice(status: StatusCode) -> Option<&'static str> {
    Some(match status {
        StatusCode::UNAUTHORIZED => {
            "give the gateway's token by --token or HIJACK_TOKEN: it is printed at the start, or stands in its configuration"
        }
        StatusCode::FORBIDDEN => {
            "the token's role does not allow it, or the address is not one that admin.hosts names"
        }
        StatusCode::NOT_FOUND => "see `hijack conns list`; ended ones by --filter state=closed",
        StatusCode::CONFLICT => "it has ended or cannot take that: see `hijack conns show`",
        _ => return None,
    })
}

/// A stream of events.
pub(super) struct Events<'a> {
    api: &'a Api,
    connection: ClientConnection,
    parser: Parser,
    ready: std::vec::IntoIter<Event>,
}

impl Events<'_> {
    /// The next event; none at the end.
    pub(super) async fn next(&mut self, doing: &str) -> Result<Option<Event>, Failure> {
        loop {
            if let Some(event) = self.ready.next() {
                return Ok(Some(event));
            }
            let mut body: BodyReader<'_> = self.connection.body();
            let piece = body.data().await.map_err(|error| self.api.broken(doing, &error))?;
            let Some(piece) = piece else { return Ok(None) };
            let events = self.parser.feed(&piece);
            let events = events
                .map_err(|_| self.api.strange(doing, &format!("an event exceeds limit {EVENT_LEN} bytes")))?;
            self.ready = events.into_iter();
        }
    }
}

/// A path with a query of those parameters that have a value.
pub(super) fn with_query(path: &str, parameters: &[(&str, Option<String>)]) -> String {
    let mut whole = path.to_owned();
    for (name, value) in parameters {
        if let Some(value) = value {
            let mark = if whole.contains('?') { '&' } else { '?' };
            whole += &format!("{mark}{name}={}", encoded(value));
        }
    }
    whole
}

/// `text` as it stands in a query (RFC 3986 §2.1).
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_encoded() {
        let filter = Some("user=a b&c or tag~\"ü\"".to_owned());
        let path = with_query(
            "/api/connections",
            &[("filter", filter), ("limit", None), ("code", Some("1".into()))],
        );
        assert_eq!(path, "/api/connections?filter=user%3Da%20b%26c%20or%20tag~%22%C3%BC%22&code=1");
    }

    #[test]
    fn refusals_say_what_and_what_to_do() {
        let api = Api { client: Client::new(), endpoint: Endpoint::tcp("h", 1), authorization: None };
        let body = r#"{"error":"unauthorized","detail":"no token"}"#;
        let text = api.refused("list connections", StatusCode::UNAUTHORIZED, body.as_bytes()).to_string();
        let expected =
            "cannot list connections: http://h:1 answered 401 Unauthorized: unauthorized: no token (give ";
        assert!(text.starts_with(expected), "{text}");
        assert!(text.contains("HIJACK_TOKEN"), "{text}");
        let body = r#"{"error":"bad","detail":"a\u001b[1mb"}"#;
        let text = api.refused("kick", StatusCode::BAD_REQUEST, body.as_bytes()).to_string();
        assert_eq!(text, "cannot kick: http://h:1 answered 400 Bad Request: bad: a\\u{1b}[1mb");
        let text = api.refused("kick", StatusCode::BAD_GATEWAY, b"<html>").to_string();
        assert_eq!(text, "cannot kick: http://h:1 answered 502 Bad Gateway");
    }
}
