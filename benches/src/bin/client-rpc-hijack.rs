//! A client of net/rpc: ours, told how many callers there are and how many bytes they send.

use std::io;

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1).map(|number| number.parse::<u64>());
    let mut number = || arguments.next().unwrap_or(Ok(0)).map_err(io::Error::other);
    let (callers, len) = (number()?, number()?);
    hijack_bench::clients::rpc::run(callers, usize::try_from(len).map_err(io::Error::other)?)
}
