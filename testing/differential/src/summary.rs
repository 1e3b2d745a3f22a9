//! Counts over all streams, and the line that a run ends with.

use std::fmt;
use std::ops::AddAssign;

use crate::classes::Class;
use crate::compare::Comparison;
use crate::{Role, Stream};

/// Failures printed in full; the others are only counted.
const SHOWN: usize = 30;

/// What came of a run.
#[derive(Debug)]
pub struct Summary {
    role: Role,
    /// Streams compared.
    pub streams: usize,
    /// Those of them that are valid by construction.
    pub valid: usize,
    /// Messages that Go and Node both accept.
    pub both: usize,
    /// Those of them that ours accepts too.
    pub ours: usize,
    /// Streams that break a rule.
    pub failures: usize,
    /// The first of them, written out.
    pub shown: Vec<String>,
    /// Streams of each class, in the order of [`Class::all`].
    pub hits: Vec<usize>,
}

impl Summary {
    /// Nothing counted yet.
    #[must_use]
    pub fn new(role: Role) -> Self {
        let hits = vec![0; Class::all(role).len()];
        Self { role, streams: 0, valid: 0, both: 0, ours: 0, failures: 0, shown: Vec::new(), hits }
    }

    /// Counts one stream in.
    pub fn add(&mut self, stream: &Stream, comparison: &Comparison<'_>) {
        let (both, ours) = comparison.agreement();
        self.streams += 1;
        self.valid += usize::from(stream.expected.is_some());
        self.both += both;
        self.ours += ours;
        match comparison.check() {
            Ok(classes) => {
                for (hits, class) in self.hits.iter_mut().zip(Class::all(self.role)) {
                    *hits += usize::from(classes.iter().any(|hit| hit.name == class.name));
                }
            }
            Err(rule) => {
                self.failures += 1;
                if self.shown.len() < SHOWN {
                    self.shown.push(format!("{rule}\n{comparison}"));
                }
            }
        }
    }

    /// The share of messages accepted by both peers that ours accepts too, in percent.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "a percentage")]
    pub fn agreement(&self) -> f64 {
        100.0 * self.ours as f64 / self.both.max(1) as f64
    }

    fn classes(&self) -> impl Iterator<Item = (&'static Class, usize)> {
        Class::all(self.role).iter().zip(self.hits.iter().copied())
    }

    /// Classes that no stream fell into.
    pub fn unhit(&self) -> impl Iterator<Item = &'static str> {
        self.classes().filter(|(_, hits)| *hits == 0).map(|(class, _)| class.name)
    }
}

impl AddAssign for Summary {
    /// Adds the counts; what was shown of a part is not shown again.
    fn add_assign(&mut self, part: Self) {
        self.streams += part.streams;
        self.valid += part.valid;
        self.both += part.both;
        self.ours += part.ours;
        self.failures += part.failures;
        for (hits, more) in self.hits.iter_mut().zip(part.hits) {
            *hits += more;
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for failure in &self.shown {
            writeln!(f, "{failure}\n")?;
        }
        for (class, hits) in self.classes() {
            writeln!(f, "{hits:>6} streams: {}", class.name)?;
        }
        write!(
            f,
            "{} streams, {} valid by construction; both peers accept {} {}s, ours {} of them ({:.2} %); {} failures",
            self.streams,
            self.valid,
            self.both,
            self.role.noun(),
            self.ours,
            self.agreement(),
            self.failures
        )
    }
}
