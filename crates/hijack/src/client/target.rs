//! What a request's start line and `Host` say of where it goes (RFC 9112 §3.2).

use std::borrow::Cow;

use http::{HeaderValue, Method, request};

/// The request target: in authority form for `CONNECT`, in absolute form toward proxies, else path and query.
pub(super) fn of<'a>(
    head: &'a request::Parts,
    absolute_form: bool,
    host: Option<&HeaderValue>,
) -> Cow<'a, str> {
    let uri = &head.uri;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    if head.method == Method::CONNECT {
        // Go's net/rpc asks for a path.
        return uri.authority().map_or(path, |authority| authority.as_str()).into();
    }
    if !absolute_form {
        return path.into();
    }
    if uri.scheme().is_some() {
        return uri.to_string().into();
    }
    let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
    format!("http://{host}{path}").into()
}

/// What `Host` says where the headers do not: the URI's authority without its user, else what the connection
/// knows, else nothing between the colon and the line's end (RFC 9110 §7.2).
pub(super) fn host<'a>(
    head: &request::Parts,
    of_connection: Option<&'a HeaderValue>,
) -> Option<Cow<'a, HeaderValue>> {
    if let Some(authority) = head.uri.authority() {
        let without_user = authority.as_str().rsplit('@').next().unwrap_or_default();
        if let Ok(host) = HeaderValue::from_str(without_user) {
            return Some(Cow::Owned(host));
        }
    }
    Some(of_connection.map_or(Cow::Owned(HeaderValue::from_static("")), Cow::Borrowed))
}
