//! One connection and many requests: reuse, pipelining, and a server that answers before it was asked whole.

use hijack::Body;
use hijack_interop::server::pattern;
use http::{Method, Request};

use crate::peer::{Peer, Site};
use crate::row::Upload;

/// A thousand requests on one connection: the server sees one address.
pub(crate) async fn reuse(site: &Site) {
    let mut connection = site.connect().await;
    let mut seen = Vec::new();
    for _ in 0..1000 {
        connection.request(get("/peer")).await.expect("an answer");
        let address = connection.read_to_end(100).await.expect("a body");
        seen.push(String::from_utf8(address.to_vec()).expect("an address"));
    }
    seen.dedup();
    assert_eq!(seen.len(), 1, "connections: {seen:?}");
}

/// A hundred requests of every framing are sent before the first answer is read; each answer names its request.
pub(crate) async fn pipelining(site: &Site) {
    let mut connection = site.connect().await;
    let mut sent = Vec::new();
    for number in 0..100_usize {
        let len = number * 37;
        let (request, expected) = match number % 4 {
            0 => (get(&format!("/bytes/{len}")), pattern(len)),
            1 => (get(&format!("/chunked/{len}")), pattern(len)),
            2 => (head(&format!("/bytes/{len}")), Vec::new()),
            _ => (get("/nowhere"), b"not found\n".to_vec()),
        };
        sent.push((connection.send(request).await.expect("sent ahead"), expected));
    }
    assert_eq!(connection.pending(), 100);
    for (id, expected) in sent {
        connection.answer_to(id).await.expect("the answer to this request");
        let body = connection.read_to_end(10_000).await.expect("a body");
        assert_eq!(body.escape_ascii().to_string(), expected.escape_ascii().to_string(), "{id:?}");
    }
}

/// A refusal in the middle of a large upload is read, not drowned by the failure to write the rest.
pub(crate) async fn early(site: &Site) {
    for upload in [Upload::sized(16_000_000), Upload::chunked(16_000_000)] {
        let mut connection = site.connect().await;
        let mut request = Request::new(upload);
        *request.method_mut() = Method::POST;
        *request.uri_mut() = "/early".parse().expect("a path");
        let answer = connection.request(request).await.expect("the refusal");
        assert_eq!(answer.status(), 413);
        let body = connection.read_to_end(10_000).await.expect("its body");
        if !site.is(&[Peer::Nginx, Peer::NginxTls]) {
            assert_eq!(body.escape_ascii().to_string(), r"too much\n");
        }
    }
}

pub(crate) fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).expect("a request")
}

fn head(path: &str) -> Request<Body> {
    Request::head(path).body(Body::empty()).expect("a request")
}
