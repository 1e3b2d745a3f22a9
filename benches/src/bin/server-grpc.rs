//! A server of gRPC, told by which way it is reached.

use std::io;

use hijack_bench::servers::{self, grpc};

fn main() -> io::Result<()> {
    let way = std::env::args().nth(1).unwrap_or_default().parse()?;
    servers::run(|listener| grpc::serve(listener, way), None)
}
