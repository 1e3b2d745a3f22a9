//! Connections stay in sight: one record each, with counters that everyone samples, and three events.
//!
//! `record` is what is known of one connection, `lease` its owner's hold on it, `registry` the set of those that live, `clock` the coarse time
//! and the timer wheel behind every limit, `tracker` what an operator sees of it all.

mod clock;
mod drained;
mod identity;
mod lease;
mod reason;
mod record;
mod registry;
mod snapshot;
mod tracker;

pub use drained::ShutdownReport;
pub use identity::Identity;
pub(crate) use lease::Lease;
pub(crate) use reason::Ended;
pub use reason::{EndReason, Timeout};
pub use record::{ConnLimits, Peer, State};
pub(crate) use registry::Registry;
pub(crate) use snapshot::Snapshot;
pub use tracker::{Connection, ConnectionId, Observer, Taken, Tracker};
