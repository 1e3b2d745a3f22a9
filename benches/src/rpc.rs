//! What both ends of the measured calls know.

use hijack_gob::Gob;
use serde::Deserialize;

/// What `Arith.Multiply` multiplies.
#[derive(Clone, Copy, Debug, Deserialize, Gob)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs, reason = "they are called A and B")]
pub struct Args {
    pub a: i64,
    pub b: i64,
}
