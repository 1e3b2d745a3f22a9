//! Ours, as it is used; with `--in-handler` the conversation runs in the handler.

use hijack_bench::servers::{self, hijack};

fn main() -> std::io::Result<()> {
    if std::env::args().any(|argument| argument == "--in-handler") {
        return servers::run(hijack::serve_in_handler, None);
    }
    servers::run(hijack::serve, None)
}
