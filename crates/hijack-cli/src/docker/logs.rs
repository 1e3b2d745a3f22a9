//! `logs`: what a container wrote.

use std::time::SystemTime;

use hijack_docker::LogsOptions;

use super::Settings;
use super::args::Logs;
use super::failure::Failed;
use super::moment::timestamp;
use super::signals::unless_signalled;
use super::stream::Sinks;

pub(super) async fn run(settings: &Settings, said: &Logs) -> Result<(), Failed> {
    unless_signalled(logs(settings, said)).await
}

async fn logs(settings: &Settings, said: &Logs) -> Result<(), Failed> {
    let docker = &settings.docker;
    let container = docker.inspect(&said.container).await?;
    settings.expect(container.tty());
    let mut options = LogsOptions::default();
    options.follow = said.follow.0;
    options.timestamps = said.timestamps.0;
    options.details = said.details.0;
    // Whatever is no number of lines is all of them, to the daemon too.
    options.tail = said.tail.parse().ok();
    options.since = moment("since", said.since.as_deref())?;
    options.until = moment("until", said.until.as_deref())?;
    options.tty = Some(container.tty());
    let output = docker.logs(&said.container, &options).await?;
    Sinks::default().take(output).await
}

fn moment(name: &str, text: Option<&str>) -> Result<Option<String>, Failed> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let stamp = timestamp(text, SystemTime::now());
    stamp.map(Some).map_err(|why| Failed::new(format!("invalid value for \"{name}\": {why}")))
}
