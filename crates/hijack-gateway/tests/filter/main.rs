//! Replays the corpus of the fuzz target `filter`, so that a finding stays found without a fuzzer.

mod law;

use std::path::Path;

use hijack_gateway::Filter;

#[test]
fn the_corpus_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/filter");
    let mut understood = 0;
    for file in std::fs::read_dir(folder).expect("the corpus") {
        let bytes = std::fs::read(file.expect("an entry").path()).expect("a file");
        law::check(&bytes);
        understood += usize::from(String::from_utf8_lossy(&bytes).parse::<Filter>().is_ok());
    }
    assert!(understood > 10, "the corpus has whole filters");
}
