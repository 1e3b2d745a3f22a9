//! The chunked coding (RFC 9112 §7.1), read strictly: a bare LF ends no chunk line, since readers that
//! disagree on it can be made to see different requests.

use bytes::{Buf, BufMut, BytesMut};
use http::header::{
    CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HOST, HeaderMap, HeaderName,
    HeaderValue, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};

use super::decode::{BodyError, BodyEvent, take_of};
use crate::Limits;
use crate::tokens::is_token_byte;

/// The place in a chunked body.
#[derive(Debug, Default)]
pub(crate) struct Chunked {
    place: Place,
    /// Bytes at the front of the buffer that were read as framing. They leave it together with the data or the
    /// end behind them: whoever takes the buffer away before gets the body on from the last byte given out.
    framing_len: usize,
    /// Bytes of chunk extensions so far; at most [`Limits::chunk_extensions_len`].
    extensions_len: usize,
    /// Bytes behind that framing already searched for the end of the trailer section.
    scanned: usize,
}

#[derive(Debug, Default)]
enum Place {
    /// Before a chunk line.
    #[default]
    Line,
    /// Within data: so many bytes left, at least one.
    Data(u64),
    /// Behind a chunk's data, before its CRLF.
    DataEnd,
    /// Behind the last chunk's line.
    Trailers,
    Done(Option<HeaderMap>),
    Failed(BodyError),
}

impl Chunked {
    pub(crate) fn is_done(&self) -> bool {
        matches!(self.place, Place::Done(_))
    }

    /// Takes up to `max` bytes of data from the front of `buf`.
    pub(crate) fn next(
        &mut self,
        buf: &mut BytesMut,
        max: usize,
        limits: &Limits,
    ) -> Result<BodyEvent, BodyError> {
        loop {
            let unread = &buf[self.framing_len..];
            let step = match &mut self.place {
                Place::Line => self.read_line(unread, limits),
                Place::Data(_) if unread.is_empty() => return Ok(BodyEvent::NeedInput),
                Place::Data(left) => {
                    buf.advance(std::mem::take(&mut self.framing_len));
                    let event = take_of(left, buf, max);
                    if *left == 0 {
                        self.place = Place::DataEnd;
                    }
                    return Ok(event);
                }
                Place::DataEnd => self.read_data_end(unread),
                Place::Trailers => self.read_trailers(unread, limits),
                Place::Done(trailers) => {
                    buf.advance(std::mem::take(&mut self.framing_len));
                    return Ok(BodyEvent::End(trailers.clone()));
                }
                Place::Failed(error) => return Err(*error),
            };
            match step {
                Ok(Some(place)) => self.place = place,
                Ok(None) => return Ok(BodyEvent::NeedInput),
                Err(error) => self.place = Place::Failed(error),
            }
        }
    }

    fn read_line(&mut self, buf: &[u8], limits: &Limits) -> Result<Option<Place>, BodyError> {
        let searched = &buf[..buf.len().min(limits.chunk_line_len)];
        let Some(end) = searched.iter().position(|&byte| byte == b'\n') else {
            check_line_start(buf)?;
            return if buf.len() >= limits.chunk_line_len {
                Err(BodyError::ChunkLineTooLong { limit: limits.chunk_line_len })
            } else {
                Ok(None)
            };
        };
        let line = buf[..end].strip_suffix(b"\r").ok_or(BodyError::ChunkLine)?;
        let (size, extensions) = split_line(line)?;
        self.extensions_len += extensions.len();
        if self.extensions_len > limits.chunk_extensions_len {
            return Err(BodyError::ExtensionsTooLong { limit: limits.chunk_extensions_len });
        }
        check_extensions(extensions)?;
        self.framing_len += end + 1;
        Ok(Some(if size == 0 { Place::Trailers } else { Place::Data(size) }))
    }

    fn read_data_end(&mut self, buf: &[u8]) -> Result<Option<Place>, BodyError> {
        match buf {
            [b'\r', b'\n', ..] => {
                self.framing_len += 2;
                Ok(Some(Place::Line))
            }
            [] | [b'\r'] => Ok(None),
            _ => Err(BodyError::ChunkEnd),
        }
    }

