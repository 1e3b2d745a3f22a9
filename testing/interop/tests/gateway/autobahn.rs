//! Autobahn's fuzzing client through the gateway to our server, which has no fault when it is tried directly
//! (`tests/autobahn.rs`): it must have none through the gateway either, whether the frames are only counted, or every
//! message is looked at by somebody while its compression is undone.

use std::io::BufRead;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use hijack_interop::autobahn::{Share, try_server};
use hijack_interop::gateway::Program;
use hijack_interop::server::Server;
use serde_json::Value;

#[test]
fn framed() {
    let server = Server::start();
    let Some(gateway) = Program::before(server.base(), "") else { return };
    judge(&gateway);
}

#[test]
fn tapped() {
    let server = Server::start();
    let Some(gateway) = Program::before(server.base(), "compression = \"inflate\"") else { return };
    let seen = AtomicU64::new(0);
    let ran = thread::scope(|scope| {
        let (gateway, seen) = (&gateway, &seen);
        let events = gateway.follow("/api/events").expect("the operators' side answers");
        let stop = events.get_ref().try_clone().expect("a socket");
        scope.spawn(move || {
            for opened in views(events, "opened") {
                // Each is looked at from now to its end.
                scope.spawn(move || {
                    let path = format!("/api/connections/{}/messages", opened["id"]);
                    let messages = gateway.follow(&path).map(|lines| views(lines, "message").count());
                    seen.fetch_add(messages.unwrap_or(0) as u64, Ordering::Relaxed);
                });
            }
        });
        let ran = judge(gateway);
        let _ = stop.shutdown(std::net::Shutdown::Both);
        ran
    });
    if ran {
        let seen = seen.into_inner();
        // How many depends on how soon each case is looked at.
        assert!(seen > 20, "{seen} messages were seen");
        eprintln!("autobahn through the gateway, tapped: {seen} messages seen");
    }
}

/// Runs the ordinary groups, or all with `HIJACK_AUTOBAHN=all`; false if the suite is missing here.
fn judge(gateway: &Program) -> bool {
    let url = gateway.base().replace("http:", "ws:") + "/ws/takeover";
    let [small, large] = Share::asked_for();
    let is_all = std::env::var_os("HIJACK_AUTOBAHN").is_some_and(|asked| asked == "all");
    let shares = if is_all { vec![small, large] } else { vec![small] };
    for share in shares {
        let Some(run) = try_server(&url, share) else { return false };
        run.verdict().unwrap_or_else(|faults| panic!("{faults}\n{}", gateway.log()));
        assert_eq!(run.good(), share.cases().len());
    }
    true
}

/// The data of a stream's events of one kind, until it ends.
fn views(lines: impl BufRead, kind: &'static str) -> impl Iterator<Item = Value> {
    let mut event = String::new();
    lines.lines().map_while(Result::ok).filter_map(move |line| {
        if let Some(name) = line.strip_prefix("event: ") {
            event = name.to_owned();
        }
        let data = line.strip_prefix("data: ").filter(|_| event == kind)?;
        serde_json::from_str(data).ok()
    })
}
