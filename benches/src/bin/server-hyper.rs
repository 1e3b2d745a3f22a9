//! hyper, as it is used; `--timer` puts its header timeout in force.

use hijack_bench::servers::{self, hyper};

fn main() -> std::io::Result<()> {
    let timer = std::env::args().any(|argument| argument == "--timer");
    let builder = if timer { hyper::builder_with_timer() } else { hyper::builder() };
    servers::run(|listener| hyper::serve(builder, listener), None)
}
