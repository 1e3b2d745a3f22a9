//! Pipelines of requests.

use super::{Framing, Pipeline};

impl Pipeline {
    pub(super) fn put_requests(&mut self) {
        let count = 1 + self.rng.below(4);
        for number in 1..=count {
            let is_last = number == count;
            if is_last && self.rng.one_in(20) {
                return self.put_connect();
            }
            let was_post = self.put_request(is_last);
            if was_post && self.rng.one_in(8) {
                // RFC 9112 §2.2: old clients end a POST so; Go skips it nowhere else.
                self.bytes.extend_from_slice(b"\r\n");
            }
        }
    }

    fn put_connect(&mut self) {
        let target = format!("{}:{}", self.rng.pick(HOSTS), 1 + self.rng.below(65_535));
        self.put(&format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n"));
        self.put_noise();
        self.accept(&target, Vec::new());
    }

    /// One request; says whether it was a POST.
    fn put_request(&mut self, is_last: bool) -> bool {
        let framing = [Framing::None, Framing::Length, Framing::Chunked][self.rng.below(3)];
        // RFC 9112 §6.1: no transfer coding in HTTP/1.0.
        let is_old = framing != Framing::Chunked && self.rng.one_in(8);
        let method = self.rng.pick(METHODS);
        let target = self.target(method);
        let body = if framing == Framing::None { Vec::new() } else { self.body() };

        self.put(&format!("{method} {target} HTTP/1.{}\r\n", u8::from(!is_old)));
        let mut fields = self.plain_fields();
        fields.extend(self.connection_fields(is_old, is_last));
        if framing != Framing::None && self.rng.one_in(10) {
            fields.push(self.field("Expect", "100-continue"));
        }
        fields.extend(self.framing_field(framing, body.len()));
        self.put_shuffled(fields);
        self.put_body(framing, &body);
        self.accept(&target, body);
        method == "POST"
    }

    fn connection_fields(&mut self, is_old: bool, is_last: bool) -> Vec<String> {
        let mut fields = Vec::new();
        if !is_old || self.rng.one_in(2) {
            let host = self.rng.pick(HOSTS);
            fields.push(self.field("Host", host));
        }
        if let Some(options) = self.connection(is_old, is_last) {
            fields.push(self.field("Connection", options));
        }
        fields
    }

    /// RFC 9112 §3.2: mostly origin form.
    fn target(&mut self, method: &str) -> String {
        if method == "OPTIONS" && self.rng.one_in(2) {
            return "*".to_owned();
        }
        let mut target = String::new();
        if self.rng.one_in(10) {
            target = format!("http://{}", self.rng.pick(HOSTS));
        }
        for _ in 0..1 + self.rng.below(3) {
            target.push('/');
            for _ in 0..self.rng.below(4) {
                target.push_str(self.rng.pick(PATH_PARTS));
            }
        }
        if self.rng.one_in(3) {
            target.push('?');
            for _ in 0..self.rng.below(4) {
                target.push_str(self.rng.pick(QUERY_PARTS));
            }
        }
        target
    }

    /// RFC 9112 §9.3: every request but the last keeps the connection.
    fn connection(&mut self, is_old: bool, is_last: bool) -> Option<&'static str> {
        match (is_old, is_last) {
            (true, false) => Some(self.rng.pick(&["keep-alive", "Keep-Alive"])),
            (_, true) if self.rng.one_in(4) => {
                Some(self.rng.pick(&["close", "keep-alive", "upgrade", "Close, x"]))
            }
            (false, false) if self.rng.one_in(8) => {
                Some(self.rng.pick(&["keep-alive", "x", "te, keep-alive"]))
            }
            _ => None,
        }
    }
}

const METHODS: &[&str] =
    &["GET", "GET", "POST", "POST", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "PATCH", "PROPFIND", "QUERY"];
const HOSTS: &[&str] = &["a", "example.test", "a-b.c", "127.0.0.1", "[::1]", "A"];
const PATH_PARTS: &[&str] = &["a", "b9", "-._~", "%41", "%2f", "!$&'()*+,;=", ":@", ".", ".."];
const QUERY_PARTS: &[&str] = &["a=b", "&", "c", "%20", "/", "?", "=", "+"];
