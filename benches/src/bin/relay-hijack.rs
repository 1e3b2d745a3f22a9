//! Our relay as a port forwarder, as it is used.

use hijack_bench::servers::{self, relay};

fn main() -> std::io::Result<()> {
    servers::run(relay::with_hijack, None)
}
