//! axum on hyper, as it is used.

use hijack_bench::servers::{self, axum};

fn main() -> std::io::Result<()> {
    servers::run(axum::serve_on_hyper, None)
}
