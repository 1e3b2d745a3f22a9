//! Our gob codec.

fn main() -> std::io::Result<()> {
    hijack_bench::codec::run()
}
