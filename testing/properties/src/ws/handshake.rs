//! The opening handshake (RFC 6455 §4).

use bytes::Bytes;
use hijack_proto::ws::deflate::Config;
use hijack_proto::ws::handshake::{Asked, Opening, Origins, Refusal};
use hijack_proto::{Limits, RequestHead, ResponseHead};
use http::{HeaderMap, Method, StatusCode, Version};

/// A head. As a request: what is accepted has what RFC 6455 §4.2.1 asks for, and a client that had sent it
/// believes the answer, with each subprotocol that it offered and with none; what is refused is told by an error
/// status. As an answer: a client believes it only with what it asked for.
///
/// # Panics
///
/// Where that is not so.
pub fn opening(data: &[u8]) {
    let raw = Bytes::copy_from_slice(data);
    if let Ok(head) = RequestHead::parse(raw.clone(), &Limits::default()) {
        match Opening::of_head(&head) {
            Ok(opening) => check_accepted(&head, opening),
            Err(refusal) => check_refused(refusal),
        }
    }
    if let Ok(head) = ResponseHead::parse(raw, &Limits::default()) {
        check_answer(&head);
    }
}

fn check_accepted(head: &RequestHead, opening: Opening<'_>) {
    assert_eq!((head.method(), head.version()), (&Method::GET, Version::HTTP_11));
    let listed = |name, token: &str| head.list(name).any(|word| word.eq_ignore_ascii_case(token.as_bytes()));
    assert!(listed("upgrade", "websocket") && listed("connection", "upgrade"));
    assert_eq!(head.values("sec-websocket-version").collect::<Vec<_>>(), [b"13"]);
    if let Err(refusal) = opening.check_origin(&Origins::default()) {
        assert!(head.values("origin").next().is_some(), "{refusal}");
    }
    let deflate = opening.deflate(&Config::default());
    assert!(deflate.is_none() || head.values("sec-websocket-extensions").next().is_some());
    let offers: Vec<&str> = opening.subprotocols().collect();
    for chosen in offers.iter().copied().map(Some).chain([None]) {
        let answer = opening.answer(chosen, None).expect("it was offered");
        check_believed(head, &offers, chosen, &answer);
    }
    let invented = "not offered";
    assert_eq!(opening.answer(Some(invented), None), Err(Refusal::Subprotocol));
}

fn check_believed(head: &RequestHead, offers: &[&str], chosen: Option<&str>, answer: &HeaderMap) {
    let key = head.values("sec-websocket-key").next().expect("accepted with a key");
    let nonce = decode(key);
    let asked = Asked::new(nonce).with_subprotocols(offers.iter().copied());
    // Four bits of the last digit belong to no byte: a client of ours leaves them zero.
    if asked.request()["sec-websocket-key"].as_bytes() == key {
        let agreed = asked.verify(StatusCode::SWITCHING_PROTOCOLS, answer).expect("our answers are legal");
        assert_eq!(agreed.subprotocol.as_deref(), chosen);
        assert_eq!(agreed.deflate, None);
    }
}

/// Sixteen bytes of base64 (RFC 4648 §4), plainly.
fn decode(key: &[u8]) -> [u8; 16] {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    assert!(key.len() == 24 && key.ends_with(b"=="), "{}", key.escape_ascii());
    let value = |digit: &u8| DIGITS.iter().position(|known| known == digit).expect("a digit") as u128;
    // 22 digits are 132 bits; the last four are no part of the bytes.
    let (last, digits) = key[..22].split_last().expect("not empty");
    let number = digits.iter().fold(0, |number, digit| number << 6 | value(digit));
    (number << 2 | value(last) >> 4).to_be_bytes()
}

fn check_refused(refusal: Refusal) {
    let mut headers = HeaderMap::new();
    refusal.put_headers(&mut headers);
    assert!(refusal.status().is_client_error(), "{refusal}");
    assert_eq!(refusal.status() == StatusCode::UPGRADE_REQUIRED, headers.contains_key("upgrade"));
}

fn check_answer(head: &ResponseHead) {
    let asked = Asked::new(*b"the sample nonce").with_subprotocols(["chat"]).with_deflate(Config::default());
    let Ok(agreed) = asked.verify(head.status(), head.headers()) else { return };
    assert_eq!(head.status(), StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(head.headers()["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    let subprotocols = head.headers().get_all("sec-websocket-protocol").iter().count();
    assert_eq!(agreed.subprotocol.as_deref(), (subprotocols == 1).then_some("chat"));
    assert!(agreed.deflate.is_none_or(|deflate| deflate.server_no_context_takeover));
    let plain = Asked::new(*b"the sample nonce").verify(head.status(), head.headers());
    assert_eq!(plain.is_ok(), subprotocols == 0 && agreed.deflate.is_none());
}
