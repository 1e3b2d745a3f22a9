//! The `Date` header's text for now, written once for each thread and tick of the clock.

use std::cell::Cell;
use std::time::{SystemTime, UNIX_EPOCH};

use hijack_proto::date::{FixDate, fixdate};

thread_local! {
    static WRITTEN: Cell<((u64, u64), FixDate)> = const { Cell::new(((0, 0), [0; 29])) };
}

/// The date, which is asked for anew when `tick` changes: ten times a second at the most, so it is late by a tenth
/// of a second at the most.
pub(crate) fn now(tick: (u64, u64)) -> FixDate {
    let (of, date) = WRITTEN.get();
    if of == tick {
        return date;
    }
    // A clock before 1970 is no reason to fail an answer.
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let date = fixdate(seconds);
    WRITTEN.set((tick, date));
    date
}
