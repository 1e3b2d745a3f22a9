//! Ours, as it is used; with `--hand-off` the handler ends before the conversation.

use hijack_bench::servers::{self, hijack};

fn main() -> std::io::Result<()> {
    if std::env::args().any(|argument| argument == "--hand-off") {
        return servers::run(hijack::serve_handing_off, None);
    }
    servers::run(hijack::serve, None)
}
