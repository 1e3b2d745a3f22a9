//! Just enough reading of accepted heads and trailers to tell which class a request is of.
//!
//! It works on bytes that ours accepted, so it may take their syntax for granted.

/// The lines of `bytes` without their ends, empty ones in front left out.
pub(crate) fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = bytes.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    lines.skip_while(|line| line.is_empty())
}

/// The heads in `bytes`: interim responses and the final one.
pub(crate) fn heads(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut heads = Vec::new();
    let is_end = |at: &[u8]| at.starts_with(b"\n\n") || at.starts_with(b"\n\r\n");
    while let Some(last_line) = (0..bytes.len()).find(|&at| is_end(&bytes[at..])) {
        let empty_line = if bytes[last_line + 1] == b'\n' { 2 } else { 3 };
        let (head, rest) = bytes.split_at(last_line + empty_line);
        heads.push(head);
        bytes = rest;
    }
    heads
}

/// The words of the start line.
pub(crate) fn start_line(head: &[u8]) -> Vec<&[u8]> {
    lines(head).next().unwrap_or_default().split(|&byte| byte == b' ').collect()
}

/// The values of the field `name`, with the white space around them.
pub(crate) fn values<'h>(head: &'h [u8], name: &'static str) -> impl Iterator<Item = &'h [u8]> {
    lines(head).skip(1).filter_map(field).filter(move |field| is(field.0, name)).map(|field| field.1)
}

/// Whether a field lists a word.
pub(crate) fn lists(head: &[u8], name: &'static str, word: &str) -> bool {
    let mut elements = values(head, name).flat_map(|value| value.split(|&byte| byte == b','));
    elements.any(|element| is(element.trim_ascii(), word))
}

/// The trailer fields of a chunked body, framing included: names and values, the last one first.
pub(crate) fn trailers(body: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    // The last line is empty, and so is what split gives behind it.
    body.rsplit(|&byte| byte == b'\n').skip(2).map_while(field)
}

/// Whether two names are the same.
pub(crate) fn is(name: &[u8], other: &str) -> bool {
    name.eq_ignore_ascii_case(other.as_bytes())
}

fn field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().position(|&byte| byte == b':')?;
    Some((&line[..colon], &line[colon + 1..]))
}

#[cfg(test)]
mod tests {
    use super::{heads, start_line, trailers, values};

    const HEAD: &[u8] = b"\r\nGET /a HTTP/1.1\nHost: a\r\nx:\ty \r\nX: z\r\n\r\n";

    #[test]
    fn reads_heads() {
        assert_eq!(start_line(HEAD), [&b"GET"[..], b"/a", b"HTTP/1.1"]);
        assert_eq!(values(HEAD, "X").collect::<Vec<_>>(), [&b"\ty "[..], b" z"]);
    }

    #[test]
    fn tells_heads_apart() {
        assert_eq!(
            heads(b"A\r\n\r\nB\r\nx: y\n\nC\n\r\n"),
            [&b"A\r\n\r\n"[..], b"B\r\nx: y\n\n", b"C\n\r\n"]
        );
    }

    #[test]
    fn reads_trailers() {
        let names = |body| trailers(body).map(|field: (&[u8], _)| field.0).collect::<Vec<_>>();
        assert_eq!(names(b"5\r\na: b\n\r\n0\r\nX: y\r\nZ:\r\n\r\n"), [&b"Z"[..], b"X"]);
        assert!(names(b"0\r\n\r\n").is_empty() && names(b"").is_empty());
    }
}
