//! Who may ask for what. A browser on this machine must not be led to act for a page from elsewhere, so that a request has to
//! name this host, come from a page of this site if from any, and bring a token.

use hijack::Exchange;
use http::header::{AUTHORIZATION, HOST, HeaderMap, ORIGIN};
use http::{Method, StatusCode};

use super::api::decode;
use crate::config::{Role, Token};
use crate::headers::{OPERATORS_COOKIE, cookie};

/// Who asks, and with which rights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Who {
    pub(super) name: String,
    pub(super) role: Role,
}

/// Why somebody is not let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Denied {
    pub(super) status: StatusCode,
    pub(super) error: &'static str,
    pub(super) detail: String,
}

impl Denied {
    fn new(status: StatusCode, error: &'static str, detail: impl Into<String>) -> Self {
        Self { status, error, detail: detail.into() }
    }
}

/// Whether the request is meant for this site: a page that had its own name lead here (DNS rebinding) names another host.
pub(super) fn check_host(headers: &HeaderMap, allowed: &[String]) -> Result<(), Denied> {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = without_port(host);
    if allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(name)) {
        return Ok(());
    }
    let detail = format!("this is not {host:?}: ask for 127.0.0.1, or name the host in admin.hosts");
    Err(Denied::new(StatusCode::MISDIRECTED_REQUEST, "wrong host", detail))
}

/// Whether the request comes from a page of another site (cross-site request forgery and WebSocket hijacking).
pub(super) fn check_origin(headers: &HeaderMap) -> Result<(), Denied> {
    let foreign =
        |what: &str| Denied::new(StatusCode::FORBIDDEN, "foreign page", format!("{what} is of another site"));
    if let Some(site) = headers.get("sec-fetch-site")
        && !matches!(site.as_bytes(), b"same-origin" | b"none")
    {
        return Err(foreign("Sec-Fetch-Site"));
    }
    let Some(origin) = headers.get(ORIGIN) else { return Ok(()) };
    let host = headers.get(HOST).map(http::HeaderValue::as_bytes).unwrap_or_default();
    let of_origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    match of_origin {
        Some((_, authority)) if authority.as_bytes().eq_ignore_ascii_case(host) => Ok(()),
        _ => Err(foreign("Origin")),
    }
}

/// Who asks, by the token.
pub(super) fn identify(headers: &HeaderMap, tokens: &[Token]) -> Result<Who, Denied> {
    let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = header.and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    let kept = || cookie(headers, OPERATORS_COOKIE).and_then(unescaped);
    let Some(given) = bearer.map(str::to_owned).or_else(kept) else {
        let detail = "a token is needed: Authorization: Bearer TOKEN";
        return Err(Denied::new(StatusCode::UNAUTHORIZED, "no token", detail));
    };
    let found = tokens.iter().find(|token| is_same(token.secret.as_bytes(), given.as_bytes()));
    match found {
        Some(token) => Ok(Who { name: token.name.clone(), role: token.role }),
        None => Err(Denied::new(StatusCode::UNAUTHORIZED, "wrong token", "this token is not known here")),
    }
}

/// Whether `who` may do what needs `role`.
pub(super) fn authorize(who: &Who, role: Role) -> Result<(), Denied> {
    if who.role >= role {
        return Ok(());
    }
    let detail = format!("{} is {}, and this needs {}", who.name, name_of(who.role), name_of(role));
    Err(Denied::new(StatusCode::FORBIDDEN, "not allowed", detail))
}

/// The token in the query, if it is one, for the link that opens the console.
pub(super) fn token_in_query(exchange: &Exchange, tokens: &[Token]) -> Option<String> {
    if *exchange.method() != Method::GET {
        return None;
    }
    let given = exchange.uri().query()?.split('&').find_map(|pair| pair.strip_prefix("token="))?;
    let given = unescaped(given)?;
    tokens.iter().any(|token| is_same(token.secret.as_bytes(), given.as_bytes())).then_some(given)
}

