//! `exec`: a further process in a running container.

use std::io::IsTerminal;
use std::pin::pin;

use hijack_docker::{Docker, ExecOptions};

use super::Settings;
use super::args::{Exec, Surroundings, detach_keys};
use super::env::variables;
use super::failure::Failed;
use super::signals::unless_signalled;
use super::stream::{Attached, End, is_gone};
use super::tty::{self, Process, Resized};

pub(super) async fn run(settings: &Settings, said: &Exec) -> Result<(), Failed> {
    unless_signalled(exec(settings, said)).await
}

async fn exec(settings: &Settings, said: &Exec) -> Result<(), Failed> {
    let docker = &settings.docker;
    let (container, command) = said.container_and_command.split_first().expect("clap wants two at least");
    let mut options = options(said, command).map_err(Failed::new)?;
    // A container that is not there is told before a terminal that is not, and no exec is left behind.
    docker.inspect(container).await?;
    if !said.detach.0 {
        tty::check(options.attach_stdin, options.tty)?;
    }
    let keys = options.detach_keys.get_or_insert_with(|| settings.detach_keys.clone()).clone();
    let id = docker.create_exec(container, &options).await?;
    if said.detach.0 {
        return Ok(docker.start_exec_detached(&id, options.tty).await?);
    }
    settings.expect(options.tty);
    let streams = docker.start_exec(&id, options.tty).await?;
    let attached =
        Attached { stdin: options.attach_stdin, output: true, tty: options.tty, detach_keys: keys };
    let mut carrying = pin!(attached.carry(streams));
    let resized = (options.tty && std::io::stdin().is_terminal()).then_some(Resized::Once);
    let end = tokio::select! {
        end = &mut carrying => end?,
        never = tty::beside(docker, Process::Exec(&id), resized, None) => match never {},
    };
    match end {
        End::Detached => Err(Failed::new("read escape sequence")),
        End::Ended => exit(docker, &id).await,
    }
}

fn options(said: &Exec, command: &[String]) -> Result<ExecOptions, String> {
    let mut options = ExecOptions::new(command);
    let Surroundings { env, env_file, workdir, user } = &said.surroundings;
    options.env = variables(env_file, env)?;
    options.user = user.clone().unwrap_or_default();
    options.working_dir = workdir.clone().unwrap_or_default();
    options.privileged = said.privileged.0;
    options.tty = said.tty.0;
    options.attach_stdin = said.interactive.0 && !said.detach.0;
    (options.attach_stdout, options.attach_stderr) = (!said.detach.0, !said.detach.0);
    options.detach_keys = detach_keys(said.detach_keys.as_deref())?;
    Ok(options)
}

async fn exit(docker: &Docker, id: &str) -> Result<(), Failed> {
    match docker.exec_exit_code(id).await {
        Ok(code) => Failed::exited(code.unwrap_or_default()),
        Err(error) if is_gone(&error) => Err(Failed { code: 255, text: error.to_string() }),
        Err(error) => Err(error.into()),
    }
}
