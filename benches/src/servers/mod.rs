//! What the Rust servers share: one thread, an address on stdout, orders on stdin.

pub mod axum;
pub mod grpc;
pub mod hijack;
pub mod hyper;
pub mod relay;
pub mod rpc;
pub mod ws;

use std::io::{self, BufRead, Write};
use std::net::Ipv4Addr;
use std::{process, thread};

use tokio::net::TcpListener;

use crate::heap::Heap;
use crate::order::Order;

/// Listens on a free loopback port, prints the address and serves on this thread until stdin ends.
///
/// `heap` is given by the variants that count their allocations.
///
/// # Errors
/// When the runtime or the listener cannot be made, or when `serve` ends.
pub fn run<F>(serve: impl FnOnce(TcpListener) -> F, heap: Option<fn() -> Heap>) -> io::Result<()>
where
    F: Future<Output = io::Result<()>>,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        println!("{}", listener.local_addr()?);
        thread::spawn(move || obey(heap));
        serve(listener).await
    })
}

/// Answers orders until stdin ends; that also ends the server, so none outlives the program that started it.
fn obey(heap: Option<fn() -> Heap>) {
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        match (line.parse(), heap) {
            (Ok(Order::Heap), Some(count)) => println!("{}", count()),
            (Ok(Order::Left), _) => println!("{}", relay::Left::now()),
            _ => println!("unknown order: {line}"),
        }
        _ = io::stdout().flush();
    }
    process::exit(0);
}
