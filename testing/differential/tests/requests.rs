//! All hand-written and generated streams through ours, Go and Node.
//!
//! `HIJACK_DIFF_STREAMS` sets how many streams are generated (20,000), `HIJACK_DIFF_SEED` which ones (1).
//! A missing peer skips the comparison, except where `CI=true`.

use std::io::Write;
use std::path::Path;

use hijack_differential::classes::CLASSES;
use hijack_differential::compare::Comparison;
use hijack_differential::peer::{Oracle, Peer};
use hijack_differential::summary::Summary;
use hijack_differential::{Accepted, Stream, corpus, generator};

/// The project's promise about request parsing.
const HAND_WRITTEN: usize = 400;
const GENERATED: usize = 20_000;
const VALID_PERCENT: usize = 30;
const AGREEMENT_PERCENT: f64 = 98.0;
const MOST_CLASSES: usize = 12;

#[test]
fn reads_requests_as_go_and_node_do() {
    let (Some(go), Some(node)) = (find(Peer::Go), find(Peer::Node)) else { return };
    let hand_written = corpus::read().expect("a well-formed corpus");
    let generated =
        generator::generate(knob("HIJACK_DIFF_SEED", 1) as u64, knob("HIJACK_DIFF_STREAMS", GENERATED));
    assert!(hand_written.len() >= HAND_WRITTEN, "{} hand-written streams", hand_written.len());

    let mut total = Summary::default();
    for (kind, streams) in [("hand-written", &hand_written), ("generated", &generated)] {
        let part = compare(streams, &go, &node);
        println!("{kind}:\n{part}\n");
        total += part;
    }
    say(&format!("all:\n{total}"));

    assert_eq!(total.failures, 0, "streams broke a rule; they are printed above");
    assert_eq!(total.unhit().collect::<Vec<_>>(), [""; 0], "classes that no stream is of");
    assert!(total.valid * 100 >= generated.len() * VALID_PERCENT, "{} valid streams", total.valid);
    // Fewer streams are a quick look, in which the corpus and its oddities weigh too much.
    if generated.len() >= GENERATED {
        assert!(total.agreement() >= AGREEMENT_PERCENT, "{:.2} % agreement", total.agreement());
    }
}

fn compare(streams: &[Stream], go: &Oracle, node: &Oracle) -> Summary {
    let (go, node) = (judge(go, streams), judge(node, streams));
    let mut summary = Summary::default();
    for (stream, (go, node)) in streams.iter().zip(go.iter().zip(&node)) {
        summary.add(stream, &Comparison::new(stream, go, node));
    }
    summary
}

#[test]
fn has_few_classes_with_distinct_names() {
    let mut names: Vec<_> = CLASSES.iter().map(|class| class.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), CLASSES.len());
    assert!(names.len() <= MOST_CLASSES);
}

#[test]
fn generates_the_same_streams_from_the_same_seed() {
    let few = generator::generate(7, 50);
    assert_eq!(generator::generate(7, 100)[..50], few);
    assert_ne!(generator::generate(8, 50), few);
}

fn judge(oracle: &Oracle, streams: &[Stream]) -> Vec<Vec<Accepted>> {
    oracle.judge(streams).unwrap_or_else(|error| panic!("{error}"))
}

fn find(peer: Peer) -> Option<Oracle> {
    match Oracle::find(peer, Path::new(env!("CARGO_TARGET_TMPDIR"))) {
        Ok(oracle) => Some(oracle),
        Err(reason) if std::env::var("CI").is_ok_and(|ci| ci == "true") => panic!("{reason}"),
        Err(reason) => {
            say(&format!("skipped: {reason}"));
            None
        }
    }
}

/// Prints past the test harness, which hides what passing tests print.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn knob(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text}")))
}
