//! The calls of a connection: both directions, put together.

use std::collections::{BTreeMap, VecDeque};

use super::direction::{Direction, Seen};
use super::headers::Fields;
use super::{Call, CallEnd, Limits, Lost, Sender, Status};

/// Follows the calls of one connection, from its first byte on.
///
/// Whoever passes the connection's bytes on gives each of them to [`see`](Self::see), in the order of its direction, or
/// tells of it by [`skip`](Self::skip) where [`blind`](Self::blind) allows that. Times are milliseconds of any clock.
/// Its work is linear in the bytes, its memory bounded by [`Limits`].
#[derive(Debug)]
pub struct Calls {
    limits: Limits,
    /// None once it has given up.
    directions: Option<Box<[Direction; 2]>>,
    lost: Option<Lost>,
    caller: Option<Sender>,
    /// Ends that began without a preface.
    called: [bool; 2],
    last_stream: u32,
    open: BTreeMap<u32, Call>,
    ended: VecDeque<Call>,
    begun: u64,
    not_followed: u64,
}

impl Calls {
    /// A connection on which nothing was said.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            directions: Some(Box::new([Direction::new(&limits), Direction::new(&limits)])),
            limits,
            lost: None,
            caller: None,
            called: [false; 2],
            last_stream: 0,
            open: BTreeMap::new(),
            ended: VecDeque::new(),
            begun: 0,
            not_followed: 0,
        }
    }

    /// The end that calls the other; none before its preface.
    #[must_use]
    pub fn caller(&self) -> Option<Sender> {
        self.caller
    }

    /// Calls under way, by stream.
    pub fn open(&self) -> impl ExactSizeIterator<Item = &Call> {
        self.open.values()
    }

    /// The newest of those that have ended, the oldest first.
    pub fn ended(&self) -> impl Iterator<Item = &Call> {
        self.ended.iter()
    }

    /// How many there were, ended or not.
    #[must_use]
    pub fn begun(&self) -> u64 {
        self.begun
    }

    /// How many of them were beyond [`Limits::open`], so that nothing more is known of them.
    #[must_use]
    pub fn not_followed(&self) -> u64 {
        self.not_followed
    }

    /// Why calls are not followed any more, if that is so.
    #[must_use]
    pub fn lost(&self) -> Option<Lost> {
        self.lost
    }

    /// Follows no further calls; those under way end with [`Status::UNKNOWN`].
    pub fn give_up(&mut self, why: Lost, now_ms: u64, ended: &mut dyn FnMut(&Call)) {
        self.directions = None;
        self.lost.get_or_insert(why);
        self.end_all(Status::UNKNOWN, now_ms, ended);
    }

    /// The connection is at its end; calls under way end with [`Status::UNAVAILABLE`].
    pub fn end(&mut self, now_ms: u64, ended: &mut dyn FnMut(&Call)) {
        self.directions = None;
        self.end_all(Status::UNAVAILABLE, now_ms, ended);
    }

    /// Sees bytes of one direction; `ended` is told of each call that ends with them.
    pub fn see(&mut self, from: Sender, mut bytes: &[u8], now_ms: u64, ended: &mut dyn FnMut(&Call)) {
        while let (false, Some(directions)) = (bytes.is_empty(), &mut self.directions) {
            match directions[from.index()].next(bytes, &self.limits) {
                Ok((taken, seen)) => {
                    let (these, rest) = bytes.split_at(taken);
                    bytes = rest;
                    if let Some(seen) = seen {
                        self.note(from, seen, Passed::Seen(these), now_ms, ended);
                    }
                }
                Err(why) => self.give_up(why, now_ms, ended),
            }
        }
    }

    /// Bytes of this direction that may pass unseen.
    #[must_use]
    pub fn blind(&self, from: Sender) -> u64 {
        let Some(directions) = &self.directions else { return u64::MAX };
        let (len, stream) = directions[from.index()].blind();
        let call = stream.and_then(|stream| self.open.get(&stream));
        call.map_or(len, |call| len.min(call.scans[from.index()].blind())).into()
    }

    /// So many bytes passed unseen. If they are more than [`blind`](Self::blind) allows, calls are not followed any more.
    pub fn skip(&mut self, from: Sender, mut len: u64, now_ms: u64, ended: &mut dyn FnMut(&Call)) {
        while len > 0 {
            let blind = self.blind(from).min(len);
            let Some(directions) = &mut self.directions else { return };
            let blind = match usize::try_from(blind) {
                Ok(blind) if blind > 0 => blind,
                _ => return self.give_up(Lost::Unseen, now_ms, ended),
            };
            len -= blind as u64;
            match directions[from.index()].pass(blind) {
                Ok(Some(seen)) => self.note(from, seen, Passed::Unseen, now_ms, ended),
                Ok(None) => {}
                Err(why) => self.give_up(why, now_ms, ended),
            }
        }
    }

    fn note(
        &mut self,
        from: Sender,
        seen: Seen,
        passed: Passed<'_>,
        now_ms: u64,
        ended: &mut dyn FnMut(&Call),
    ) {
        match seen {
            Seen::Preface if self.caller.is_none() => self.caller = Some(from),
            Seen::NoPreface if !self.called[from.other().index()] => self.called[from.index()] = true,
            Seen::Preface | Seen::NoPreface => self.give_up(Lost::NoPreface, now_ms, ended),
            Seen::Data { stream, len, ends } => {
                if let Some(call) = self.open.get_mut(&stream) {
                    match passed {
                        Passed::Seen(bytes) => call.see(from, &bytes[bytes.len() - len..]),
                        Passed::Unseen => call.skip(from, len as u64),
                    }
                }
                if ends && self.caller != Some(from) {
                    self.end_without_trailers(stream, now_ms, ended);
                }
            }
            Seen::Headers { stream, fields, .. } if self.caller == Some(from) => {
                self.begin(stream, &fields, now_ms);
            }
            Seen::Headers { stream, fields, ends } => self.answer(stream, fields, ends, now_ms, ended),
            Seen::GoAway { last } if self.caller != Some(from) => {
                while let Some((&stream, _)) = self.open.range(last.saturating_add(1)..).next() {
                    self.end_call(stream, Status::UNAVAILABLE, None, None, now_ms, ended);
                }
            }
            Seen::GoAway { .. } => {}
            Seen::Reset { stream, code } => {
                self.end_call(stream, Status::from_reset(code), None, Some(from), now_ms, ended);
            }
        }
    }

    /// Headers of the caller's: a call, if the stream is a new one (RFC 9113 §5.1.1).
    fn begin(&mut self, stream: u32, fields: &Fields, now_ms: u64) {
        if stream <= self.last_stream {
            return;
        }
        self.last_stream = stream;
        self.begun += 1;
        if self.open.len() >= self.limits.open {
            self.not_followed += 1;
            return;
        }
        let method = fields.path.as_deref().map(text).unwrap_or_default();
        self.open.insert(stream, Call::new(stream, method, now_ms));
    }

    /// Headers of the other's: the beginning of an answer, its end, or both.
    fn answer(&mut self, stream: u32, fields: Fields, ends: bool, now_ms: u64, ended: &mut dyn FnMut(&Call)) {
        let Some(call) = self.open.get_mut(&stream) else { return };
        if fields.http_status.is_some() {
            call.http_status = fields.http_status;
        }
        if ends {
            let http_status = call.http_status.as_deref().unwrap_or_default();
            let status =
                fields.status.map_or_else(|| Status::from_http(http_status), |status| Status::parse(&status));
            let message = fields.message.as_deref().map(text);
            self.end_call(stream, status, message, None, now_ms, ended);
        }
    }

    /// The answer ends with a message, which no answer of gRPC does: a proxy's page, perhaps.
    fn end_without_trailers(&mut self, stream: u32, now_ms: u64, ended: &mut dyn FnMut(&Call)) {
        let http_status = self.open.get(&stream).and_then(|call| call.http_status.as_deref());
        let status = match http_status {
            None | Some(b"200") => Status::INTERNAL,
            Some(status) => Status::from_http(status),
        };
        self.end_call(stream, status, None, None, now_ms, ended);
    }

    fn end_call(
        &mut self,
        stream: u32,
        status: Status,
        message: Option<Box<str>>,
        reset_by: Option<Sender>,
        now_ms: u64,
        ended: &mut dyn FnMut(&Call),
    ) {
        let Some(mut call) = self.open.remove(&stream) else { return };
        call.end = Some(CallEnd { at_ms: now_ms, status, message, reset_by });
        ended(&call);
        if self.limits.ended == 0 {
            return;
        }
        if self.ended.len() >= self.limits.ended {
            self.ended.pop_front();
        }
        self.ended.push_back(call);
    }

    fn end_all(&mut self, status: Status, now_ms: u64, ended: &mut dyn FnMut(&Call)) {
        while let Some((&stream, _)) = self.open.first_key_value() {
            self.end_call(stream, status, None, None, now_ms, ended);
        }
    }
}

