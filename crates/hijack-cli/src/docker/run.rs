//! `run`: a container made, attached to, waited for and started, in this order, so that nothing of it is lost.

use std::pin::pin;

use hijack_docker::stream::DetachKeys;
use hijack_docker::{AttachOptions, Condition, ContainerConfig, Docker, Exit};

use super::args::{Run, detach_keys};
use super::failure::{Failed, REFUSED};
use super::signals::{Signals, unless_signalled};
use super::stream::{Attached, End};
use super::tty::{self, Process, Resized};
use super::{Settings, container};

pub(super) async fn run(settings: &Settings, said: &Run) -> Result<(), Failed> {
    let docker = &settings.docker;
    let (image, command) = said.image_and_command.split_first().expect("clap wants one at least");
    let mut config = container::config(&said.container, image, command).map_err(Failed::unusable)?;
    let made = unless_signalled(async {
        prepare(&mut config, said)?;
        create(docker, said, &config).await
    });
    let id = made.await?;
    let container = Container { docker, id: &id, config: &config };
    if !(config.attach_stdin || config.attach_stdout || config.attach_stderr) {
        println!("{id}");
        return unless_signalled(container.start()).await;
    }
    let keys = detach_keys(said.detach_keys.as_deref()).map_err(Failed::new)?;
    let keys = keys.unwrap_or_else(|| settings.detach_keys.clone());
    settings.expect(config.tty);
    match said.sig_proxy.0.then(Signals::forwarded).and_then(Result::ok) {
        Some(mut signals) => container.run(keys, Some(&mut signals)).await,
        // They end us, and the container goes on.
        None => unless_signalled(container.run(keys, None)).await,
    }
}

/// Nothing is attached in the background.
fn prepare(config: &mut ContainerConfig, said: &Run) -> Result<(), Failed> {
    if !said.detach.0 {
        detach_keys(said.detach_keys.as_deref()).map_err(Failed::new)?;
        return tty::check(config.attach_stdin, config.tty);
    }
    if !said.container.attach.is_empty() {
        return Err(Failed::new("conflicting options: cannot specify both --attach and --detach"));
    }
    (config.attach_stdin, config.attach_stdout, config.attach_stderr) = (false, false, false);
    config.stdin_once = false;
    Ok(())
}

async fn create(docker: &Docker, said: &Run, config: &ContainerConfig) -> Result<String, Failed> {
    let mut file = said.cidfile.as_ref().map(IdFile::create).transpose().map_err(Failed::running)?;
    let created = docker.create(config, said.name.as_deref()).await.map_err(Failed::running)?;
    for warning in &created.warnings {
        eprintln!("WARNING: {warning}");
    }
    if let Some(file) = &mut file {
        file.write(&created.id).map_err(Failed::running)?;
    }
    Ok(created.id)
}

/// The file that a container's id goes to; gone if there was no container.
struct IdFile<'p> {
    path: &'p std::path::PathBuf,
    written: bool,
}

impl<'p> IdFile<'p> {
    fn create(path: &'p std::path::PathBuf) -> Result<Self, String> {
        std::fs::File::create_new(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => format!(
                "container ID file found, make sure the other container isn't running or delete {}",
                path.display()
            ),
            _ => format!("failed to create the container ID file: {error}"),
        })?;
        Ok(Self { path, written: false })
    }

    fn write(&mut self, id: &str) -> Result<(), String> {
        self.written = true;
        std::fs::write(self.path, id)
            .map_err(|error| format!("failed to write the container ID to the file: {error}"))
    }
}

impl Drop for IdFile<'_> {
    fn drop(&mut self) {
        if !self.written {
            let _ = std::fs::remove_file(self.path);
        }
    }
}

/// A container that was made.
struct Container<'c> {
    docker: &'c Docker,
    id: &'c str,
    config: &'c ContainerConfig,
}

impl Container<'_> {
    async fn start(&self) -> Result<(), Failed> {
        self.docker.start(self.id).await.map_err(Failed::running)
    }

    /// Runs it in the foreground.
    async fn run(&self, detach_keys: DetachKeys, signals: Option<&mut Signals>) -> Result<(), Failed> {
        let config = self.config;
        let mut options = AttachOptions::default().with_detach_keys(detach_keys.clone()).with_tty(config.tty);
        options.stdin = config.attach_stdin;
        options.stdout = config.attach_stdout;
        options.stderr = config.attach_stderr;
        let streams = self.docker.attach(self.id, &options).await?;
        let removed = config.host_config.auto_remove;
        let condition = if removed { Condition::Removed } else { Condition::NextExit };
        let wait = self.docker.wait(self.id, condition).await?;
        if let Err(failed) = self.start().await {
            drop(streams);
            if removed {
                let _ = wait.exit().await;
            }
            return Err(failed);
        }
        let output = config.attach_stdout || config.attach_stderr;
        let attached = Attached { stdin: config.attach_stdin, output, tty: config.tty, detach_keys };
        let mut exit = pin!(wait.exit());
        let mut carrying = pin!(attached.carry(streams));
        let resized = config.tty.then_some(Resized::Once);
        let mut beside = pin!(tty::beside(self.docker, Process::Container(self.id), resized, signals));
        let exit = tokio::select! {
            end = &mut carrying => match end? {
                End::Detached => return Ok(()),
                End::Ended => tokio::select! {
                    exit = exit => exit,
                    never = beside => match never {},
                },
            },
            exit = &mut exit => {
                // The process is gone; what it wrote may be on its way.
                if output {
                    tokio::select! {
                        end = carrying => drop(end?),
                        never = beside => match never {},
                    }
                }
                exit
            }
            never = &mut beside => match never {},
        };
        judge(exit)
    }
}

fn judge(exit: Result<Exit, hijack_docker::Error>) -> Result<(), Failed> {
    let failed = |text: String| Failed { code: REFUSED, text };
    match exit {
        Ok(Exit { error: Some(error), .. }) => Err(failed(format!("Error waiting for container: {error}"))),
        Ok(exit) => Failed::exited(exit.code),
        Err(error) => Err(failed(format!("error waiting for container: {error}"))),
    }
}
