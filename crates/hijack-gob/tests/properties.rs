//! The properties of the fuzz targets without a fuzzer: over random bytes and choices, over every file of the fuzz
//! corpus, and over every one of its streams cut and changed at each byte.

use std::path::Path;

use hijack_properties::{GOB, Property};
use proptest::collection::vec;
use proptest::prelude::*;

fn property(target: &str) -> Property {
    GOB.into_iter().find(|(name, _)| *name == target).expect("a target").1
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn a_stream_means_the_same_however_it_is_cut(stream in vec(any::<u8>(), 0..200)) {
        property("gob_decode")(&stream);
    }

    #[test]
    fn a_value_means_the_same_however_it_is_cut(value in vec(0_u8..32, 0..100)) {
        property("gob_value")(&value);
    }

    #[test]
    fn a_value_is_read_as_it_was_written(choices in vec(any::<u8>(), 0..300)) {
        property("gob_encode")(&choices);
    }
}

fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let read = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.expect("a readable folder").path();
        (path.display().to_string(), std::fs::read(&path).expect("a readable file"))
    };
    let files: Vec<_> = std::fs::read_dir(&folder).expect("a corpus for each target").map(read).collect();
    assert!(!files.is_empty(), "{target} has no corpus");
    files
}

#[test]
fn every_file_of_the_fuzz_corpus_holds() {
    for (target, property) in GOB {
        for (path, data) in corpus(target) {
            println!("{path}"); // shown if it fails
            property(&data);
        }
    }
}

/// Go's streams, which are in the corpus behind two bytes of control.
#[test]
fn every_stream_holds_cut_and_changed_at_each_byte() {
    let property = property("gob_decode");
    let mut runs = 0;
    for (path, data) in corpus("gob_decode").into_iter().filter(|(path, _)| path.contains("/go-")) {
        println!("{path}"); // shown if it fails
        for at in 2..data.len() {
            property(&data[..at]);
            for change in [1, 0x80, 0xFF, 0x10] {
                let mut changed = data.clone();
                changed[at] ^= change;
                property(&changed);
                runs += 1;
            }
        }
    }
    assert!(runs > 10_000, "{runs} changes");
}
