//! Token lists against a model that is slow and plain.

use hijack_proto::tokens;
use http::header::{CONNECTION, HeaderMap, HeaderValue};

/// The input's lines, the first one a token to look for and the others values of one list field: elements,
/// `contains`, `is_token` and `is_protocol` are as in the model.
///
/// # Panics
///
/// Where they are not.
pub fn lists(data: &[u8]) {
    let mut lines = data.split(|&byte| byte == b'\n');
    let token = lines.next().unwrap_or_default();
    assert_eq!(tokens::is_token(token), is_token(token));
    assert_eq!(tokens::is_protocol(token), is_protocol(token));
    let values: Vec<&[u8]> = lines.collect();
    for value in &values {
        check_elements(value);
    }
    check_contains(token, &values);
}

fn check_elements(value: &[u8]) {
    let found: Vec<&[u8]> = tokens::elements(value).collect();
    assert_eq!(found, elements(value));
    let joined = found.join(&b", "[..]);
    assert_eq!(tokens::elements(&joined).collect::<Vec<_>>(), found, "written again");
}

fn check_contains(token: &[u8], values: &[&[u8]]) {
    let legal = values.iter().filter_map(|value| HeaderValue::from_bytes(value).ok());
    let headers: HeaderMap = legal.map(|value| (CONNECTION, value)).collect();
    let expected: Vec<&[u8]> =
        headers.get_all(CONNECTION).iter().flat_map(|value| elements(value.as_bytes())).collect();
    assert_eq!(tokens::list(&headers, &CONNECTION).collect::<Vec<_>>(), expected);
    if let Ok(token) = std::str::from_utf8(token) {
        let lower = token.to_ascii_lowercase().into_bytes();
        let listed = expected.iter().any(|element| element.to_ascii_lowercase() == lower);
        assert_eq!(tokens::contains(&headers, &CONNECTION, token), listed);
    }
}

/// RFC 9110 §5.6.1: what stands between commas, without white space around it, unless it is nothing.
fn elements(value: &[u8]) -> Vec<&[u8]> {
    let is_space = |byte: &u8| *byte == b' ' || *byte == b'\t';
    let mut found = Vec::new();
    let mut start = 0;
    for end in 0..=value.len() {
        if end < value.len() && value[end] != b',' {
            continue;
        }
        let piece = &value[start..end];
        if let (Some(first), Some(last)) =
            (piece.iter().position(|byte| !is_space(byte)), piece.iter().rposition(|byte| !is_space(byte)))
        {
            found.push(&piece[first..=last]);
        }
        start = end + 1;
    }
    found
}

/// RFC 9110 §5.6.2.
fn is_token(text: &[u8]) -> bool {
    const MARKS: &[u8] = b"!#$%&'*+-.^_`|~";
    !text.is_empty() && text.iter().all(|byte| byte.is_ascii_alphanumeric() || MARKS.contains(byte))
}

/// RFC 9110 §7.8.
fn is_protocol(text: &[u8]) -> bool {
    let parts: Vec<&[u8]> = text.split(|&byte| byte == b'/').collect();
    parts.len() <= 2 && parts.into_iter().all(is_token)
}
