//! The same stream through tungstenite.

use std::io::{self, Read, Write};

use hijack_proto::ws::{HeaderError, Limits, ReceiveError, Role, Violation};
use tungstenite::protocol::{self, WebSocket, WebSocketConfig};
use tungstenite::{Error, Message};

use super::seen::{Seen, Stream};

/// We see what tungstenite sees, but for what it is known to let pass or to see later.
///
/// # Panics
///
/// Where we do not.
pub(super) fn check(role: Role, limits: Limits, wire: &[u8], ours: &Stream) {
    let (theirs, failed) = read(role, limits, wire);
    match ours.failed {
        None if matches!(ours.seen.last(), Some(Seen::Close(Some((BAD_GATEWAY, _))))) => {
            assert_eq!(ours.seen[..ours.seen.len() - 1], theirs[..theirs.len() - 1]);
        }
        None => {
            assert_eq!(ours.seen, theirs);
            assert!(!failed, "tungstenite fails where we do not");
        }
        // It goes on there, so it may see more.
        Some(error) if passes(error) => assert_eq!(ours.seen, theirs[..ours.seen.len().min(theirs.len())]),
        // It judges a frame when all of it is there, we judge its header: it may not have failed yet.
        Some(_) => assert_eq!(ours.seen, theirs),
    }
}

/// What tungstenite has no rule for: lengths in a long form, numbers of frames; illegal close codes it gives out
/// as 1002.
fn passes(error: ReceiveError) -> bool {
    matches!(
        error,
        ReceiveError::TooManyFragments { .. }
            | ReceiveError::TooManyEmptyFragments { .. }
            | ReceiveError::Violation(
                Violation::Header(HeaderError::NotMinimal { .. }) | Violation::CloseCode(_)
            )
    )
}

/// Registered after RFC 6455; tungstenite takes it for illegal.
const BAD_GATEWAY: u16 = 1014;

fn read(role: Role, limits: Limits, wire: &[u8]) -> (Vec<Seen>, bool) {
    let role = match role {
        Role::Server => protocol::Role::Server,
        Role::Client => protocol::Role::Client,
    };
    let limit = |len: u64| usize::try_from(len).ok();
    let config = WebSocketConfig::default()
        .read_buffer_size(4096)
        .max_frame_size(limit(limits.frame_len))
        .max_message_size(limit(limits.message_len));
    let mut socket = WebSocket::from_raw_socket(Wire { rest: wire }, role, Some(config));
    let mut seen = Vec::new();
    loop {
        seen.push(match socket.read() {
            Ok(Message::Text(text)) => Seen::Text(text.as_str().to_owned()),
            Ok(Message::Binary(bytes)) => Seen::Binary(bytes.to_vec()),
            Ok(Message::Ping(bytes)) => Seen::Ping(bytes.to_vec()),
            Ok(Message::Pong(bytes)) => Seen::Pong(bytes.to_vec()),
            Ok(Message::Close(close)) => {
                let said = close.map(|close| (u16::from(close.code), close.reason.as_str().to_owned()));
                seen.push(Seen::Close(said));
                return (seen, false);
            }
            Ok(Message::Frame(_)) => unreachable!("no frame is read as such"),
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => return (seen, false),
            Err(_) => return (seen, true),
        });
    }
}

/// A peer that sent all of its bytes, is still there, and reads whatever comes.
struct Wire<'w> {
    rest: &'w [u8],
}

impl Read for Wire<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.rest.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.rest.read(out)
    }
}

impl Write for Wire<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
