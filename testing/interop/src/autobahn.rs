//! Autobahn|Testsuite, which judges WebSocket servers and clients by 517 cases. `testing/autobahn.sh` installs it.
//!
//! Its exit status says nothing, and one failed connection ends a run early. So a [`Run`] is good only if it holds a
//! verdict on each case of the committed list (`autobahn/cases.txt`), and no verdict below "OK".

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};
use std::{fs, io};

use serde_json::{Value, json};

use crate::peer::find;
use crate::process::{Folder, Running};

/// Groups of cases that one process of the suite runs. Processes run beside each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share(&'static [u8]);

impl Share {
    /// What is to be run: the 301 cases without compression, and all 517 with `HIJACK_AUTOBAHN=all`.
    #[must_use]
    pub fn asked_for() -> [Self; 2] {
        let all = std::env::var_os("HIJACK_AUTOBAHN").is_some_and(|asked| asked == "all");
        if all { Self::ALL } else { Self::UNCOMPRESSED }
    }

    /// Group 9 is as much work as the others together; it has the large messages.
    pub const UNCOMPRESSED: [Self; 2] = [Self(&[1, 2, 3, 4, 5, 6, 7, 10]), Self(&[9])];

    /// With groups 12 and 13, which compress. Either takes minutes, most of them the suite's own.
    pub const ALL: [Self; 2] = [Self(&[1, 2, 3, 4, 5, 6, 7, 10, 12]), Self(&[9, 13])];

    /// A few cases, to try the runner.
    pub const SMALL: Self = Self(&[1, 2]);

    /// What follows a violation, and must not be answered any more; few libraries are so strict.
    pub const STRICT: Self = Self(&[3, 4]);

    /// The cases of these groups.
    #[must_use]
    pub fn cases(self) -> BTreeSet<&'static str> {
        let group = |case: &str| case.split('.').next().and_then(|group| group.parse().ok());
        let cases = include_str!("../autobahn/cases.txt").split_whitespace();
        cases.filter(|case| group(case).is_some_and(|group: u8| self.0.contains(&group))).collect()
    }

    fn spec(self) -> Value {
        let cases: Vec<String> = self.0.iter().map(|group| format!("{group}.*")).collect();
        json!({ "outdir": "reports", "cases": cases, "exclude-cases": [], "exclude-agent-cases": {} })
    }
}

/// Has the suite's client try the server at `url` (`ws://…`); `None` if the suite is missing here.
///
/// # Panics
/// If the suite does not start or does not end in time, or if it is missing and `CI=true`.
#[must_use]
pub fn try_server(url: &str, share: Share) -> Option<Run> {
    let suite = Suite::start("fuzzingclient", share, "servers", json!([{ "agent": AGENT, "url": url }]))?;
    suite.said_all();
    Some(suite.run(share))
}

/// The suite's server, for a client to be tried by it.
#[derive(Debug)]
pub struct Trial {
    suite: Suite,
    share: Share,
    base: String,
}

impl Trial {
    /// Starts it; `None` if the suite is missing here.
    ///
    /// # Panics
    /// If it does not start, or if it is missing and `CI=true`.
    #[must_use]
    pub fn start(share: Share) -> Option<Self> {
        // The suite cannot be asked which port it took, so it is given one that was free just now. If somebody else was
        // faster, it ends, and has another.
        for _ in 0..10 {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
            let address = listener.local_addr().expect("it is bound");
            drop(listener);
            let base = format!("ws://{address}");
            let mut suite = Suite::start("fuzzingserver", share, "url", json!(base))?;
            if suite.listens(address) {
                return Some(Self { suite, share, base });
            }
        }
        panic!("the suite found no free port");
    }

    /// The URL of the trial's `number`th case, from 1 to [`count`](Self::count). The client has to echo what it gets
    /// there.
    #[must_use]
    pub fn case(&self, number: usize) -> String {
        format!("{}/runCase?case={number}&agent={AGENT}", self.base)
    }

    /// How many cases there are to run.
    #[must_use]
    pub fn count(&self) -> usize {
        self.share.cases().len()
    }

    /// Where a client has to connect when it ran all cases.
    #[must_use]
    pub fn end(&self) -> String {
        format!("{}/updateReports?agent={AGENT}", self.base)
    }

