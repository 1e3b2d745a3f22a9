//! `hijack-bench`: starts the programs, loads them in turns, and says which bars are met.
//!
//! `bench.sh` at the root builds everything, pins this program to its core and calls it.

mod bar;
mod footprint;
mod instructions;
mod launch;
mod leftover;
mod load;
mod options;
mod peer;
mod procfs;
mod profile;
mod program;
mod report;
mod rounds;
mod stalled;
mod suite;

use std::io;
use std::process::ExitCode;

use clap::Parser;

use crate::options::Options;

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("hijack-bench: {error}");
            ExitCode::from(2)
        }
    }
}

/// Whether no bar was missed.
fn run(options: &Options) -> io::Result<bool> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if let Some(folder) = &options.profile {
        runtime.block_on(suite::profile(options, folder))?;
        return Ok(true);
    }
    let report = runtime.block_on(suite::measure(options))?;
    print!("{report}");
    if let Some(path) = &options.save {
        report.save(path)?;
    }
    Ok(report.no_bar_missed())
}
