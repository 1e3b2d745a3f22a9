//! The gateway's console in Chromium, in front of a real gateway with unmodified upstreams.
//!
//! With `HIJACK_SCREENSHOTS=FOLDER` the pages are photographed; `HIJACK_SOAK=SECONDS` is how long messages pour in,
//! instead of three seconds.

mod built;
mod calls;
mod flood;
mod look;
mod messages;
mod site;
mod table;