    /// Its address, as `ws://127.0.0.1:PORT`.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// What came of it, once the client was at [`end`](Self::end).
    #[must_use]
    pub fn run(self) -> Run {
        self.suite.run(self.share)
    }
}

/// A process of the suite. Each has a folder of its own, so one name for whoever is tried suffices.
#[derive(Debug)]
struct Suite {
    running: Running,
    lines: Receiver<String>,
    folder: Folder,
}

impl Suite {
    fn start(mode: &str, share: Share, key: &str, value: Value) -> Option<Self> {
        let mut command = Command::new(find("HIJACK_WSTEST", "wstest")?);
        let mut spec = share.spec();
        spec[key] = value;
        command.args(["--mode", mode, "--spec", "spec.json", "--webport", "0"]).env("PYTHONUNBUFFERED", "1");
        Some(Self::launch(&command, &spec).expect("the suite is started"))
    }

    fn launch(command: &Command, spec: &Value) -> io::Result<Self> {
        let folder = Folder::new("autobahn")?;
        fs::write(folder.path().join("spec.json"), spec.to_string())?;
        let (reader, writer) = io::pipe()?;
        let running = Running::start(command, &folder, Some(writer.into()))?;
        let (sender, lines) = mpsc::channel();
        // It ends with the suite's standard output.
        thread::spawn(move || {
            for line in BufReader::new(reader).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Ok(Self { running, lines, folder })
    }

    /// Waits for the process's end.
    fn said_all(&self) {
        let (started, mut last) = (Instant::now(), String::new());
        loop {
            match self.lines.recv_timeout(RUN_LIMIT.saturating_sub(started.elapsed())) {
                Ok(line) => last = line,
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    panic!("not done after {RUN_LIMIT:?}: {last}\n{}", self.running.log())
                }
            }
        }
    }

    /// Whether it comes to listen at `address`; false if it ends instead.
    fn listens(&mut self, address: SocketAddr) -> bool {
        let started = Instant::now();
        while started.elapsed() < START_LIMIT {
            if TcpStream::connect(address).is_ok() {
                return true;
            }
            if self.running.ended().expect("it can be asked").is_some() {
                return false;
            }
            thread::sleep(Duration::from_millis(20));
        }
        panic!("not ready after {START_LIMIT:?}: {}", self.running.log());
    }

    fn run(self, share: Share) -> Run {
        let reports = self.folder.path().join("reports");
        let read = |name: &str| fs::read(reports.join(name)).ok();
        let index: Value =
            read("index.json").and_then(|index| serde_json::from_slice(&index).ok()).unwrap_or_default();
        let mut run = Run::new(&index[AGENT], share.cases());
        for fault in &mut run.faults {
            let report = fault.report.as_deref().and_then(read);
            fault.story = report.and_then(|report| serde_json::from_slice(&report).ok()).unwrap_or_default();
        }
        if run.verdict().is_err() {
            run.log = self.running.log();
            run.log.extend(self.lines.try_iter().map(|line| line + "\n"));
        }
        run
    }
}

/// What came of a share.
#[derive(Debug)]
pub struct Run {
    /// Cases by verdict.
    counts: BTreeMap<String, usize>,
    missing: Vec<&'static str>,
    unknown: Vec<String>,
    faults: Vec<Fault>,
    log: String,
}

/// A case that did not go as it must.
#[derive(Debug)]
struct Fault {
    case: String,
    verdicts: [String; 2],
    /// The name of its report.
    report: Option<String>,
    story: Value,
}

impl Run {
    fn new(results: &Value, cases: BTreeSet<&'static str>) -> Self {
        let mut run = Self {
            counts: BTreeMap::new(),
            missing: Vec::new(),
            unknown: Vec::new(),
            faults: Vec::new(),
            log: String::new(),
        };
        let mut missing = cases;
        for (case, result) in results.as_object().into_iter().flatten() {
            if !missing.remove(case.as_str()) {
                run.unknown.push(case.clone());
            }
            run.judge(case, result);
        }
        run.missing = missing.into_iter().collect();
        run
    }

