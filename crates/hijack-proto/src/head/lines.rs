//! The header lines of a head that was read: as they came, and as a map when somebody asks for one.

use std::sync::OnceLock;

use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::{Field, Fields, HeadError};
use crate::tokens;

/// What a header map can hold, whatever the limits say.
pub(super) const MOST_HEADERS: usize = 16 * 1024;

/// The longest name that the `http` crate takes.
const MOST_NAME_LEN: usize = u16::MAX as usize;

/// A head's bytes and which of the deciding fields are among its lines.
#[derive(Debug, Clone)]
pub(crate) struct Lines {
    /// From the start line to the empty line.
    raw: Bytes,
    fields: Fields,
    /// Boxed, since most heads are moved about more often than they are asked for it.
    map: OnceLock<Box<HeaderMap>>,
}

impl Lines {
    /// The lines of `raw`, whose names and values were checked.
    pub(super) fn new(raw: Bytes, fields: Fields) -> Self {
        Self { raw, fields, map: OnceLock::new() }
    }

    pub(crate) fn raw(&self) -> &Bytes {
        &self.raw
    }

    /// Which of the deciding fields are among them.
    pub(crate) fn fields(&self) -> Fields {
        self.fields
    }

    /// The map is made at the first call; its values are slices of the received bytes.
    pub(crate) fn map(&self) -> &HeaderMap {
        self.map.get_or_init(|| Box::new(self.collect()))
    }

    pub(crate) fn into_map(mut self) -> HeaderMap {
        self.map.take().map_or_else(|| self.collect(), |map| *map)
    }

    fn collect(&self) -> HeaderMap {
        // Made as large as it will be, with the two line ends too much that are no header's.
        let mut map = HeaderMap::with_capacity(memchr::memchr_iter(b'\n', &self.raw).count());
        for (name, value) in self.iter().filter_map(|(name, value)| to_field(&self.raw, name, value)) {
            map.append(name, value);
        }
        map
    }

    /// Names in their spelling, values without the white space around them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.untrimmed().map(|(name, value)| (name, tokens::trim(value)))
    }

    fn untrimmed(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut ends = memchr::memchr_iter(b'\n', &self.raw);
        let mut start = ends.next().map_or(self.raw.len(), |end| end + 1);
        std::iter::from_fn(move || {
            let end = ends.next()?;
            let line = &self.raw[std::mem::replace(&mut start, end + 1)..end];
            // The empty line at the end has none.
            let colon = memchr::memchr(b':', line)?;
            let value = &line[colon + 1..];
            Some((&line[..colon], value.strip_suffix(b"\r").unwrap_or(value)))
        })
    }

    /// Whether a tab is among the white space behind a value of the field `name`.
    pub(crate) fn has_tab_behind(&self, name: &'static str) -> bool {
        let mut lines = self.untrimmed().filter(|(line, _)| line.eq_ignore_ascii_case(name.as_bytes()));
        lines.any(|(_, value)| value.iter().rev().find(|&&byte| byte != b' ') == Some(&b'\t'))
    }

    /// The values of the field `name`, in order; names compare without case.
    pub(crate) fn values(&self, name: &'static str) -> impl Iterator<Item = &[u8]> {
        let lines = self.iter().filter(move |(line, _)| line.eq_ignore_ascii_case(name.as_bytes()));
        lines.map(|(_, value)| value)
    }

    /// The elements of the list in the field `name`, over all its lines.
    pub(crate) fn list(&self, name: &'static str) -> impl Iterator<Item = &[u8]> {
        self.values(name).flat_map(tokens::elements)
    }

    /// Whether `Connection` lists `option` (RFC 9110 §7.6.1).
    pub(crate) fn connection_has(&self, option: &str) -> bool {
        self.fields.has(Field::Connection)
            && self.list("connection").any(|element| element.eq_ignore_ascii_case(option.as_bytes()))
    }

    #[cfg(test)]
    pub(crate) fn of(lines: &[(&str, &str)]) -> Self {
        let mut raw = String::from("\n");
        let mut fields = Fields::default();
        for (name, value) in lines {
            raw.push_str(&format!("{name}: {value}\r\n"));
            fields.note(name.as_bytes());
        }
        Self::new(raw.into(), fields)
    }
}

/// Notes the fields that decide something; what httparse lets through, the `http` crate can hold.
pub(super) fn note_lines(lines: &[httparse::Header<'_>]) -> Result<Fields, HeadError> {
    let mut fields = Fields::default();
    for line in lines {
        if fields.note(line.name.as_bytes()).is_none() && line.name.len() > MOST_NAME_LEN {
            return Err(HeadError::HeaderName);
        }
    }
    Ok(fields)
}

/// One line's name and value, the latter as a slice of `raw`.
fn to_field(raw: &Bytes, name: &[u8], value: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    let name = HeaderName::from_bytes(name).ok()?;
    match value {
        [] => Some((name, HeaderValue::from_static(""))),
        value => Some((name, HeaderValue::from_maybe_shared(raw.slice_ref(value)).ok()?)),
    }
}
