//! What a sender writes a receiver reads, compressed or not (RFC 6455 §5, RFC 7692 §7).

use hijack_proto::ws::deflate::{Agreement, Config};
use hijack_proto::ws::{Close, CloseCode, Limits, MessageKind, Prepared, Receiver, Role, Sender, Workspace};

use super::seen::{Seen, read};
use crate::source::Source;

/// Choices: an agreement of any window and either takeover, then messages, whole, in fragments and prepared, and
/// control frames between. The other role reads the same, however the stream is cut.
///
/// # Panics
///
/// Where it does not.
pub fn round_trip(data: &[u8]) {
    let mut source = Source::new(data);
    let role = source.one_of(&[Role::Server, Role::Client]);
    let agreement = choose_agreement(&mut source);
    let lengths = source.some(4);
    let mut talk = Talk {
        sender: Sender::new(role, agreement.as_ref()),
        workspace: Workspace::default(),
        wire: Vec::new(),
        said: Vec::new(),
    };
    while !source.clone().rest().is_empty() {
        talk.say(&mut source);
    }
    let close = Close { code: CloseCode::GOING_AWAY, reason: "bye" };
    talk.sender.close(Some(close), key, &mut talk.wire).expect("open");
    talk.said.push(Seen::Close(Some((1001, "bye".to_owned()))));
    let other = if role == Role::Server { Role::Client } else { Role::Server };
    for lengths in [&[][..], &[0], lengths] {
        let stream = read(Receiver::new(other, Limits::default(), agreement.as_ref()), &talk.wire, lengths);
        assert_eq!((stream.seen, stream.failed), (talk.said.clone(), None), "by {lengths:?}");
    }
}

fn key() -> [u8; 4] {
    [0x37, 0xfa, 0x21, 0x3d]
}

fn choose_agreement(source: &mut Source<'_>) -> Option<Agreement> {
    let mut config = Config::default();
    let choice = source.byte();
    config.level = u32::from(choice & 7);
    config.server_no_context_takeover = choice & 8 != 0;
    config.client_no_context_takeover = choice & 16 != 0;
    config.server_max_window_bits = 9 + source.below(7);
    config.client_max_window_bits = 9 + source.below(7);
    let offer: &[u8] = if choice & 32 == 0 { b"permessage-deflate; client_max_window_bits" } else { b"" };
    config.accept([offer])
}

struct Talk {
    sender: Sender,
    workspace: Workspace,
    wire: Vec<u8>,
    said: Vec<Seen>,
}

impl Talk {
    fn say(&mut self, source: &mut Source<'_>) {
        let kind = source.one_of(&[MessageKind::Binary, MessageKind::Text]);
        match source.below(4) {
            0 => {
                let payload = source.some(125);
                self.sender.ping(payload, key, &mut self.wire).expect("open");
                self.said.push(Seen::Ping(payload.to_vec()));
            }
            1 => self.say_fragments(kind, source),
            2 => self.say_prepared(kind, source),
            _ => {
                let payload = payload(kind, source);
                let sent = self.sender.message(kind, &payload, key, &mut self.workspace, &mut self.wire);
                sent.expect("open");
                self.said.push(seen(kind, payload));
            }
        }
    }

    /// Also cut within a character, with a pong between.
    fn say_fragments(&mut self, kind: MessageKind, source: &mut Source<'_>) {
        let payload = payload(kind, source);
        let len = usize::from(source.byte()) + 1;
        for fragment in payload.chunks(len) {
            let (workspace, wire) = (&mut self.workspace, &mut self.wire);
            self.sender.fragment(kind, fragment, false, key, workspace, wire).expect("open");
        }
        self.sender.pong(b"", key, &mut self.wire).expect("open");
        self.said.push(Seen::Pong(Vec::new()));
        let (workspace, wire) = (&mut self.workspace, &mut self.wire);
        self.sender.fragment(kind, b"", true, key, workspace, wire).expect("open");
        self.said.push(seen(kind, payload));
    }

    fn say_prepared(&mut self, kind: MessageKind, source: &mut Source<'_>) {
        let payload = payload(kind, source);
        let prepared =
            Prepared::new(kind, &payload).with_deflate(9 + source.below(7), 6, &mut self.workspace);
        if let Ok(frame) = self.sender.prepared(&prepared) {
            self.wire.extend_from_slice(frame);
            self.said.push(seen(kind, payload));
        }
    }
}

/// Some bytes over and over, so that there is something to refer back to.
fn payload(kind: MessageKind, source: &mut Source<'_>) -> Vec<u8> {
    let times = usize::from(source.byte() >> 2) + 1;
    let some = source.some(40);
    match kind {
        MessageKind::Binary => some.repeat(times),
        MessageKind::Text => String::from_utf8_lossy(some).repeat(times).into_bytes(),
    }
}

fn seen(kind: MessageKind, payload: Vec<u8>) -> Seen {
    match kind {
        MessageKind::Binary => Seen::Binary(payload),
        MessageKind::Text => Seen::Text(String::from_utf8(payload).expect("made of text")),
    }
}
