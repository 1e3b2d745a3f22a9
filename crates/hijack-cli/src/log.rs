//! Where events are written: stderr, as text for people, or as JSON for machines.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Starts writing. `HIJACK_LOG` says what, as in `info` (the default), `debug` or `hijack_gateway=debug,warn`;
/// `HIJACK_LOG_FORMAT=json` has a line of JSON written for each event.
pub(crate) fn start() {
    let filter = EnvFilter::try_from_env("HIJACK_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let events = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let is_json = std::env::var("HIJACK_LOG_FORMAT").is_ok_and(|format| format == "json");
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    if is_json {
        events.json().flatten_event(true).init();
    } else {
        events.with_ansi(colour).init();
    }
}
