//! Our gob codec, with the allocator of our program.

use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> std::io::Result<()> {
    hijack_bench::codec::run()
}
