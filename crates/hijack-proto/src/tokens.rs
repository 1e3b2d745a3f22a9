//! Token lists: `Connection`, `Upgrade`, `Transfer-Encoding`, `Expect`. Compared by token, never by substring,
//! and in ASCII only (a Kelvin sign is no `k`).

use http::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName};

/// Whether `byte` may stand in a token (RFC 9110 §5.6.2).
#[must_use]
pub const fn is_token_byte(byte: u8) -> bool {
    matches!(byte,
        b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z'
        | b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~')
}

/// Whether `text` is one token: not empty and of token bytes only (RFC 9110 §5.6.2).
#[must_use]
pub fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().copied().all(is_token_byte)
}

/// Whether `text` may stand in an `Upgrade` field: a token, or two with one slash between
/// (`protocol-name ["/" protocol-version]`, RFC 9110 §7.8).
#[must_use]
pub fn is_protocol(text: &[u8]) -> bool {
    match text.iter().position(|&byte| byte == b'/') {
        Some(slash) => is_token(&text[..slash]) && is_token(&text[slash + 1..]),
        None => is_token(text),
    }
}

/// The elements of a comma-separated list in one field value, without surrounding white space.
///
/// Empty elements are skipped, as RFC 9110 §5.6.1.2 asks of recipients. A comma inside a quoted string is not
/// recognised: the lists that this crate reads have no quoted strings.
pub fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(trim).filter(|element| !element.is_empty())
}

/// The elements of all lines of the field `name`, in order.
pub fn list<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h [u8]> {
    headers.get_all(name).into_iter().flat_map(|value| elements(value.as_bytes()))
}

/// Whether the field `name` lists `token`; ASCII letters compare without case.
///
/// ```
/// use http::header::{CONNECTION, HeaderMap, HeaderValue};
/// let mut headers = HeaderMap::new();
/// headers.insert(CONNECTION, HeaderValue::from_static("keep-alive, Upgrade"));
/// assert!(hijack_proto::tokens::contains(&headers, &CONNECTION, "upgrade"));
/// assert!(!hijack_proto::tokens::contains(&headers, &CONNECTION, "up"));
/// ```
#[must_use]
pub fn contains(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    list(headers, name).any(|element| element.eq_ignore_ascii_case(token.as_bytes()))
}

/// Removes the fields that are meant for one connection only, which a proxy must not pass on: those that `Connection`
/// names, and those that are so by themselves (RFC 9110 §7.6.1). Those of an upgrade are among them.
///
/// ```
/// use http::header::{CONNECTION, HeaderMap, HeaderValue};
/// let mut headers = HeaderMap::new();
/// headers.insert(CONNECTION, HeaderValue::from_static("close, X-Trace"));
/// headers.insert("x-trace", HeaderValue::from_static("1"));
/// headers.insert("x-other", HeaderValue::from_static("2"));
/// hijack_proto::tokens::strip_hop_by_hop(&mut headers);
/// assert_eq!(headers.len(), 1);
/// ```
pub fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let named = list(headers, &CONNECTION).filter_map(|name| HeaderName::from_bytes(name).ok());
    // Named or not, these are no connection's: without them the message is another one, or is delimited otherwise.
    let named: Vec<_> = named.filter(|name| *name != HOST && *name != CONTENT_LENGTH).collect();
    for name in named {
        headers.remove(name);
    }
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}

const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// `text` without spaces and tabs at its ends (OWS, RFC 9110 §5.6.3).
#[must_use]
pub fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = text {
        text = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

#[cfg(test)]
mod tests {
    use http::header::{CONNECTION, HeaderMap, HeaderValue};

    use super::{contains, elements, is_protocol, is_token};

    fn connection(lines: &[&'static [u8]]) -> HeaderMap {
        let value = |line: &&'static [u8]| (CONNECTION, HeaderValue::from_bytes(line).expect("legal value"));
        lines.iter().map(value).collect()
    }

    /// RFC 9110 §5.6.1: empty elements do not count, white space around elements is not part of them.
    #[test]
    fn splits_lists_into_trimmed_elements() {
        let table: [(&[u8], &[&[u8]]); 6] = [
            (b"", &[]),
            (b" ,, ,", &[]),
            (b"a", &[b"a"]),
            (b" a ,b\t,\tc d ", &[b"a", b"b", b"c d"]),
            (b"a,,b", &[b"a", b"b"]),
            (b"\"a,b\"", &[b"\"a", b"b\""]),
        ];
        for (value, expected) in table {
            assert_eq!(
                elements(value).collect::<Vec<_>>(),
                expected,
                "{:?}",
                value.escape_ascii().to_string()
            );
        }
    }

    /// Behaviour 40: token lists are compared by token, ASCII only.
    #[test]
    fn compares_by_token_in_ascii_only() {
        assert!(contains(&connection(&[b"close", b"keep-alive, UPGRADE"]), &CONNECTION, "upgrade"));
        assert!(!contains(&connection(&[b"upgrade-insecure", b"xupgrade"]), &CONNECTION, "upgrade"));
        assert!(!contains(&connection(&["\u{212a}eep-alive".as_bytes()]), &CONNECTION, "keep-alive"));
        assert!(!contains(&HeaderMap::new(), &CONNECTION, "upgrade"));
    }

    #[test]
    fn tells_tokens_from_other_text() {
        for good in ["a", "h2c", "!#$%&'*+-.^_`|~9Z"] {
            assert!(is_token(good.as_bytes()), "{good}");
        }
        for bad in ["", "a b", "a/b", "a,b", "\u{e9}", "a\0", "(a)", "a\""] {
            assert!(!is_token(bad.as_bytes()), "{bad:?}");
        }
        assert!(is_protocol(b"HTTP/2.0") && is_protocol(b"websocket"));
        assert!(!is_protocol(b"a/b/c") && !is_protocol(b"/b") && !is_protocol(b"a/") && !is_protocol(b""));
    }
}