/// A secret as it can stand in a cookie, whatever signs it has.
pub(super) fn escaped(secret: &str) -> String {
    let mut escaped = String::with_capacity(secret.len());
    for byte in secret.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

/// Undoes [`escaped`]. A plus is a plus, also in a link: secrets in base64 have some.
fn unescaped(text: &str) -> Option<String> {
    decode(&text.replace('+', "%2B")).ok()
}

pub(super) fn name_of(role: Role) -> &'static str {
    match role {
        Role::Viewer => "a viewer",
        Role::Inspector => "an inspector",
        Role::Operator => "an operator",
    }
}

/// Compares without telling by its time how much is right.
fn is_same(secret: &[u8], given: &[u8]) -> bool {
    let differing = secret.iter().zip(given).fold(0, |differing, (a, b)| differing | (a ^ b));
    secret.len() == given.len() && differing == 0 && !secret.is_empty()
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !name.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        fields
            .iter()
            .map(|(name, value)| ((*name).parse().expect("a name"), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn knows_its_own_hosts() {
        let allowed = ["127.0.0.1".to_owned(), "localhost".to_owned(), "[::1]".to_owned()];
        for host in ["127.0.0.1:9091", "LOCALHOST", "[::1]:9091"] {
            let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_str(host).expect("a value"))]);
            assert_eq!(check_host(&headers, &allowed), Ok(()), "{host}");
        }
        for host in ["evil.example:9091", "127.0.0.1.evil.example", "", "::1"] {
            let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_str(host).expect("a value"))]);
            assert!(check_host(&headers, &allowed).is_err(), "{host}");
        }
    }

    #[test]
    fn refuses_pages_of_other_sites() {
        let host = ("host", "127.0.0.1:9091");
        for (name, value) in [
            ("origin", "http://127.0.0.1:9091"),
            ("sec-fetch-site", "same-origin"),
            ("sec-fetch-site", "none"),
        ] {
            assert_eq!(check_origin(&headers(&[host, (name, value)])), Ok(()), "{name}: {value}");
        }
        for (name, value) in [
            ("origin", "http://evil.example"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            assert!(check_origin(&headers(&[host, (name, value)])).is_err(), "{name}: {value}");
        }
    }

    #[test]
    fn any_secret_comes_back_out_of_a_cookie() {
        for secret in ["plain-secret.1234", "a+b/c==;d,e\"f%41g{}", "+++;;;===%%%%%%%%%"] {
            let tokens = [Token { name: "hand".into(), role: Role::Operator, secret: secret.into() }];
            let cookie = format!("{OPERATORS_COOKIE}={}", escaped(secret));
            let headers = HeaderMap::from_iter([(
                http::header::COOKIE,
                HeaderValue::from_str(&cookie).expect("a value"),
            )]);
            assert!(identify(&headers, &tokens).is_ok(), "{secret}");
        }
    }

    #[test]
    fn tells_tokens_and_roles_apart() {
        let token = |name: &str, role, secret: &str| Token { name: name.into(), role, secret: secret.into() };
        let tokens =
            [token("eye", Role::Viewer, "viewer-secret-1"), token("hand", Role::Operator, "operator-secret")];
        let eye = identify(&headers(&[("authorization", "Bearer viewer-secret-1")]), &tokens).expect("known");
        assert_eq!(eye, Who { name: "eye".into(), role: Role::Viewer });
        let hand =
            identify(&headers(&[("cookie", "a=b; hijack_token=operator-secret")]), &tokens).expect("known");
        assert!(authorize(&hand, Role::Inspector).is_ok());
        assert_eq!(authorize(&eye, Role::Operator).expect_err("a viewer").status, StatusCode::FORBIDDEN);
        for wrong in ["Bearer viewer-secret-2", "Bearer viewer-secret-11", "Basic viewer-secret-1", "Bearer "]
        {
            let refused = identify(&headers(&[("authorization", wrong)]), &tokens).expect_err("wrong");
            assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{wrong}");
        }
    }
}
