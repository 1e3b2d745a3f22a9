//! A client of gRPC, told the way to its server, what it does, and how many callers do it.

use std::io;

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().unwrap_or_default();
    let (way, work) = (next().parse()?, next().parse()?);
    hijack_bench::clients::grpc::run(way, work, next().parse().map_err(io::Error::other)?)
}
