//! The `Date` header's text for now, written once a second for each thread.

use std::cell::Cell;
use std::time::{SystemTime, UNIX_EPOCH};

use hijack_proto::date::{FixDate, fixdate};

thread_local! {
    static WRITTEN: Cell<(u64, FixDate)> = Cell::new((0, fixdate(0)));
}

/// The date of this second.
pub(crate) fn now() -> FixDate {
    // A clock before 1970 is no reason to fail an answer.
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (of, date) = WRITTEN.get();
    if of == seconds {
        return date;
    }
    let date = fixdate(seconds);
    WRITTEN.set((seconds, date));
    date
}