    fn judge(&mut self, case: &str, result: &Value) {
        let verdicts =
            ["behavior", "behaviorClose"].map(|key| result[key].as_str().unwrap_or("nothing").to_owned());
        let is_good =
            |verdict: &String| verdict == "OK" || verdict == "INFORMATIONAL" && INFORMATIONAL.contains(&case);
        *self.counts.entry(verdicts[0].clone()).or_default() += 1;
        if !verdicts.iter().all(is_good) {
            let report = result["reportfile"].as_str().map(str::to_owned);
            self.faults.push(Fault { case: case.to_owned(), verdicts, report, story: Value::Null });
        }
    }

    /// How many cases went well.
    #[must_use]
    pub fn good(&self) -> usize {
        self.counts.values().sum::<usize>() - self.faults.len()
    }

    /// Whether each case of the list was run and went well.
    ///
    /// # Errors
    /// What is wrong, case by case, with what the suite expected and saw.
    pub fn verdict(&self) -> Result<(), String> {
        let mut wrong = Vec::new();
        if !self.missing.is_empty() {
            wrong.push(format!("not run: {}", self.missing.join(" ")));
        }
        if !self.unknown.is_empty() {
            wrong.push(format!("not in the list: {}", self.unknown.join(" ")));
        }
        wrong.extend(self.faults.iter().map(Fault::to_string));
        if wrong.is_empty() { Ok(()) } else { Err(format!("{}\n{}", wrong.join("\n"), self.log)) }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}, its close {}", self.case, self.verdicts[0], self.verdicts[1])?;
        for key in
            ["description", "expectation", "result", "resultClose", "remoteCloseCode", "remoteCloseReason"]
        {
            let said = self.story[key].to_string();
            write!(f, "\n    {key}: {}", said.chars().take(500).collect::<String>())?;
        }
        Ok(())
    }
}

/// Under which name the suite files its verdicts.
pub(crate) const AGENT: &str = "hijack";

/// Where the suite states what it saw, and has no opinion: whether data is still sent behind a Close (7.1.6), and
/// codes that nobody defined (7.13).
const INFORMATIONAL: [&str; 3] = ["7.1.6", "7.13.1", "7.13.2"];

/// Ten times what it takes on an idle machine with two processors.
const RUN_LIMIT: Duration = Duration::from_secs(3600);

/// It listens after less than a second.
const START_LIMIT: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    fn results(change: impl FnOnce(&mut serde_json::Map<String, Value>)) -> Run {
        let good = json!({ "behavior": "OK", "behaviorClose": "OK" });
        let cases = Share::UNCOMPRESSED[0].cases();
        let mut results = cases.iter().map(|case| ((*case).to_owned(), good.clone())).collect();
        change(&mut results);
        Run::new(&Value::Object(results), cases)
    }

    #[test]
    fn the_list_has_all_cases() {
        let count = |shares: [Share; 2]| shares.map(|share| share.cases().len()).iter().sum::<usize>();
        assert_eq!((count(Share::UNCOMPRESSED), count(Share::ALL)), (301, 517));
    }

    #[test]
    fn a_clean_run_is_good() {
        let run = results(|results| results["7.13.1"]["behavior"] = json!("INFORMATIONAL"));
        assert_eq!((run.verdict(), run.good()), (Ok(()), 247));
    }

    #[test]
    fn a_missing_case_is_bad() {
        let run = results(|results| drop(results.remove("5.3")));
        assert!(run.verdict().unwrap_err().contains("not run: 5.3"));
        assert!(Run::new(&Value::Null, Share::SMALL.cases()).verdict().is_err(), "no report at all");
    }

    #[test]
    fn an_unknown_case_is_bad() {
        let run = results(|results| drop(results.insert("5.21".to_owned(), results["5.3"].clone())));
        assert!(run.verdict().unwrap_err().contains("not in the list: 5.21"));
    }

    #[test]
    fn every_other_verdict_is_bad() {
        let worse = [
            "NON-STRICT",
            "FAILED",
            "WRONG CODE",
            "UNCLEAN",
            "UNIMPLEMENTED",
            "FAILED BY CLIENT",
            "INFORMATIONAL",
        ];
        for key in ["behavior", "behaviorClose"] {
            for verdict in worse {
                let run = results(|results| results["5.3"][key] = json!(verdict));
                assert!(run.verdict().unwrap_err().contains(verdict), "{key} {verdict}");
            }
            let run = results(|results| drop(results["5.3"].as_object_mut().expect("a map").remove(key)));
            assert!(run.verdict().is_err(), "without {key}");
        }
    }
}
