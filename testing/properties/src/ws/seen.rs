//! What a receiver gives out, joined so that it does not depend on cuts.

use hijack_proto::ws::{Assembly, Event, Message, ReceiveError, Receiver, Workspace};

/// An event that outlives its buffer; the pieces of a message are one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<(u16, String)>),
}

/// All that a receiver saw of a stream, and why it stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stream {
    pub(super) seen: Vec<Seen>,
    pub(super) failed: Option<ReceiveError>,
}

/// Feeds the stream in pieces of one more than `lengths`, over and over; in one piece if there are none.
pub(super) fn read(receiver: Receiver, wire: &[u8], lengths: &[u8]) -> Stream {
    let (mut rest, mut lengths) = (wire, lengths.iter().cycle());
    read_pieces(
        receiver,
        std::iter::from_fn(|| {
            let len = lengths.next().map_or(rest.len(), |len| rest.len().min(usize::from(*len) + 1));
            let (piece, after) = rest.split_at(len);
            rest = after;
            (len > 0).then_some(piece)
        }),
    )
}

/// Feeds the stream in these pieces.
pub(super) fn read_pieces<'w>(mut receiver: Receiver, pieces: impl IntoIterator<Item = &'w [u8]>) -> Stream {
    let mut workspace = Workspace::default();
    let mut reader = Reader { assembly: Assembly::default(), seen: Vec::new() };
    for piece in pieces {
        if let Err(error) = reader.feed(&mut receiver, piece, &mut workspace) {
            return Stream { seen: reader.seen, failed: Some(error) };
        }
    }
    Stream { seen: reader.seen, failed: None }
}

struct Reader {
    assembly: Assembly,
    seen: Vec<Seen>,
}

impl Reader {
    fn feed(
        &mut self,
        receiver: &mut Receiver,
        piece: &[u8],
        workspace: &mut Workspace,
    ) -> Result<(), ReceiveError> {
        let mut buffer = piece.to_vec();
        let mut input = &mut buffer[..];
        loop {
            let unread = piece.len() - input.len();
            let (taken, event) = receiver.next(input, workspace)?;
            let goes_on = self.note(event);
            input = &mut input[taken..];
            assert_eq!(*input, piece[unread + taken..], "what was not taken is as it came");
            if !goes_on {
                assert!(input.is_empty(), "all of the input is taken before more is asked for");
                return Ok(());
            }
        }
    }

    /// Gives whether the receiver may have more.
    fn note(&mut self, event: Event<'_>) -> bool {
        match event {
            Event::NeedInput => return false,
            Event::Data(piece) => {
                assert!(
                    !piece.first || self.assembly.held_len() == 0,
                    "a message starts behind the last one"
                );
                self.seen.extend(self.assembly.push(piece).map(|message| match message {
                    Message::Text(text) => Seen::Text(text.into_owned()),
                    Message::Binary(bytes) => Seen::Binary(bytes.into_owned()),
                }));
            }
            Event::Ping(payload) => self.seen.push(Seen::Ping(payload.to_vec())),
            Event::Pong(payload) => self.seen.push(Seen::Pong(payload.to_vec())),
            Event::Close(close) => {
                let said = close.map(|close| (close.code.get(), close.reason.to_owned()));
                self.seen.push(Seen::Close(said));
            }
        }
        true
    }
}
