//! `POST /containers/{id}/attach`.

use hijack::stream::{DetachKeys, ServerStreams, Visit, Wanted};
use hijack::{Error, Exchange, Stream};
use http::{HeaderMap, StatusCode};

use super::takeover::take_over;
use super::{Refusal, Target};
use crate::ApiVersion;

/// Which streams of a container a client asks for.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Attach {
    /// What the client sends goes to the container.
    pub stdin: bool,
    /// The outputs that it wants.
    pub wanted: Wanted,
    /// The streams from now on. Without these, and without `logs`, it gets an answer and its end.
    pub stream: bool,
    /// What was written before comes first.
    pub logs: bool,
    /// The keys by which it detaches from a terminal.
    pub detach_keys: DetachKeys,
    version: ApiVersion,
}

impl Attach {
    /// Reads the query.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] with 400, of the keys to detach. dockerd [answers it as a stream](Refusal::answer_as_stream).
    pub fn of(target: &Target) -> Result<Self, Refusal> {
        let detach_keys = match target.query("detachKeys") {
            None | Some("") => DetachKeys::default(),
            Some(keys) => keys.parse().map_err(|error| {
                Refusal::new(StatusCode::BAD_REQUEST, format!("invalid detach keys: {error}"))
            })?,
        };
        Ok(Self {
            stdin: target.flag("stdin"),
            wanted: Wanted { stdout: target.flag("stdout"), stderr: target.flag("stderr") },
            stream: target.flag("stream"),
            logs: target.flag("logs"),
            detach_keys,
            version: target.version(),
        })
    }

    /// Takes the connection over: the answer is queued, and leaves when the streams are first flushed. Join them to the
    /// container's before ([`Broadcast::attend`](hijack::stream::Broadcast::attend) does so), for a client that has read
    /// the answer starts the container and wants all of its output.
    ///
    /// - **Unread bytes?** What the client sent with its request is its first input. A body is read, and thrown away.
    /// - Everything else is as [`ServerStreams`] says.
    ///
    /// # Errors
    ///
    /// Those of the body. The connection is closed then.
    ///
    /// # Cancel safety
    ///
    /// Cancelling closes the connection.
    pub async fn take_over<Io: Stream>(
        &self,
        exchange: Exchange<Io>,
        tty: bool,
    ) -> Result<ServerStreams<Io>, Error> {
        take_over(exchange, tty, self.version, HeaderMap::new()).await
    }

    /// How the client is attached: to `stdin` if it asked for that, which its end closes if the container was made with
    /// `StdinOnce` and has no terminal; otherwise that end detaches it.
    #[must_use]
    pub fn visit<W>(&self, stdin: Option<W>, tty: bool, stdin_once: bool) -> Visit<W> {
        Visit {
            wanted: self.wanted,
            stdin: stdin.filter(|_| self.stdin),
            detach: tty.then(|| self.detach_keys.clone()),
            closes_stdin: stdin_once && !tty,
        }
    }
}
