//! Answers to a script of requests.

use super::{Framing, Pipeline};
use crate::Ask;

impl Pipeline {
    pub(super) fn put_responses(&mut self) {
        let count = 1 + self.rng.below(4);
        for number in 1..=count {
            let is_last = number == count;
            if is_last && self.rng.one_in(12) {
                return self.put_takeover();
            }
            let method = self.rng.pick(METHODS);
            self.ask(method);
            for _ in 0..self.rng.below(8).saturating_sub(5) {
                self.put_interim();
            }
            self.put_response(method, is_last);
        }
    }

    fn ask(&mut self, method: &str) {
        self.asks.push(Ask { method: method.to_owned(), at: self.bytes.len() });
    }

    /// RFC 9110 §9.3.6 and §15.2.2: behind these heads HTTP is over.
    fn put_takeover(&mut self) {
        let (method, status) = if self.rng.one_in(2) { ("CONNECT", "200") } else { ("GET", "101") };
        self.ask(method);
        self.put_status_line(status, false);
        let mut fields = self.plain_fields();
        if status == "101" {
            fields.retain(|field| !field.to_ascii_lowercase().starts_with("upgrade"));
            fields.extend([self.field("Connection", "upgrade"), self.field("Upgrade", "x")]);
        }
        self.put_shuffled(fields);
        self.put_noise();
        self.accept(status, Vec::new());
    }

    /// RFC 9110 §15.2: any number of them comes before the final response.
    fn put_interim(&mut self) {
        let status = self.rng.pick(INTERIMS);
        self.put_status_line(status, false);
        let fields = self.plain_fields();
        self.put_shuffled(fields);
    }

    fn put_response(&mut self, method: &str, is_last: bool) {
        let status = self.rng.pick(STATUSES);
        let may_have_body = method != "HEAD" && !BODILESS.contains(&status);
        let framing = self.response_framing(status, is_last);
        // RFC 9112 §6.1: no transfer coding in HTTP/1.0.
        let is_old = framing != Framing::Chunked && self.rng.one_in(8);
        let body = self.body();

        self.put_status_line(status, is_old);
        let mut fields = self.plain_fields();
        if let Some(options) = self.response_connection(is_old, is_last) {
            fields.push(self.field("Connection", options));
        }
        fields.extend(self.framing_field(framing, body.len()));
        self.put_shuffled(fields);
        if may_have_body {
            self.put_body(framing, &body);
            self.accept(status, body);
        } else {
            self.accept(status, Vec::new());
        }
    }

    /// RFC 9112 §6.3: a body that declares nothing ends with the connection. Node ends it also behind a response
    /// to HEAD that declares nothing.
    fn response_framing(&mut self, status: &str, is_last: bool) -> Framing {
        let may_declare_nothing = is_last || BODILESS.contains(&status);
        [Framing::Length, Framing::Chunked, Framing::None]
            [self.rng.below(2 + usize::from(may_declare_nothing))]
    }

    /// RFC 9112 §9.3: every response but the last keeps the connection.
    fn response_connection(&mut self, is_old: bool, is_last: bool) -> Option<&'static str> {
        match (is_old, is_last) {
            (true, false) => Some(self.rng.pick(&["keep-alive", "Keep-Alive", "x, keep-alive"])),
            (_, true) if self.rng.one_in(3) => Some(self.rng.pick(&["close", "keep-alive", "Close, x"])),
            (false, false) if self.rng.one_in(6) => {
                Some(self.rng.pick(&["keep-alive", "x", "x, Keep-Alive"]))
            }
            _ => None,
        }
    }

    /// RFC 9112 §4: the reason phrase may be empty.
    fn put_status_line(&mut self, status: &str, is_old: bool) {
        let reason = self.rng.pick(REASONS);
        self.put(&format!("HTTP/1.{} {status} {reason}\r\n", u8::from(!is_old)));
    }
}

const METHODS: &[&str] =
    &["GET", "GET", "GET", "POST", "POST", "HEAD", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"];
const INTERIMS: &[&str] = &["100", "102", "103", "199"];
/// RFC 9110 §15.3.5 and §15.4.5.
const BODILESS: &[&str] = &["204", "304"];
const STATUSES: &[&str] = &[
    "200", "200", "200", "201", "202", "204", "206", "226", "299", "301", "302", "304", "400", "404", "407",
    "418", "426", "500", "503", "599",
];
const REASONS: &[&str] =
    &["OK", "OK", "", "Not Found", "a\tb", "caf\u{e9}", "HTTP/1.1 200 OK", "!\"#:;<=>?[\\]{|}~"];
