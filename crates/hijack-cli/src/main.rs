//! The program `hijack`.
//!
//! `args` is what was typed, `demo` the demo server, `gateway` the gateway, `conns` its operators' commands, `ws` the
//! WebSocket client, `rpc` the one of Go's net/rpc, `log` where events are written, `exit` what a run ends with. This file only joins them.

mod args;
mod conns;
mod demo;
mod exit;
mod gateway;
mod log;
mod rpc;
mod ws;

use std::process::ExitCode;

use args::{Args, Command};
use clap::Parser;
use exit::Failure;
use mimalloc::MiMalloc;

/// A connection that waits is a dozen small blocks, aligned ones of the runtime's among them: this allocator loses less
/// room between them than the C library's.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let args = Args::parse();
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("hijack: {failure}");
            failure.code()
        }
    }
}

fn run(args: Args) -> Result<(), Failure> {
    match args.command.unwrap_or_default() {
        Command::Demo(demo) => runtime(demo.threads)?.block_on(demo::run(&demo)),
        Command::Gateway(gateway) => gateway::run(&gateway),
        Command::Conns(conns) => run_alone(conns::run(*conns)),
        Command::Rpc(rpc) => run_alone(rpc::run(*rpc)),
        Command::Ws(ws) => run_alone(ws::run(*ws)),
    }
}

/// Runs something on one thread.
fn run_alone(run: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = runtime(Some(1))?;
    let result = runtime.block_on(run);
    // A read of stdin may be under way that never ends.
    runtime.shutdown_background();
    result
}

fn runtime(threads: Option<usize>) -> Result<tokio::runtime::Runtime, Failure> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if let Some(threads) = threads {
        builder.worker_threads(threads);
    }
    builder.enable_all().build().map_err(|error| Failure::system("start the worker threads", &error))
}
