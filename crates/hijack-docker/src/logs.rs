//! What a container wrote.

use hijack::stream::{Framing, Output};
use http::Method;

use crate::client::Ask;
use crate::container::of;
use crate::{AnswerBody, Docker, Error};

/// Which of a container's output, and how. The default is all of it, up to now.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LogsOptions {
    /// Whether stdout comes.
    pub stdout: bool,
    /// Whether stderr comes.
    pub stderr: bool,
    /// Goes on with what is written from now on, until the container ends.
    pub follow: bool,
    /// With the time in front of each line, by RFC 3339.
    pub timestamps: bool,
    /// With the labels and variables that the container's log driver was told to add, in front of each line.
    pub details: bool,
    /// Only so many last lines.
    pub tail: Option<u64>,
    /// Only from this time on: RFC 3339, or seconds since 1970, which may have a fraction.
    pub since: Option<String>,
    /// Only up to this time.
    pub until: Option<String>,
    /// Whether the container has a terminal, where that is known. Otherwise it is asked for where the answer does not tell.
    pub tty: Option<bool>,
}

impl Default for LogsOptions {
    fn default() -> Self {
        Self {
            stdout: true,
            stderr: true,
            follow: false,
            timestamps: false,
            details: false,
            tail: None,
            since: None,
            until: None,
            tty: None,
        }
    }
}

impl LogsOptions {
    /// Goes on until the container ends.
    #[must_use]
    pub fn following(mut self) -> Self {
        self.follow = true;
        self
    }

    /// Only the last `lines`.
    #[must_use]
    pub fn with_tail(mut self, lines: u64) -> Self {
        self.tail = Some(lines);
        self
    }
}

impl Docker {
    /// Reads what a container wrote. It is an ordinary answer, so its end is told apart from a cut, and with `follow` it
    /// comes when the container ends.
    ///
    /// # Errors
    ///
    /// [`Error::Daemon`]: 404 if there is none, 400 for a wrong time, 501 if its logs are not kept. Those of a connection.
    ///
    /// # Cancel safety
    ///
    /// Cancelling closes the connection.
    pub async fn logs(&self, container: &str, options: &LogsOptions) -> Result<Output<AnswerBody>, Error> {
        let mut tty = options.tty;
        let labelled = self.is_labelled().await?;
        if tty.is_none() && !labelled {
            tty = Some(self.inspect(container).await?.tty());
        }
        let tail = options.tail.map_or_else(|| "all".to_owned(), |lines| lines.to_string());
        let path = of(container, "logs")
            .flag("stdout", options.stdout)
            .flag("stderr", options.stderr)
            .flag("follow", options.follow)
            .flag("timestamps", options.timestamps)
            .flag("details", options.details)
            .option("since", options.since.as_ref())
            .option("until", options.until.as_ref())
            .query("tail", tail);
        let target = self.target(path.as_str()).await?;
        // Some daemons answer with the first line, which may be long in coming.
        let answer =
            self.ask(Ask { method: Method::GET, target, body: None, patient: options.follow }).await?;
        let named = Framing::named_in(answer.headers()).filter(|_| labelled);
        let framing = match named.or_else(|| tty.map(Framing::of_tty)) {
            Some(framing) => framing,
            None => Framing::of_tty(self.inspect(container).await?.tty()),
        };
        Ok(Output::new(answer.into_body(), framing))
    }
}
