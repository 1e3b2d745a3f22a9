//! A server of net/rpc: ours.

use hijack_bench::servers::{self, rpc};

fn main() -> std::io::Result<()> {
    servers::run(rpc::with_hijack, None)
}
