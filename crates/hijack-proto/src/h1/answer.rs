//! An answer's head: how its body is framed, and the lines that say so.

use http::header::{CONNECTION, CONTENT_LENGTH, DATE, HeaderMap, TRANSFER_ENCODING, UPGRADE};
use http::{Method, StatusCode, Version};

use crate::body::{EncodeError, Encoder, parse_length};
use crate::date::FixDate;
use crate::head::{Field, Fields, Reason, RequestHead, put_decimal, put_headers, put_line, put_status_line};

/// The length of an answer's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerBody {
    /// So many bytes.
    Exact(u64),
    /// Not known beforehand: chunks toward HTTP/1.1, the end of the connection toward HTTP/1.0.
    Unknown,
}

/// An answer's head.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// A final status: not 1xx.
    pub status: StatusCode,
    /// Words for the status line, if not the usual ones.
    pub reason: Option<&'a Reason>,
    /// Header fields. `Transfer-Encoding` is left out, framing being the session's; `Content-Length` must fit
    /// the body.
    pub headers: &'a HeaderMap,
    /// The length of the body.
    pub body: AnswerBody,
    /// `Date`, unless the headers have one (RFC 9110 §6.6.1).
    pub date: Option<&'a FixDate>,
    /// End the connection behind this answer.
    pub close: bool,
}

/// The last head of HTTP, in front of a takeover.
#[derive(Debug, Clone, Copy)]
pub struct Handover<'a> {
    /// The status.
    pub status: StatusCode,
    /// Words for the status line, if not the usual ones.
    pub reason: Option<&'a Reason>,
    /// `Date`, unless the headers have one.
    pub date: Option<&'a FixDate>,
    /// The protocol of a 101: written as `Connection` and `Upgrade`. One that
    /// [`crate::tokens::is_protocol`] accepts.
    pub upgrade: Option<&'a str>,
    /// Further header fields, as they are; with `upgrade`, those two and the framing ones excepted.
    pub headers: &'a HeaderMap,
}

impl Handover<'_> {
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        put_status_line(out, Version::HTTP_11, self.status, self.reason);
        if let Some(date) = self.date.filter(|_| !self.headers.contains_key(DATE)) {
            put_line(out, b"Date: ", date);
        }
        if let Some(protocol) = self.upgrade {
            put_line(out, b"Connection: ", b"Upgrade");
            put_line(out, b"Upgrade: ", protocol.as_bytes());
        }
        // RFC 9110 §8.6 and RFC 9112 §6.1: a 101 has no length and no coding.
        let ours = [CONNECTION, UPGRADE, CONTENT_LENGTH, TRANSFER_ENCODING];
        put_headers(out, self.headers, |name| self.upgrade.is_some() && ours.contains(name));
        out.extend_from_slice(b"\r\n");
    }
}

/// What of a request decides how its answer is framed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub(super) version: Version,
    is_head: bool,
    pub(super) is_connect: bool,
}

/// How an answer's body is framed, and what its head says of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Framing {
    pub(super) encoder: Encoder,
    content_length: Option<u64>,
}

impl Asked {
    pub(super) fn of(head: &RequestHead) -> Self {
        Self {
            version: head.version(),
            is_head: *head.method() == Method::HEAD,
            is_connect: *head.method() == Method::CONNECT,
        }
    }

    /// Whether an answer of `status` opens a tunnel (RFC 9110 §9.3.6).
    pub(super) fn opens_tunnel(self, status: StatusCode) -> bool {
        self.is_connect && status.is_success()
    }

    /// Decides how the body is framed (RFC 9112 §6).
    pub(super) fn frame(self, answer: &Answer<'_>, fields: Fields) -> Result<Framing, EncodeError> {
        let declared = declared_length(answer.headers, fields)?;
        if self.opens_tunnel(answer.status) || answer.status == StatusCode::NO_CONTENT {
            // RFC 9110 §8.6: neither may say a length.
            return Ok(Framing { encoder: Encoder::Discard, content_length: None });
        }
        if self.is_head || answer.status == StatusCode::NOT_MODIFIED {
            // RFC 9110 §9.3.2: the length that GET would have had, where it is known. An empty body given to
            // HEAD says nothing of that length.
            let known = match answer.body {
                AnswerBody::Exact(len) if len > 0 && self.is_head => Some(len),
                _ => None,
            };
            return Ok(Framing { encoder: Encoder::Discard, content_length: declared.or(known) });
        }
        match (answer.body, declared) {
            (AnswerBody::Exact(len), Some(declared)) if len != declared => Err(EncodeError::WrongLength),
            (AnswerBody::Exact(len), _) | (AnswerBody::Unknown, Some(len)) => {
                Ok(Framing { encoder: Encoder::Exact(len), content_length: Some(len) })
            }
            (AnswerBody::Unknown, None) if self.version == Version::HTTP_11 => {
                Ok(Framing { encoder: Encoder::Chunked, content_length: None })
            }
            (AnswerBody::Unknown, None) => Ok(Framing { encoder: Encoder::UntilClose, content_length: None }),
        }
    }
}

/// The length that the headers declare.
pub(super) fn declared_length(headers: &HeaderMap, fields: Fields) -> Result<Option<u64>, EncodeError> {
    if !fields.has(Field::ContentLength) {
        return Ok(None);
    }
    let text = headers.get(CONTENT_LENGTH).filter(|_| !fields.repeats(Field::ContentLength));
    text.and_then(|text| parse_length(text.as_bytes()).ok()).map(Some).ok_or(EncodeError::WrongLength)
}

/// Writes the head. `connection` is what the session says of the connection, beside what the headers say.
pub(super) fn put_answer_head(
    answer: &Answer<'_>,
    framing: Framing,
    fields: Fields,
    connection: Option<&[u8]>,
    out: &mut Vec<u8>,
) {
    // RFC 9112 §2.3: an answer says the highest version that the server speaks, also to HTTP/1.0.
    put_status_line(out, Version::HTTP_11, answer.status, answer.reason);
    if let Some(date) = answer.date.filter(|_| !fields.has(Field::Date)) {
        put_line(out, b"Date: ", date);
    }
    put_headers(out, answer.headers, |name| *name == CONTENT_LENGTH || *name == TRANSFER_ENCODING);
    if let Some(len) = framing.content_length {
        out.extend_from_slice(b"Content-Length: ");
        put_decimal(out, len);
        out.extend_from_slice(b"\r\n");
    }
    if framing.encoder == Encoder::Chunked {
        put_line(out, b"Transfer-Encoding: ", b"chunked");
    }
    if let Some(connection) = connection {
        put_line(out, b"Connection: ", connection);
    }
    out.extend_from_slice(b"\r\n");
}
