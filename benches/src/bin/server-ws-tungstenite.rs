//! A WebSocket server: tokio-tungstenite, as it is used.

use hijack_bench::servers::{self, ws};

fn main() -> std::io::Result<()> {
    servers::run(ws::with_tungstenite, None)
}