    fn read_trailers(&mut self, buf: &[u8], limits: &Limits) -> Result<Option<Place>, BodyError> {
        let Some(len) = self.find_trailers_end(&buf[..buf.len().min(limits.trailers_len)])? else {
            return if buf.len() >= limits.trailers_len {
                Err(BodyError::TrailersTooLong { limit: limits.trailers_len })
            } else {
                Ok(None)
            };
        };
        let trailers = if len == 2 { None } else { Some(parse_trailers(&buf[..len], limits)?) };
        self.framing_len += len;
        Ok(Some(Place::Done(trailers)))
    }

    /// The length of the section up to and with its empty line, each byte searched once.
    fn find_trailers_end(&mut self, buf: &[u8]) -> Result<Option<usize>, BodyError> {
        while let Some(line) = buf[self.scanned..].iter().position(|&byte| byte == b'\n') {
            let end = self.scanned + line;
            if end == 0 || buf[end - 1] != b'\r' {
                return Err(BodyError::Trailers);
            }
            self.scanned = end + 1;
            let empty_line = end == 1 || buf[end - 2] == b'\n';
            if empty_line {
                return Ok(Some(end + 1));
            }
        }
        Ok(None)
    }
}

/// Refuses at once what can never become a chunk line, so that the verdict does not wait for a line end.
fn check_line_start(unfinished: &[u8]) -> Result<(), BodyError> {
    match unfinished.first() {
        Some(byte) if !byte.is_ascii_hexdigit() => Err(BodyError::ChunkLine),
        _ => Ok(()),
    }
}

/// The size of a chunk line (without its CRLF), and what stands behind it.
fn split_line(line: &[u8]) -> Result<(u64, &[u8]), BodyError> {
    const MOST_DIGITS: usize = 16;
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    if digits == 0 || digits > MOST_DIGITS {
        return Err(BodyError::ChunkLine);
    }
    let (size, extensions) = line.split_at(digits);
    let size = size.iter().fold(0, |size, &digit| size << 4 | hex_value(digit));
    // Signed, so that no peer that counts in signed numbers reads another length.
    if i64::try_from(size).is_err() {
        return Err(BodyError::ChunkLine);
    }
    Ok((size, extensions))
}

fn hex_value(digit: u8) -> u64 {
    u64::from(match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit - b'A' + 10,
    })
}

/// RFC 9112 §7.1.1: `*( ";" name [ "=" ( token / quoted-string ) ] )`, without the white space that only old
/// senders put there.
fn check_extensions(mut text: &[u8]) -> Result<(), BodyError> {
    while let [b';', rest @ ..] = text {
        let rest = skip_token(rest)?;
        text = match rest {
            [b'=', b'"', quoted @ ..] => skip_quoted(quoted)?,
            [b'=', value @ ..] => skip_token(value)?,
            _ => rest,
        };
    }
    if text.is_empty() { Ok(()) } else { Err(BodyError::ChunkLine) }
}

fn skip_token(text: &[u8]) -> Result<&[u8], BodyError> {
    let len = text.iter().take_while(|&&byte| is_token_byte(byte)).count();
    if len == 0 { Err(BodyError::ChunkLine) } else { Ok(&text[len..]) }
}

/// What follows the closing quote (RFC 9110 §5.6.4).
fn skip_quoted(mut text: &[u8]) -> Result<&[u8], BodyError> {
    loop {
        text = match text {
            [b'"', rest @ ..] => return Ok(rest),
            [b'\\', b'\t' | b' '..=b'~' | 0x80.., rest @ ..]
            | [b'\t' | b' '..=b'[' | b']'..=b'~' | 0x80.., rest @ ..] => rest,
            _ => return Err(BodyError::ChunkLine),
        }
    }
}

fn parse_trailers(section: &[u8], limits: &Limits) -> Result<HeaderMap, BodyError> {
    let mut lines = vec![httparse::EMPTY_HEADER; limits.headers];
    let parsed = match httparse::parse_headers(section, &mut lines) {
        Ok(httparse::Status::Complete((len, parsed))) if len == section.len() => parsed,
        Err(httparse::Error::TooManyHeaders) => {
            return Err(BodyError::TooManyTrailers { limit: limits.headers });
        }
        _ => return Err(BodyError::Trailers),
    };
    let mut trailers = HeaderMap::with_capacity(parsed.len());
    for line in parsed {
        let name = HeaderName::from_bytes(line.name.as_bytes()).map_err(|_| BodyError::Trailers)?;
        let value = HeaderValue::from_bytes(line.value).map_err(|_| BodyError::Trailers)?;
        if may_trail(&name) {
            trailers.append(name, value);
        }
    }
    Ok(trailers)
}

