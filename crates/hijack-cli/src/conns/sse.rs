//! Server-sent events, as the admin API sends them: bytes in, events out.

/// One event.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Event {
    /// What `event:` said; `message` where it said nothing.
    pub(super) name: String,
    /// The lines of `data:`.
    pub(super) data: String,
}

/// Finds events in a stream that comes in pieces.
#[derive(Default)]
pub(super) struct Parser {
    /// The line under way.
    line: Vec<u8>,
    name: String,
    data: String,
    has_data: bool,
}

/// An event is longer than anything that a gateway sends.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong;

/// Bytes of one event. A message is shown to some KiB only, a head has its own limit.
pub(super) const EVENT_LEN: usize = 4 << 20;

impl Parser {
    /// Takes a piece, and gives the events that end in it.
    pub(super) fn feed(&mut self, piece: &[u8]) -> Result<Vec<Event>, TooLong> {
        let mut events = Vec::new();
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            if self.line.len() + self.data.len() + part.len() > EVENT_LEN {
                return Err(TooLong);
            }
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                let line = std::mem::take(&mut self.line);
                let line = String::from_utf8_lossy(&line);
                events.extend(self.line(line.trim_end_matches(['\n', '\r'])));
            }
        }
        Ok(events)
    }

    /// Takes a line; an empty one ends an event.
    fn line(&mut self, line: &str) -> Option<Event> {
        if line.is_empty() {
            let (name, data) = (std::mem::take(&mut self.name), std::mem::take(&mut self.data));
            let name = if name.is_empty() { "message".to_owned() } else { name };
            return std::mem::take(&mut self.has_data).then_some(Event { name, data });
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.name),
            "data" => {
                if self.has_data {
                    self.data.push('\n');
                }
                self.data.push_str(value);
                self.has_data = true;
            }
            // Comments keep the stream awake; `id` and `retry` are for browsers.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_events_however_the_bytes_are_cut() {
        let stream = b": hello\nevent: opened\ndata: {\"id\":1}\n\n\ndata:a\r\ndata: b\r\n\r\nevent: lost\n\nid: 3\ndata\n\n";
        let event = |name: &str, data: &str| Event { name: name.into(), data: data.into() };
        let expected = [event("opened", "{\"id\":1}"), event("message", "a\nb"), event("message", "")];
        for len in 1..=stream.len() {
            let mut parser = Parser::default();
            let events: Vec<Event> =
                stream.chunks(len).flat_map(|piece| parser.feed(piece).expect("short")).collect();
            assert_eq!(events, expected, "pieces of {len}");
        }
    }

    #[test]
    fn an_event_without_end_is_refused() {
        let mut parser = Parser::default();
        let piece = vec![b'x'; 1 << 20];
        assert!((0..3).all(|_| parser.feed(&piece).is_ok()));
        assert_eq!(parser.feed(&[b'x'; (1 << 20) + 1]), Err(TooLong));
        let mut parser = Parser::default();
        let line = [b"data: ", &piece[..], b"\n"].concat();
        assert_eq!((0..5).map(|_| parser.feed(&line)).find(Result::is_err), Some(Err(TooLong)));
    }
}
