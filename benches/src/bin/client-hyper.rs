//! hyper's client, as it is used.

use hijack_bench::clients::{self, hyper::Hyper};

fn main() -> std::io::Result<()> {
    clients::run::<Hyper>(None)
}
