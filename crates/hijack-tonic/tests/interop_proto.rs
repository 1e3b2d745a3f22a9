//! `src/interop/generated.rs` is what `proto/test.proto` makes: checked here, so that nobody needs a compiler of protos
//! to build the crate. With `HIJACK_GENERATE=1` it is written anew.

use std::path::Path;

const HEAD: &str =
    "// Made of proto/test.proto by `HIJACK_GENERATE=1 cargo test -p hijack-tonic --test interop_proto`.\n";

#[test]
fn the_generated_code_is_what_the_proto_makes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = protox::compile(["test.proto"], [root.join("proto")]).expect("a legal proto");
    let out = std::env::temp_dir().join(format!("hijack-proto-{}", std::process::id()));
    std::fs::create_dir_all(&out).expect("a directory");
    tonic_prost_build::configure().out_dir(&out).build_transport(false).compile_fds(files).expect("code");
    let made = std::fs::read_to_string(out.join("grpc.testing.rs")).expect("one package");
    std::fs::remove_dir_all(&out).expect("ours");
    let made = format!("{HEAD}{made}");

    let committed = root.join("src/interop/generated.rs");
    if std::env::var_os("HIJACK_GENERATE").is_some() {
        std::fs::write(&committed, &made).expect("writable");
    }
    let found = std::fs::read_to_string(&committed).unwrap_or_default();
    assert!(found == made, "src/interop/generated.rs is not what proto/test.proto makes: see its first line");
}
