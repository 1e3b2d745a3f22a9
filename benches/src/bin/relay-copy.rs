//! A port forwarder on tokio's copy, as it is used.

use hijack_bench::servers::{self, relay};

fn main() -> std::io::Result<()> {
    servers::run(relay::with_copy, None)
}
