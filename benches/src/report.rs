//! The results, to read and to keep.

use std::path::Path;
use std::{fmt, fs, io};

use clap::ValueEnum as _;
use serde_json::{Value, json};

use crate::bar::Bar;
use crate::footprint::Footprint;
use crate::options::Options;
use crate::procfs;
use crate::rounds::{Sample, Series, median};
use crate::suite::{Beside, Part, Subject};

/// One program and its numbers.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) name: String,
    pub(crate) series: Series,
    pub(crate) footprint: Option<Footprint>,
    /// Instructions per operation outside the kernel, where they could be counted.
    pub(crate) instructions: Option<f64>,
}

/// One suite, measured.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) parts: Vec<Part>,
    pub(crate) bars: Vec<Bar>,
    pub(crate) options: Options,
}

impl Report {
    pub(crate) fn no_bar_missed(&self) -> bool {
        !self.bars.iter().any(Bar::is_missed)
    }

    /// Writes everything, each round apart.
    pub(crate) fn save(&self, path: &Path) -> io::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, format!("{:#}\n", self.to_json()?))?;
        eprintln!("written to {}", path.display());
        Ok(())
    }

    /// What others used of the machine in the middle one of all samples, in cores.
    fn others(&self) -> f64 {
        let programs = self.parts.iter().flat_map(|part| &part.programs);
        let samples = programs.flat_map(|program| &program.series.0);
        median(samples.map(|sample| sample.others).collect())
    }

    fn to_json(&self) -> io::Result<Value> {
        Ok(json!({
            "suite": self.options.suite.to_possible_value().map(|suite| suite.get_name().to_owned()),
            "date": self.options.date,
            "commit": self.options.commit,
            "versions": self.options.versions,
            "machine": { "cpu": procfs::cpu_model()?, "kernel": procfs::kernel()? },
            "load": {
                "rounds": self.options.rounds,
                "runs_per_round": 2,
                "held": self.options.held,
            },
            "parts": self.parts.iter().map(Part::to_json).collect::<Vec<_>>(),
            "bars": self.bars.iter().map(Bar::to_json).collect::<Vec<_>>(),
        }))
    }
}

impl Part {
    fn to_json(&self) -> Value {
        json!({
            "title": self.subject.title,
            "connections": self.connections,
            "ops_per_run": self.ops,
            "programs": self.programs.iter().map(Measured::to_json).collect::<Vec<_>>(),
        })
    }
}

impl Measured {
    fn to_json(&self) -> Value {
        json!({
            "name": self.name,
            "rounds": self.series.0.iter().copied().map(Sample::to_json).collect::<Vec<_>>(),
            "instructions_per_op": self.instructions,
            "allocations_per_op": self.footprint.and_then(|footprint| footprint.allocations),
            "heap_bytes_per_held": self.footprint.and_then(|footprint| footprint.heap_bytes),
            "resident_bytes_per_held": self.footprint.map(|footprint| footprint.resident_bytes),
        })
    }
}

impl Sample {
    fn to_json(self) -> Value {
        json!({
            "user_us": self.user,
            "system_us": self.system,
            "total_us": self.total,
            "busy": self.busy,
            "per_second": self.per_second,
            "others": self.others,
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Options { rounds, held, .. } = self.options;
        writeln!(f, "\n{rounds} rounds of two runs, {held} connections held")?;
        writeln!(
            f,
            "CPU in µs per operation, medians (total: smallest to largest); bytes per held connection"
        )?;
        for part in self.parts.iter().filter(|part| !part.programs.is_empty()) {
            write!(f, "{part}")?;
        }
        let others = self.others();
        if others > QUIET {
            let percent = others * 100.0;
            writeln!(f, "\nnot quiet: others used {percent:.0} % of a core; do not trust the CPU numbers")?;
        }
        writeln!(f)?;
        for bar in &self.bars {
            writeln!(f, "{bar}")?;
        }
        Ok(())
    }
}

/// Cores that others may use: the kernel's own threads need some.
const QUIET: f64 = 0.05;

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subject, connections, ops, programs } = self;
        let Subject { title, held, beside, .. } = subject;
        write!(f, "\n{title}\n{ops} operations per run on {connections} connections")?;
        if *beside != Beside::Nothing {
            write!(f, "; held: {held}")?;
        }
        writeln!(f, "\n\n{HEADING}")?;
        for program in programs {
            writeln!(f, "{program}")?;
        }
        Ok(())
    }
}

const HEADING: &str = "program             user  system   total           range  busy  per second   instr  allocs    heap     RSS";

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let median = |pick| self.series.median(pick);
        let (least, most) = self.series.range(|sample| sample.total);
        write!(f, "{:<16} {:>7.2} {:>7.2}", self.name, median(|s| s.user), median(|s| s.system))?;
        write!(f, " {:>7.2} {:>15}", median(|s| s.total), format!("{least:.2}-{most:.2}"))?;
        write!(f, " {:>4.0}% {:>11.0}", median(|s| s.busy) * 100.0, median(|s| s.per_second))?;
        let footprint = self.footprint;
        let allocations = footprint.and_then(|footprint| footprint.allocations);
        let heap_bytes = footprint.and_then(|footprint| footprint.heap_bytes);
        let resident_bytes = footprint.map(|footprint| footprint.resident_bytes);
        write!(f, " {:>7} {:>7}", known(self.instructions, 0), known(allocations, 2))?;
        write!(f, " {:>7} {:>7}", known(heap_bytes, 0), known(resident_bytes, 0))
    }
}

/// The number with `digits` after its point, or a dash.
fn known(number: Option<f64>, digits: usize) -> String {
    number.map_or_else(|| "-".to_owned(), |number| format!("{number:.digits$}"))
}