/// RFC 9110 §6.5.1: fields that frame, route or describe the body mean nothing behind it. We drop them, so
/// that nobody can be misled into merging them.
pub(super) fn may_trail(name: &HeaderName) -> bool {
    const NEVER: [HeaderName; 10] = [
        CONTENT_LENGTH,
        TRANSFER_ENCODING,
        HOST,
        CONNECTION,
        UPGRADE,
        TE,
        TRAILER,
        CONTENT_ENCODING,
        CONTENT_TYPE,
        CONTENT_RANGE,
    ];
    !NEVER.contains(name)
}

/// `5\r\n`: the line in front of a chunk of `len` bytes.
pub(super) fn put_line(out: &mut Vec<u8>, len: usize) {
    let digits = (usize::BITS - len.leading_zeros()).div_ceil(4).max(1);
    for place in (0..digits).rev() {
        out.put_u8(b"0123456789abcdef"[len >> (4 * place) & 0xf]);
    }
    out.put_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    type Read = Result<(Vec<u8>, Option<HeaderMap>, Vec<u8>), BodyError>;

    /// Feeds `wire` in pieces of `step` bytes; gives data, trailers, and what was left.
    fn read(wire: &[u8], step: usize, limits: &Limits) -> Read {
        let mut chunked = Chunked::default();
        let mut buf = BytesMut::new();
        let mut data = Vec::new();
        let mut pieces = wire.chunks(step);
        loop {
            match chunked.next(&mut buf, usize::MAX, limits)? {
                BodyEvent::Data(bytes) => data.extend_from_slice(&bytes),
                BodyEvent::NeedInput => match pieces.next() {
                    Some(piece) => buf.extend_from_slice(piece),
                    None => return Err(BodyError::Truncated),
                },
                BodyEvent::End(trailers) => {
                    buf.extend_from_slice(&pieces.flatten().copied().collect::<Vec<_>>());
                    return Ok((data, trailers, buf.to_vec()));
                }
            }
        }
    }

    fn read_every_way(wire: &[u8]) -> Read {
        let whole = read(wire, wire.len().max(1), &Limits::default());
        for step in 1..wire.len() {
            assert_eq!(read(wire, step, &Limits::default()), whole, "{} by {step}", wire.escape_ascii());
        }
        whole
    }

    /// RFC 9112 §7.1.
    #[test]
    fn reads_chunks_however_they_are_cut() {
        let ok: [(&[u8], &[u8]); 6] = [
            (b"0\r\n\r\n", b""),
            (b"5\r\nhello\r\n0\r\n\r\n", b"hello"),
            (b"005\r\nhello\r\n3;a=b\r\nabc\r\n000\r\n\r\n", b"helloabc"),
            (b"1;a;b=\"c;\\\"d\\\\\";e=f\r\nX\r\n0;z\r\n\r\n", b"X"),
            (b"A\r\n0123456789\r\n0\r\n\r\n", b"0123456789"),
            (b"a\r\n\r\n\r\n\r\n\r\n\r\n\r\n0\r\n\r\n", b"\r\n\r\n\r\n\r\n\r\n"),
        ];
        for (wire, data) in ok {
            let mut followed = wire.to_vec();
            followed.extend_from_slice(b"NEXT");
            assert_eq!(read_every_way(&followed), Ok((data.to_vec(), None, b"NEXT".to_vec())));
        }
    }

    /// Behaviour 13: framing is not taken before what it frames can be given out.
    #[test]
    fn leaves_the_framing_of_what_was_not_given_out() {
        let table: [(&[u8], &[u8]); 7] = [
            (b"", b""),
            (b"3;a=b\r\n", b""),
            (b"3\r\nab", b"ab"),
            (b"3\r\nabc\r\n", b"abc"),
            (b"3\r\nabc\r\n4\r\n", b"abc"),
            (b"3\r\nabc\r\n0\r\nA: b\r\n", b"abc"),
            (b"3\r\nabc\r\nzz\r\n", b"abc"),
        ];
        for (wire, given_out) in table {
            let (mut chunked, mut buf, mut data) = (Chunked::default(), BytesMut::from(wire), Vec::new());
            while let Ok(BodyEvent::Data(bytes)) = chunked.next(&mut buf, 2, &Limits::default()) {
                data.extend_from_slice(&bytes);
            }
            assert_eq!(data, given_out, "{}", wire.escape_ascii());
            let last = given_out.last().and_then(|last| wire.iter().position(|byte| byte == last));
            let left = &wire[last.map_or(0, |last| last + 1)..];
            assert_eq!(buf, left, "{}", wire.escape_ascii());
        }
    }

    /// RFC 9112 §7.1 and §11.2: what one reader repairs and another does not is refused.
    #[test]
    fn refuses_what_readers_disagree_on() {
        let bad: [(&[u8], BodyError); 18] = [
            (b"5\nhello\r\n0\r\n\r\n", BodyError::ChunkLine),
            (b"\r\n", BodyError::ChunkLine),
            (b"x\r\n", BodyError::ChunkLine),
            (b"+5\r\nhello\r\n", BodyError::ChunkLine),
            (b"0x5\r\nhello\r\n", BodyError::ChunkLine),
            (b"5 \r\nhello\r\n", BodyError::ChunkLine),
            (b"5 ;a\r\nhello\r\n", BodyError::ChunkLine),
            (b"5;\r\nhello\r\n", BodyError::ChunkLine),
            (b"5;a=\r\nhello\r\n", BodyError::ChunkLine),
            (b"5;a=\"b\r\nhello\r\n", BodyError::ChunkLine),
            (b"5;a\rb\r\nhello\r\n", BodyError::ChunkLine),
            (b"8000000000000000\r\n", BodyError::ChunkLine),
            (b"00000000000000005\r\n", BodyError::ChunkLine),
            (b"5\r\nhelloX\r\n", BodyError::ChunkEnd),
            (b"5\r\nhello\n0\r\n\r\n", BodyError::ChunkEnd),
            (b"0\r\n\n", BodyError::Trailers),
            (b"0\r\nA: b\n\r\n", BodyError::Trailers),
            (b"0\r\n A: b\r\n\r\n", BodyError::Trailers),
        ];
        for (wire, error) in bad {
            assert_eq!(read_every_way(wire), Err(error), "{}", wire.escape_ascii());
        }
    }

    /// RFC 9110 §6.5.1.
    #[test]
    fn keeps_trailers_but_for_those_that_frame() {
        let wire = b"0\r\nX-Sum: 1\r\nContent-Length: 9\r\nx-sum: 2\r\n\r\n";
        let (_, trailers, _) = read_every_way(wire).expect("legal");
        let trailers = trailers.expect("present");
        assert_eq!(trailers.get_all("x-sum").iter().collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(trailers.len(), 2);
    }

    #[test]
    fn stops_at_its_limits() {
        let limits = Limits {
            chunk_line_len: 8,
            chunk_extensions_len: 10,
            trailers_len: 12,
            headers: 1,
            ..Limits::default()
        };
        let table: [(&[u8], BodyError); 4] = [
            (b"1;aaaaaaa", BodyError::ChunkLineTooLong { limit: 8 }),
            (b"1;aaa\r\nX\r\n1;aaa\r\nX\r\n1;aaa\r\n", BodyError::ExtensionsTooLong { limit: 10 }),
            (b"0\r\nAAAAAAAAAAAAA", BodyError::TrailersTooLong { limit: 12 }),
            (b"0\r\nA:1\r\nB:1\r\n\r\n", BodyError::TooManyTrailers { limit: 1 }),
        ];
        for (wire, error) in table {
            assert_eq!(read(wire, wire.len(), &limits), Err(error));
            assert_eq!(read(wire, 1, &limits), Err(error));
        }
    }

    #[test]
    fn writes_chunk_lines() {
        for (len, line) in [(1, "1\r\n"), (16, "10\r\n"), (255, "ff\r\n"), (65_536, "10000\r\n")] {
            let mut out = Vec::new();
            put_line(&mut out, len);
            assert_eq!(out, line.as_bytes());
        }
    }

    #[test]
    fn gives_no_more_than_asked() {
        let mut buf = BytesMut::from(&b"5\r\nhello\r\n0\r\n\r\n"[..]);
        let event = Chunked::default().next(&mut buf, 2, &Limits::default());
        assert_eq!(event, Ok(BodyEvent::Data(Bytes::from_static(b"he"))));
        assert_eq!(&buf[..], b"llo\r\n0\r\n\r\n");
    }
}
