//! Writing heads. What is written comes from types of the `http` crate, which cannot hold a line break, so no
//! value can end its line early.

use http::header::{HeaderMap, HeaderName};
use http::{Method, StatusCode, Version};

use super::Reason;

/// `HTTP/1.1 200 OK` and its line end. Without `reason` the status's usual words stand there.
pub(crate) fn put_status_line(
    out: &mut Vec<u8>,
    version: Version,
    status: StatusCode,
    reason: Option<&Reason>,
) {
    out.extend_from_slice(version_text(version));
    out.push(b' ');
    out.extend_from_slice(status.as_str().as_bytes());
    out.push(b' ');
    let usual = || status.canonical_reason().unwrap_or_default();
    out.extend_from_slice(reason.map_or_else(usual, Reason::as_str).as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// `GET /path HTTP/1.1` and its line end. `target` is the caller's duty: visible bytes, no space.
pub(crate) fn put_request_line(out: &mut Vec<u8>, method: &Method, target: &[u8], version: Version) {
    out.extend_from_slice(method.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(target);
    out.push(b' ');
    out.extend_from_slice(version_text(version));
    out.extend_from_slice(b"\r\n");
}

/// All of `headers` except those that `skip` names.
pub(crate) fn put_headers(out: &mut Vec<u8>, headers: &HeaderMap, skip: impl Fn(&HeaderName) -> bool) {
    for (name, value) in headers {
        if !skip(name) {
            put_header(out, name.as_str(), value.as_bytes());
        }
    }
}

/// One header line. The name is written in the usual spelling, `Content-Type` and `Sec-WebSocket-Key`: names have no
/// case, but peers that compare them with case are older than the rule (RFC 9110 §5.1).
pub(crate) fn put_header(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    let start = out.len();
    out.extend_from_slice(name.as_bytes());
    let mut start_of_word = true;
    for byte in &mut out[start..] {
        if start_of_word {
            byte.make_ascii_uppercase();
        }
        start_of_word = *byte == b'-';
    }
    if name.starts_with(SEC_WEBSOCKET) {
        out[start + "sec-web".len()].make_ascii_uppercase();
    }
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// How the names of RFC 6455 begin, the only common ones with a capital within a word.
const SEC_WEBSOCKET: &str = "sec-websocket-";

/// One header line of ours; `name` brings its colon and space.
pub(crate) fn put_line(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.extend_from_slice(name);
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// `number` in decimal digits.
pub(crate) fn put_decimal(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b"0123456789"[usize::try_from(number % 10).unwrap_or_default()];
        number /= 10;
        if number == 0 {
            return out.extend_from_slice(&digits[start..]);
        }
    }
}

fn version_text(version: Version) -> &'static [u8] {
    if version == Version::HTTP_10 { b"HTTP/1.0" } else { b"HTTP/1.1" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_lines_to_the_byte() {
        let mut out = Vec::new();
        put_status_line(&mut out, Version::HTTP_11, StatusCode::OK, None);
        put_status_line(
            &mut out,
            Version::HTTP_10,
            StatusCode::SWITCHING_PROTOCOLS,
            Reason::new("UPGRADED").as_ref(),
        );
        put_status_line(&mut out, Version::HTTP_11, StatusCode::from_u16(299).expect("legal"), None);
        put_request_line(&mut out, &Method::CONNECT, b"a:1", Version::HTTP_11);
        put_header(&mut out, "sec-websocket-key", b"k");
        put_header(&mut out, "dnt", b"");
        let expected = "HTTP/1.1 200 OK\r\nHTTP/1.0 101 UPGRADED\r\nHTTP/1.1 299 \r\nCONNECT a:1 HTTP/1.1\r\n\
            Sec-WebSocket-Key: k\r\nDnt: \r\n";
        assert_eq!(String::from_utf8(out).as_deref(), Ok(expected));
    }

    #[test]
    fn writes_decimals() {
        for number in [0, 7, 10, 65_536, u64::MAX] {
            let mut out = Vec::new();
            put_decimal(&mut out, number);
            assert_eq!(out, number.to_string().into_bytes());
        }
    }
}