fn text(value: &[u8]) -> Box<str> {
    String::from_utf8_lossy(value).into()
}

/// Bytes that something was read of.
#[derive(Clone, Copy)]
enum Passed<'b> {
    Seen(&'b [u8]),
    Unseen,
}

#[cfg(test)]
mod tests {
    use super::super::frame::{CONTINUATION, DATA, HEADERS, PUSH_PROMISE, RST_STREAM, SETTINGS};
    use super::*;
    use crate::HTTP2_PREFACE as PREFACE;

    fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let len = u32::try_from(payload.len()).expect("a short one").to_be_bytes();
        [&len[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
    }

    /// Fields never indexed and not compressed (RFC 7541 §6.2.3).
    fn block(fields: &[(&str, &str)]) -> Vec<u8> {
        let text = |text: &str| [&[u8::try_from(text.len()).expect("short")], text.as_bytes()].concat();
        fields.iter().flat_map(|(name, value)| [vec![0x10], text(name), text(value)].concat()).collect()
    }

    fn headers(flags: u8, stream: u32, fields: &[(&str, &str)]) -> Vec<u8> {
        frame(HEADERS, flags, stream, &block(fields))
    }

    fn begun(stream: u32, method: &str) -> Vec<u8> {
        headers(0x4, stream, &[(":method", "POST"), (":path", method)])
    }

    fn hello(from: &[u8]) -> Vec<u8> {
        [from, &frame(SETTINGS, 0, 0, &[])].concat()
    }

    fn line(call: &Call) -> String {
        let end = call.end.as_ref().map(|end| (end.status.name(), end.message.as_deref(), end.reset_by));
        format!("{} {} {:?} {end:?}", call.stream, call.method, call.messages)
    }

    /// What has ended, in its order, after these bytes in pieces of `cut`.
    fn lines(said: &[(Sender, Vec<u8>)], cut: usize) -> (Vec<String>, Calls) {
        let mut calls = Calls::new(Limits::default());
        let mut ended = Vec::new();
        for (now_ms, (from, bytes)) in (0..).zip(said) {
            for piece in bytes.chunks(cut) {
                calls.see(*from, piece, now_ms, &mut |call| ended.push(line(call)));
            }
        }
        (ended, calls)
    }

    #[test]
    fn calls_are_told_with_messages_and_status_however_the_bytes_are_cut() {
        use Sender::{Client, Server};
        let two = b"\0\0\0\0\x02hi\0\0\0\0\0";
        let said = [
            (Server, hello(b"")),
            (Client, [hello(PREFACE), begun(1, "/a.B/One"), frame(DATA, 0x1, 1, two)].concat()),
            (Server, headers(0x4, 1, &[(":status", "200")])),
            // Padding of three bytes is no message (RFC 9113 §6.1).
            (Server, frame(DATA, 0x8, 1, b"\x03\0\0\0\0\x01x\0\0\0")),
            (Client, begun(3, "/a.B/Two")),
            (Server, headers(0x5, 1, &[("grpc-status", "0")])),
            (
                Server,
                headers(0x5, 3, &[(":status", "200"), ("grpc-status", "5"), ("grpc-message", "no%20such")]),
            ),
            (Client, [begun(5, "/a.B/Three"), frame(RST_STREAM, 0, 5, &[0, 0, 0, 8])].concat()),
            (Client, begun(7, "/a.B/Four")),
            (Server, headers(0x5, 7, &[(":status", "404")])),
            (Client, begun(9, "/a.B/Five")),
            (Server, [headers(0x4, 9, &[(":status", "503")]), frame(DATA, 0x1, 9, b"<html>")].concat()),
        ];
        let expected = [
            r#"1 /a.B/One [2, 1] Some(("OK", None, None))"#,
            r#"3 /a.B/Two [0, 0] Some(("NOT_FOUND", Some("no%20such"), None))"#,
            r#"5 /a.B/Three [0, 0] Some(("CANCELLED", None, Some(Client)))"#,
            r#"7 /a.B/Four [0, 0] Some(("UNIMPLEMENTED", None, None))"#,
            r#"9 /a.B/Five [0, 0] Some(("UNAVAILABLE", None, None))"#,
        ];
        for cut in 1..200 {
            let (ended, calls) = lines(&said, cut);
            assert_eq!(ended, expected, "in pieces of {cut}");
            assert_eq!((calls.caller(), calls.begun(), calls.lost()), (Some(Client), 5, None));
        }
        let (_, calls) = lines(&said, usize::MAX);
        assert_eq!(calls.ended().next().map(|call| call.duration_ms(99)), Some(4));
    }

    #[test]
    fn a_goaway_ends_what_it_does_not_answer() {
        use Sender::{Client, Server};
        let goaway = frame(7, 0, 0, b"\x80\0\0\x01\0\0\0\0so long");
        let said = [
            (Server, hello(b"")),
            (Client, [hello(PREFACE), begun(1, "/a"), begun(3, "/b"), begun(5, "/c")].concat()),
            (Client, frame(7, 0, 0, b"\0\0\0\0\0\0\0\0")),
            (Server, goaway),
        ];
        for cut in 1..60 {
            let (ended, calls) = lines(&said, cut);
            let expected = ["3 /b [0, 0]", "5 /c [0, 0]"]
                .map(|call| format!(r#"{call} Some(("UNAVAILABLE", None, None))"#));
            assert_eq!(ended, expected, "in pieces of {cut}");
            assert_eq!(calls.open().map(|call| call.stream).collect::<Vec<_>>(), [1]);
        }
    }

    #[test]
    fn the_server_of_the_takeover_may_be_the_one_that_calls() {
        use Sender::{Client, Server};
        let said = [
            (Client, hello(b"")),
            (Server, [hello(PREFACE), begun(1, "/a.B/One")].concat()),
            (Client, headers(0x5, 1, &[(":status", "200"), ("grpc-status", "0")])),
        ];
        let (ended, calls) = lines(&said, 7);
        assert_eq!(ended, [r#"1 /a.B/One [0, 0] Some(("OK", None, None))"#]);
        assert_eq!(calls.caller(), Some(Server));
    }

    #[test]
    fn headers_in_several_frames_are_one_block_and_tables_are_kept() {
        use Sender::{Client, Server};
        // Indexed literals (RFC 7541 §6.2.1), named again by 62 (§6.1), the newest of the table.
        let path = [&[0x44, 8][..], b"/a.B/One"].concat();
        let said = [
            (Server, hello(b"")),
            (Client, hello(PREFACE)),
            (Client, [frame(HEADERS, 0, 1, &path[..3]), frame(CONTINUATION, 0x4, 1, &path[3..])].concat()),
            (Client, frame(HEADERS, 0x4, 3, &[0xbe])),
            (Client, frame(RST_STREAM, 0, 3, &[0, 0, 0, 8])),
        ];
        let (ended, calls) = lines(&said, 5);
        assert_eq!(ended, [r#"3 /a.B/One [0, 0] Some(("CANCELLED", None, Some(Client)))"#]);
        assert_eq!(calls.open().map(|call| &*call.method).collect::<Vec<_>>(), ["/a.B/One"]);
    }

    #[test]
    fn what_cannot_be_followed_is_given_up_with_its_reason() {
        use Sender::{Client, Server};
        let hellos = [(Server, hello(b"")), (Client, hello(PREFACE))];
        let limits = Limits::default();
        let wrong = |kind| Lost::WrongFrame { kind };
        let long = frame(HEADERS, 0x4, 1, &vec![0; limits.block_len + 1]);
        let table = frame(HEADERS, 0x4, 1, &[0x3f, 0xe2, 0xff, 0x03, 0x82]);
        for (bytes, why) in [
            (frame(PUSH_PROMISE, 0x4, 1, &[0, 0, 0, 2, 0x82]), wrong(PUSH_PROMISE)),
            (frame(CONTINUATION, 0x4, 1, &[0x82]), wrong(CONTINUATION)),
            ([frame(HEADERS, 0, 1, &[0x82]), frame(DATA, 0, 1, b"x")].concat(), wrong(DATA)),
            (frame(DATA, 0x8, 1, b"\x02x"), wrong(DATA)),
            (frame(DATA, 0x8, 1, b""), wrong(DATA)),
            (frame(RST_STREAM, 0, 1, &[8]), wrong(RST_STREAM)),
            (long, Lost::BlockTooLong { len: limits.block_len + 1, limit: limits.block_len }),
            (frame(HEADERS, 0x4, 1, &[0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]), Lost::Headers),
            (table, Lost::Headers),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), wrong(b'*')),
        ] {
            let said = [&hellos[..], &[(Client, bytes.clone())]].concat();
            let (_, calls) = lines(&said, 3);
            // What looks like a frame of a length may not have come to its end.
            assert!(
                calls.lost() == Some(why) || (calls.lost().is_none() && why == wrong(b'*')),
                "{bytes:?} {calls:?}"
            );
        }
        for said in [
            vec![(Client, b"GET / HTTP/1.1\r\n\r\n".to_vec())],
            vec![(Client, b"PRI * HTTP/1.1\r\n\r\n".to_vec())],
            vec![(Client, hello(PREFACE)), (Server, hello(PREFACE))],
            vec![(Client, hello(b"")), (Server, hello(b""))],
            vec![(Client, [&PREFACE[..], &begun(1, "/a")].concat())],
        ] {
            let (_, calls) = lines(&said, 4);
            assert_eq!(calls.lost(), Some(Lost::NoPreface), "{said:?}");
            assert_eq!((calls.blind(Client), calls.blind(Server)), (u64::MAX, u64::MAX));
        }
    }

    #[test]
    fn payloads_may_pass_unseen() {
        use Sender::{Client, Server};
        let (_, mut calls) =
            lines(&[(Server, hello(b"")), (Client, hello(PREFACE)), (Client, begun(1, "/a"))], 9);
        let see = |calls: &mut Calls, bytes: &[u8]| calls.see(Client, bytes, 0, &mut |_| {});
        see(&mut calls, &frame(DATA, 0, 1, &[0; 105])[..9]);
        assert_eq!(calls.blind(Client), 0);
        see(&mut calls, &[0, 0, 0, 0, 200]);
        // To the end of the frame, within the message.
        assert_eq!(calls.blind(Client), 100);
        calls.skip(Client, 100, 0, &mut |_| {});
        see(&mut calls, &frame(DATA, 1, 1, &[0; 105])[..9]);
        // To the end of the message, within the frame.
        assert_eq!(calls.blind(Client), 100);
        calls.skip(Client, 100, 0, &mut |_| {});
        assert_eq!(calls.open().map(|call| call.messages).collect::<Vec<_>>(), [[1, 0]]);
        calls.skip(Client, 1, 0, &mut |_| {});
        assert_eq!(calls.lost(), Some(Lost::Unseen));
    }

    #[test]
    fn what_is_beyond_the_limits_is_counted() {
        let mut limits = Limits::default();
        (limits.open, limits.ended) = (2, 1);
        let mut calls = Calls::new(limits);
        let mut count = 0;
        calls.see(Sender::Server, &hello(b""), 0, &mut |_| {});
        calls.see(Sender::Client, &hello(PREFACE), 0, &mut |_| {});
        for stream in [1, 3, 5] {
            calls.see(Sender::Client, &begun(stream, "/a"), 0, &mut |_| {});
        }
        assert_eq!((calls.begun(), calls.not_followed(), calls.open().count()), (3, 1, 2));
        calls.end(7, &mut |call| {
            assert_eq!(call.end.as_ref().map(|end| end.status), Some(Status::UNAVAILABLE));
            count += 1;
        });
        assert_eq!((count, calls.open().count(), calls.ended().count()), (2, 0, 1));
    }
}
