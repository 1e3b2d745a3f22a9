//! Our client, as it is used; with `--map` it asks for the map of an answer's fields.

use hijack_bench::clients::{self, hijack::Hijack};

fn main() -> std::io::Result<()> {
    if std::env::args().any(|argument| argument == "--map") {
        return clients::run::<Hijack<true>>(None);
    }
    clients::run::<Hijack<false>>(None)
}
