//! What operators did: a line of JSON for each act, appended to a file that is never rewritten.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use hijack::Error;
use serde::Serialize;

use super::auth::Who;
use crate::tap::unix_ms;

/// The log, or none: acts are told to `tracing` in any case.
#[derive(Debug)]
pub(super) struct Audit(Option<Mutex<File>>);

/// One act.
#[derive(Debug, Serialize)]
struct Line<'a> {
    at_ms: u64,
    who: &'a str,
    act: &'a str,
    target: &'a str,
    detail: &'a str,
    matched: usize,
}

impl Audit {
    pub(super) fn open(path: Option<&Path>) -> Result<Self, Error> {
        let Some(path) = path else { return Ok(Self(None)) };
        let file = OpenOptions::new().create(true).append(true).open(path).map_err(|error| {
            Error::Config(format!("cannot append to the audit log {}: {error}", path.display()))
        })?;
        Ok(Self(Some(Mutex::new(file))))
    }

    /// Notes an act. Where the disk is full the act is done all the same, and the failure told: an operator who cannot end
    /// a connection is the greater harm.
    pub(super) fn note(&self, who: &Who, act: &str, target: &str, detail: &str, matched: usize) {
        tracing::info!(target: "hijack_gateway::audit", who = who.name, act, on = target, detail, matched, "act");
        let Some(file) = &self.0 else { return };
        let line = Line { at_ms: unix_ms(), who: &who.name, act, target, detail, matched };
        let Ok(mut text) = serde_json::to_vec(&line) else { return };
        text.push(b'\n');
        // One write: lines of several threads do not mix.
        if let Err(error) = file.lock().unwrap_or_else(PoisonError::into_inner).write_all(&text) {
            tracing::error!(%error, act, "the audit log cannot be written");
        }
    }
}
