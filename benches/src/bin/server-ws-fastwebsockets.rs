//! A WebSocket server: fastwebsockets, as it is used.

use hijack_bench::servers::{self, ws};

fn main() -> std::io::Result<()> {
    servers::run(ws::with_fastwebsockets, None)
}
