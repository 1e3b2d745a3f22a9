//! The program `hijack`.
//!
//! `args` is what was typed, `demo` the demo server, `gateway` the gateway, `conns` its operators' commands, `ws` the
//! WebSocket client, `rpc` the one of Go's net/rpc, `docker` the client for Docker's streams, `grpc_forward` a way for
//! gRPC's clients, `log` where events are written, `exit` what a run ends with. This file only joins them.

mod args;
mod conns;
mod demo;
mod docker;
mod exit;
mod gateway;
mod grpc_forward;
mod log;
mod rpc;
mod ws;

use std::process::ExitCode;

use args::{Args, Command};
use clap::{CommandFactory, FromArgMatches};
use exit::Failure;
use mimalloc::MiMalloc;

/// A connection that waits is a dozen small blocks, aligned ones of the runtime's among them: this allocator loses less
/// room between them than the C library's.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let args = match parse() {
        Ok(args) => args,
        Err(code) => return code,
    };
    match run(args) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("hijack: {failure}");
            failure.code()
        }
    }
}

/// Reads the command line. Docker's part of it is read, and its mistakes are told, in Docker's way.
fn parse() -> Result<Args, ExitCode> {
    let command = Args::command().mut_subcommand("docker", docker::in_gos_way);
    let args = command.try_get_matches().and_then(|mut matches| Args::from_arg_matches_mut(&mut matches));
    args.map_err(|error| {
        if !docker::is_meant(std::env::args_os()) {
            error.exit();
        }
        let arguments: Vec<_> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
        docker::mistake(&error, &arguments)
    })
}

fn run(args: Args) -> Result<ExitCode, Failure> {
    let done = match args.command.unwrap_or_default() {
        Command::Demo(demo) => runtime(demo.threads)?.block_on(demo::run(&demo)),
        Command::Gateway(gateway) => gateway::run(&gateway),
        Command::Conns(conns) => run_alone(conns::run(*conns))?,
        Command::Rpc(rpc) => run_alone(rpc::run(*rpc))?,
        Command::GrpcForward(forward) => runtime(None)?.block_on(grpc_forward::run(*forward)),
        Command::Ws(ws) => run_alone(ws::run(*ws))?,
        Command::Docker(docker) => return run_on_this_thread(docker::run(docker)),
    };
    done.map(|()| ExitCode::SUCCESS)
}

/// Runs something on one thread.
fn run_alone<T>(run: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = runtime(Some(1))?;
    let result = runtime.block_on(run);
    // A read of stdin may be under way that never ends.
    runtime.shutdown_background();
    Ok(result)
}

/// Runs something on the thread that we are: bytes do not go from one to another.
fn run_on_this_thread<T>(run: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::system("start the runtime", &error))?;
    let result = runtime.block_on(run);
    runtime.shutdown_background();
    Ok(result)
}

fn runtime(threads: Option<usize>) -> Result<tokio::runtime::Runtime, Failure> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if let Some(threads) = threads {
        builder.worker_threads(threads);
    }
    builder.enable_all().build().map_err(|error| Failure::system("start the worker threads", &error))
}
