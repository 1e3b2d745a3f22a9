//! Header fields on their way through: what belongs to one connection stays here, and the upstream hears who asked.

use hijack::{Peer, tokens};
use http::header::{COOKIE, FORWARDED, HOST, HeaderMap, HeaderName, HeaderValue, TRAILER};

/// Makes a client's fields those of the request to the upstream.
///
/// `Forwarded` and `X-Forwarded-*` of the client's are not believed: they are replaced (RFC 7239 §8.1).
pub(crate) fn forward(headers: &mut HeaderMap, peer: &Peer, is_tls: bool, authority: Option<&str>) {
    strip(headers);
    keep_operators_cookie(headers);
    for name in [FORWARDED, FORWARDED_FOR, FORWARDED_HOST, FORWARDED_PROTO, REAL_IP] {
        headers.remove(name);
    }
    let host = headers.get(HOST).cloned();
    let host = host.or_else(|| HeaderValue::from_str(authority?).ok());
    let proto = if is_tls { "https" } else { "http" };
    let mut forwarded = String::new();
    if let Peer::Tcp(address) = peer {
        let ip = address.ip();
        // RFC 7239 §6: an IPv6 address stands in brackets and quotes.
        let quoted = if ip.is_ipv6() { format!("\"[{ip}]\"") } else { ip.to_string() };
        forwarded.push_str(&format!("for={quoted};"));
        put(headers, FORWARDED_FOR, &ip.to_string());
    }
    if let Some(host) = host.as_ref().and_then(|host| host.to_str().ok()) {
        let is_plain = tokens::is_token(host.as_bytes());
        let quoted =
            if is_plain { host.to_owned() } else { format!("\"{}\"", host.replace(['"', '\\'], "")) };
        forwarded.push_str(&format!("host={quoted};"));
    }
    forwarded.push_str(&format!("proto={proto}"));
    put(headers, FORWARDED, &forwarded);
    put(headers, FORWARDED_PROTO, proto);
    if let Some(host) = host {
        headers.insert(FORWARDED_HOST, host);
    }
}

/// Takes out what is meant for one connection (RFC 9110 §7.6.1). `Trailer` stays, for trailers do (RFC 9110 §6.6.2).
pub(crate) fn strip(headers: &mut HeaderMap) {
    let trailer: Vec<_> = headers.get_all(TRAILER).iter().cloned().collect();
    tokens::strip_hop_by_hop(headers);
    headers.remove("http2-settings");
    for names in trailer {
        headers.append(TRAILER, names);
    }
}

/// The cookie that lets a browser into the operators' side.
pub(crate) const OPERATORS_COOKIE: &str = "hijack_token";

/// Takes the operators' cookie out. Cookies know no ports (RFC 6265 §8.5): where both sides of the gateway have one host,
/// an operator's browser brings it here too, and an upstream must not have it.
fn keep_operators_cookie(headers: &mut HeaderMap) {
    if cookie(headers, OPERATORS_COOKIE).is_none() {
        return;
    }
    let lines: Vec<_> = headers.get_all(COOKIE).iter().filter_map(without_operators_cookie).collect();
    headers.remove(COOKIE);
    for line in lines {
        headers.append(COOKIE, line);
    }
}

/// A line of cookies without the operators'; none if nothing remains of it. One that is no text has no such cookie.
fn without_operators_cookie(line: &HeaderValue) -> Option<HeaderValue> {
    let Ok(text) = line.to_str() else { return Some(line.clone()) };
    let is_ours = |pair: &str| pair.trim().split_once('=').is_some_and(|(name, _)| name == OPERATORS_COOKIE);
    let theirs: Vec<&str> = text.split(';').filter(|pair| !is_ours(pair)).map(str::trim).collect();
    HeaderValue::from_str(&theirs.join("; ")).ok().filter(|line| !line.is_empty())
}

/// The value of the cookie `name` (RFC 6265 §5.4).
pub(crate) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.into_iter().find(|(found, _)| *found == name).map(|(_, value)| value.trim_matches('"'))
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

#[cfg(test)]
mod tests {
    use super::*;

    fn forwarded(peer: &str, host: &str, sent: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        put(&mut headers, HOST, host);
        for (name, value) in sent {
            headers.append(*name, HeaderValue::from_static(value));
        }
        forward(&mut headers, &Peer::Tcp(peer.parse().expect("an address")), true, None);
        headers
    }

    /// RFC 7239 §4 and §6.
    #[test]
    fn tells_who_asked_and_believes_no_client() {
        let headers = forwarded(
            "[2001:db8::1]:5",
            "a:8080",
            &[("x-forwarded-for", "127.0.0.1"), ("forwarded", "for=me")],
        );
        assert_eq!(headers["forwarded"], "for=\"[2001:db8::1]\";host=\"a:8080\";proto=https");
        assert_eq!(headers["x-forwarded-for"], "2001:db8::1");
        assert_eq!(headers["x-forwarded-host"], "a:8080");
        assert_eq!(headers["x-forwarded-proto"], "https");
        assert_eq!(headers.get_all("x-forwarded-for").iter().count(), 1);
    }

    /// RFC 9110 §7.6.1.
    #[test]
    fn keeps_what_is_the_connection_s() {
        let headers = forwarded(
            "1.2.3.4:5",
            "a",
            &[
                ("connection", "upgrade, x-mine"),
                ("upgrade", "h2c"),
                ("http2-settings", "AAMAAABk"),
                ("x-mine", "1"),
                ("trailer", "x-sum"),
                ("x-yours", "2"),
            ],
        );
        for gone in ["connection", "upgrade", "http2-settings", "x-mine"] {
            assert!(!headers.contains_key(gone), "{gone}");
        }
        assert_eq!(
            (&headers["trailer"], &headers["x-yours"]),
            (&"x-sum".parse().expect("a value"), &"2".parse().expect("a value"))
        );
    }

    /// RFC 6265 §8.5: an operator's browser brings the cookie to every port of the host.
    #[test]
    fn keeps_the_operators_cookie_from_upstreams() {
        for (sent, expected) in [
            ("a=1; hijack_token=secret; b=2", Some("a=1; b=2")),
            ("hijack_token=secret", None),
            ("a=1;b=hijack_token=x", Some("a=1;b=hijack_token=x")),
        ] {
            let headers = forwarded("1.2.3.4:5", "a", &[("cookie", sent)]);
            assert_eq!(headers.get(COOKIE).map(|line| line.to_str().expect("text")), expected, "{sent}");
        }
    }

    #[test]
    fn finds_cookies() {
        let mut headers = HeaderMap::new();
        headers.append("cookie", HeaderValue::from_static("a=1; user=\"alice\"; b=2"));
        assert_eq!(cookie(&headers, "user"), Some("alice"));
        assert_eq!(cookie(&headers, "use"), None);
    }
}
