//! `attach`: the streams of a container that runs.

use std::pin::pin;

use hijack_docker::{AttachOptions, Condition};

use super::Settings;
use super::args::{Attach, detach_keys};
use super::failure::Failed;
use super::signals::{Signals, unless_signalled};
use super::stream::{Attached, End, unattachable};
use super::tty::{self, Process, Resized};

pub(super) async fn run(settings: &Settings, said: &Attach) -> Result<(), Failed> {
    let docker = &settings.docker;
    let name = said.container.as_str();
    let keys = detach_keys(said.detach_keys.as_deref()).map_err(Failed::new)?;
    let keys = keys.unwrap_or_else(|| settings.detach_keys.clone());
    // Waited for before it is looked at: its end is told even if it comes in between.
    let (wait, container) = unless_signalled(async {
        let wait = docker.wait(name, Condition::NotRunning).await?;
        Ok((wait, docker.inspect(name).await?))
    })
    .await?;
    unattachable(&container.state)?;
    tty::check(!said.no_stdin.0, container.tty())?;
    settings.expect(container.tty());
    let stdin = !said.no_stdin.0 && container.open_stdin();
    let attached = Attached { stdin, output: true, tty: container.tty(), detach_keys: keys.clone() };
    let proxied = said.sig_proxy.0 && !attached.tty;
    let mut signals = proxied.then(Signals::forwarded).and_then(Result::ok);
    let mut options = AttachOptions::default().with_detach_keys(keys).with_tty(attached.tty);
    options.stdin = stdin;
    let streaming = async {
        let streams = docker.attach(name, &options).await?;
        // One that ended before it was attached to would be silent for ever.
        unattachable(&docker.inspect(name).await?.state)?;
        match attached.carry(streams).await? {
            End::Detached => Err(Failed::new("read escape sequence")),
            End::Ended => Ok(wait.exit().await?),
        }
    };
    let mut streaming = pin!(streaming);
    let resized = attached.tty.then_some(Resized::Anew);
    let beside = tty::beside(docker, Process::Container(name), resized, signals.as_mut());
    let both = async {
        tokio::select! {
            exit = &mut streaming => exit,
            never = beside => match never {},
        }
    };
    let exit = if proxied { both.await } else { unless_signalled(both).await }?;
    match exit.error {
        Some(error) => Err(Failed::new(error)),
        None => Failed::exited(exit.code),
    }
}
