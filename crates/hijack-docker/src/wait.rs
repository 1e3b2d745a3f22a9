//! Waiting for a container's end.

use std::fmt;

use http::Method;
use serde::Deserialize;

use crate::client::{Ask, Line};
use crate::container::of;
use crate::{Answer, ApiVersion, Docker, Error};

/// What is waited for. Daemons before API 1.30 know no conditions: they wait until it does not run, whatever was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Condition {
    /// That it does not run. One that was not started yet does not.
    #[default]
    NotRunning,
    /// The next end, also of one that was not started yet.
    NextExit,
    /// That it is gone: for containers that are removed when they end.
    Removed,
}

impl Condition {
    /// Its name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotRunning => "not-running",
            Self::NextExit => "next-exit",
            Self::Removed => "removed",
        }
    }
}

/// How a container ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exit {
    /// Its exit code; 128 and the signal's number behind a signal.
    pub code: i64,
    /// Why waiting failed, if it did.
    pub error: Option<String>,
}

/// The daemon is waiting for a container's end, and will say so.
#[must_use = "the end is told to whoever asks for `exit`"]
pub struct Wait {
    docker: Docker,
    state: State,
}

enum State {
    /// The answer's head has come, which says that the daemon is waiting.
    Answered(Answer),
    /// Daemons before version 1.30 answer when the container has ended.
    Sent(Box<Line>),
}

impl Docker {
    /// Begins to wait for a container's end. When this returns the daemon is waiting: start the container then, and no
    /// end of it is missed.
    ///
    /// # Errors
    ///
    /// [`Error::Daemon`]: 404 if there is none. Those of a connection.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    pub async fn wait(&self, container: &str, condition: Condition) -> Result<Wait, Error> {
        let knows = self.api_version().await? >= ApiVersion::CONDITIONS;
        let path = of(container, "wait").option("condition", knows.then_some(condition.name()));
        let target = self.target(path.as_str()).await?;
        let ask = Ask { method: Method::POST, target, body: None, patient: true };
        let state = match knows {
            true => State::Answered(self.ask(ask).await?),
            false => State::Sent(Box::new(self.send(ask).await?)),
        };
        Ok(Wait { docker: self.clone(), state })
    }
}

impl Wait {
    /// Waits until the container has ended.
    ///
    /// # Errors
    ///
    /// [`Error::Daemon`], [`Error::Unexpected`] and those of a connection: the daemon may have gone meanwhile.
    ///
    /// # Cancel safety
    ///
    /// Cancelling gives up waiting.
    pub async fn exit(self) -> Result<Exit, Error> {
        let answer = match self.state {
            State::Answered(answer) => answer,
            State::Sent(line) => Self::answer(self.docker, *line).await?,
        };
        Ok(answer.json::<Body>().await?.into())
    }

    async fn answer(docker: Docker, mut line: Line) -> Result<Answer, Error> {
        match line.connection.answer().await {
            Ok(head) if head.status().is_success() => Ok(Answer::new(docker, line, head)),
            Ok(head) => Err(Answer::new(docker, line, head).into_refusal().await),
            Err(error) => Err(docker.failed(error, line.said).await),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Body {
    status_code: i64,
    error: Option<Failure>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Failure {
    message: String,
}

impl From<Body> for Exit {
    fn from(body: Body) -> Self {
        // Older podmans write an error in any case, which is empty where nothing failed.
        let error = body.error.map(|error| error.message).filter(|message| !message.is_empty());
        Self { code: body.status_code, error }
    }
}

impl fmt::Debug for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_failure_with_words_is_one() {
        let table = [
            (r#"{"StatusCode":3}"#, None),
            (r#"{"StatusCode":3,"Error":null}"#, None),
            (r#"{"StatusCode":3,"Error":{"Message":""}}"#, None),
            (r#"{"StatusCode":3,"Error":{"Message":"gone"}}"#, Some("gone".to_owned())),
        ];
        for (body, error) in table {
            let exit = Exit::from(serde_json::from_str::<Body>(body).expect(body));
            assert_eq!(exit, Exit { code: 3, error }, "{body}");
        }
    }
}
