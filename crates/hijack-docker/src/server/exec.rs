//! `POST /exec/{id}/start`.

use hijack::stream::{DetachKeys, ServerStreams, Visit, Wanted};
use hijack::{Error, Exchange, Stream};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::takeover::take_over;
use super::{Refusal, Target};
use crate::Size;

/// How a process that was made by `POST /containers/{id}/exec` is started.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[non_exhaustive]
pub struct ExecStart {
    /// It runs by itself: the answer is an empty 200.
    pub detach: bool,
    /// Whether its output is written raw; whether it has a terminal was said when it was made.
    pub tty: bool,
    #[serde(deserialize_with = "size")]
    console_size: Option<(u16, u16)>,
}

impl ExecStart {
    /// Reads the request's body.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] with 400, of what is no such JSON.
    pub fn parse(body: &[u8]) -> Result<Self, Refusal> {
        if body.trim_ascii().is_empty() {
            return Err(Refusal::new(StatusCode::BAD_REQUEST, "got EOF while reading request body"));
        }
        serde_json::from_slice(body)
            .map_err(|error| Refusal::new(StatusCode::BAD_REQUEST, format!("invalid JSON: {error}")))
    }

    /// The size that the terminal is to have from the start.
    #[must_use]
    pub fn console_size(&self) -> Option<Size> {
        self.console_size.map(|(height, width)| Size { height, width })
    }

    /// Takes the connection over, as [`Attach::take_over`](super::Attach::take_over) does. dockerd repeats in this answer
    /// what it says of itself in every other one: `headers`. From here on whatever goes wrong is told in the stream, and
    /// by the exit code.
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
        target: &Target,
        headers: HeaderMap,
    ) -> Result<ServerStreams<Io>, Error> {
        take_over(exchange, self.tty, target.version(), headers).await
    }

    /// How the client is attached to such a process: the end of its input is the process's, or, with a terminal, detaches.
    /// Give no `stdin` unless it was asked for when the process was made, for clients that did not end their direction at
    /// once.
    #[must_use]
    pub fn visit<W>(&self, stdin: Option<W>, tty: bool, wanted: Wanted, detach_keys: DetachKeys) -> Visit<W> {
        Visit { wanted, stdin, detach: tty.then_some(detach_keys), closes_stdin: !tty }
    }
}

/// `[height, width]`; clients say null and `[0, 0]` too.
fn size<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<(u16, u16)>, D::Error> {
    let size = Option::<(u16, u16)>::deserialize(deserializer)?;
    Ok(size.filter(|size| *size != (0, 0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_bodies() {
        let start = ExecStart::parse(br#"{"Detach":false,"Tty":true,"ConsoleSize":[33,77]}"#).expect("one");
        assert!(start.tty && !start.detach);
        assert_eq!(start.console_size(), Some(Size { height: 33, width: 77 }));
        for body in ["{}", r#"{"ConsoleSize":null,"More":1}"#, r#"{"ConsoleSize":[0,0]}"#] {
            assert_eq!(ExecStart::parse(body.as_bytes()), Ok(ExecStart::default()), "{body}");
        }
        for body in
            ["", " \n", "[", r#"{"Tty":1}"#, r#"{"ConsoleSize":[1]}"#, r#"{"ConsoleSize":[-1,70000]}"#]
        {
            assert_eq!(ExecStart::parse(body.as_bytes()).expect_err(body).status(), StatusCode::BAD_REQUEST);
        }
    }
}
