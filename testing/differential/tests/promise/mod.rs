//! What the project promises about parsing, checked for one role over all its streams.
//!
//! `HIJACK_DIFF_STREAMS` sets how many streams are generated, `HIJACK_DIFF_SEED` which ones (1).
//! A missing peer skips the comparison, except where `CI=true`.

use std::io::Write;
use std::path::Path;

use hijack_differential::compare::Comparison;
use hijack_differential::peer::{Oracle, Peer};
use hijack_differential::summary::Summary;
use hijack_differential::{Accepted, Role, Stream, corpus, generator};

const VALID_PERCENT: usize = 30;
const AGREEMENT_PERCENT: f64 = 98.0;

/// How many streams of a role are compared at least.
pub(crate) struct Promise {
    pub(crate) role: Role,
    pub(crate) hand_written: usize,
    pub(crate) generated: usize,
}

impl Promise {
    /// Compares all of them.
    pub(crate) fn keep(&self) {
        let role = self.role;
        let (Some(go), Some(node)) = (find(Peer::Go, role), find(Peer::Node, role)) else { return };
        let hand_written = corpus::read(role).expect("a well-formed corpus");
        let (seed, count) = (knob("HIJACK_DIFF_SEED", 1), knob("HIJACK_DIFF_STREAMS", self.generated));
        let generated = generator::generate(role, seed as u64, count);
        assert!(hand_written.len() >= self.hand_written, "{} hand-written streams", hand_written.len());

        let mut total = Summary::new(role);
        for (kind, streams) in [("hand-written", &hand_written), ("generated", &generated)] {
            let part = compare(role, streams, &go, &node);
            println!("{kind}:\n{part}\n");
            total += part;
        }
        say(&format!("all:\n{total}"));

        assert_eq!(total.failures, 0, "streams broke a rule; they are printed above");
        assert_eq!(total.unhit().collect::<Vec<_>>(), [""; 0], "classes that no stream is of");
        assert!(total.valid * 100 >= count * VALID_PERCENT, "{} valid streams", total.valid);
        // Fewer streams are a quick look, in which the corpus and its oddities weigh too much.
        if count >= self.generated {
            assert!(total.agreement() >= AGREEMENT_PERCENT, "{:.2} % agreement", total.agreement());
        }
    }
}

fn compare(role: Role, streams: &[Stream], go: &Oracle, node: &Oracle) -> Summary {
    let (go, node) = (judge(go, streams), judge(node, streams));
    let mut summary = Summary::new(role);
    for (stream, (go, node)) in streams.iter().zip(go.iter().zip(&node)) {
        summary.add(stream, &Comparison::new(stream, go, node));
    }
    summary
}

fn judge(oracle: &Oracle, streams: &[Stream]) -> Vec<Vec<Accepted>> {
    oracle.judge(streams).unwrap_or_else(|error| panic!("{error}"))
}

fn find(peer: Peer, role: Role) -> Option<Oracle> {
    match Oracle::find(peer, role, Path::new(env!("CARGO_TARGET_TMPDIR"))) {
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
