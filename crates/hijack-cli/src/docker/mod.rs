//! Docker's streams by Docker's words.
//!
//! `args` is what can be said and `usage` what is answered to what cannot; `daemon` finds the daemon. One module per verb
//! does what it says, upon `hijack-docker`: `run` (what a container is to be: `container`, `env`, `ports`), `exec`,
//! `attach`, `logs`, `ps`, `version`. `stream` carries bytes between a process and us: `stdio` are our streams, `pump` is
//! the short way between them and a socket, `tty` is the terminal and what goes on beside the streams, `signals` are passed
//! on or end us. `trace` shows what goes over the wire, which `message` reads. `columns`, `format`, `quantity` and `moment`
//! are how things look; `failure` is what went wrong, with Docker's exit codes.

mod args;
mod attach;
mod columns;
mod container;
mod daemon;
mod env;
mod exec;
mod failure;
mod format;
mod logs;
mod message;
mod moment;
mod ports;
mod ps;
mod pump;
mod quantity;
mod run;
mod signals;
mod stdio;
mod stream;
mod trace;
mod tty;
mod usage;
mod version;

use std::io::Write;
use std::process::ExitCode;

pub(crate) use args::{Docker, in_gos_way, is_meant};
pub(crate) use usage::mistake;

use args::Verb;
use daemon::Settings;
use failure::Failed;

/// Does what was said, and says what hindered it.
pub(crate) async fn run(said: Docker) -> ExitCode {
    match obey(said).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failed { code, text }) => {
            if !text.is_empty() {
                eprintln!("{text}");
            }
            ExitCode::from(code)
        }
    }
}

async fn obey(said: Docker) -> Result<(), Failed> {
    let settings = Settings::of(&said)?;
    match said.verb {
        Verb::Run(said) => run::run(&settings, &said).await,
        Verb::Exec(said) => exec::run(&settings, &said).await,
        Verb::Attach(said) => attach::run(&settings, &said).await,
        Verb::Logs(said) => logs::run(&settings, &said).await,
        Verb::Ps(said) => ps::run(&settings, &said).await,
        Verb::Version(said) => version::run(&settings, &said).await,
    }
}

fn print(text: &str) -> Result<(), Failed> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(|error| Failed::writing(&error))
}
