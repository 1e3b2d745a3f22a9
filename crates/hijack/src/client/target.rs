//! What a request's start line and `Host` say of where it goes (RFC 9112 §3.2).

use std::borrow::Cow;

use http::uri::Authority;
use http::{HeaderValue, Method, Uri, request};

/// The request target: in authority form for `CONNECT`, in absolute form toward proxies, else path and query.
pub(super) fn of<'a>(
    head: &'a request::Parts,
    absolute_form: bool,
    host: Option<&HeaderValue>,
) -> Cow<'a, str> {
    let (uri, path) = (&head.uri, path(&head.uri));
    if head.method == Method::CONNECT {
        // Go's net/rpc asks for a path.
        return uri.authority().map_or(path, |authority| without_user(authority).into());
    }
    if !absolute_form {
        return path;
    }
    let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
    let host = uri.authority().map_or(host, without_user);
    // RFC 9112 §3.2.4: the last proxy makes a `*` of what has no path.
    let path = if path == "*" { "" } else { &path };
    format!("{}://{host}{path}", uri.scheme_str().unwrap_or("http")).into()
}

/// RFC 9112 §3.2.1: an empty path is sent as `/`.
fn path(uri: &Uri) -> Cow<'_, str> {
    match uri.path_and_query().map_or("", |path| path.as_str()) {
        "" => "/".into(),
        query if query.starts_with('?') => format!("/{query}").into(),
        path => path.into(),
    }
}

/// RFC 9110 §4.2.4: the user of a URI, and perhaps a password, goes nowhere.
fn without_user(authority: &Authority) -> &str {
    authority.as_str().rsplit('@').next().unwrap_or_default()
}

/// What `Host` says where the headers do not: the URI's authority, else what the connection knows, else nothing
/// between the colon and the line's end (RFC 9110 §7.2).
pub(super) fn host<'a>(
    head: &request::Parts,
    of_connection: Option<&'a HeaderValue>,
) -> Option<Cow<'a, HeaderValue>> {
    let of_uri = head.uri.authority().map(|authority| HeaderValue::from_str(without_user(authority)));
    if let Some(Ok(host)) = of_uri {
        return Some(Cow::Owned(host));
    }
    Some(of_connection.map_or(Cow::Owned(HeaderValue::from_static("")), Cow::Borrowed))
}
