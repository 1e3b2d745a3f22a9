//! The other process: this program again, told by a variable what to do with the relays that come on its stdin, which
//! is a Unix socket.

use std::collections::HashMap;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hijack::{Connection, ConnectionId, PackedRelay, Relay, Tracker};
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::net::UnixStream;
use tokio::task::JoinSet;

/// Within this time after they began all relays are paused.
const PAUSED_WITHIN: Duration = Duration::from_millis(2_500);

/// Places in which a relay can be paused.
const PLACES: [&str; 4] = ["with bytes in a pipe", "half-closed", "with a stalled reader", "idle"];

#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    socket: UnixStream,
}

impl Process {
    pub(crate) fn start(what: &str) -> Self {
        let (ours, theirs) = UnixStream::pair().expect("sockets");
        let theirs = theirs.into_std().expect("a socket");
        theirs.set_nonblocking(false).expect("a socket");
        let child = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "other_process", "--ignored", "--nocapture"])
            .env("HIJACK_OTHER_PROCESS", what)
            .stdin(OwnedFd::from(theirs))
            .stdout(Stdio::piped())
            .spawn()
            .expect("this test again");
        Self { child, socket: ours }
    }

    /// Gives it all the relays that it is to run; they go on there when the last one has come.
    pub(crate) async fn give(&mut self, relays: Vec<PackedRelay>) {
        for relay in relays {
            relay.send(&mut self.socket).await.expect("sent");
        }
        rustix::net::shutdown(self.socket.as_fd(), rustix::net::Shutdown::Write).expect("an open socket");
    }

    /// What it gives back before it ends.
    pub(crate) async fn take_all(&mut self) -> Vec<PackedRelay> {
        let mut all = Vec::new();
        while let Some(relay) = PackedRelay::receive(&mut self.socket).await.expect("received") {
            all.push(relay);
        }
        all
    }

    /// Waits until it is gone; tells how many were paused in which place.
    pub(crate) fn end(mut self) -> HashMap<String, usize> {
        assert!(self.child.wait().expect("our child").success());
        let mut output = String::new();
        self.child.stdout.take().expect("piped").read_to_string(&mut output).expect("read");
        let counts = output.lines().filter_map(|line| line.strip_prefix("paused ")?.split_once(": "));
        counts.map(|(place, count)| (place.to_owned(), count.parse().expect("a number"))).collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the other process does.
pub(crate) async fn run() {
    let what = std::env::var("HIJACK_OTHER_PROCESS").expect("this is started by another test");
    let stdin = std::io::stdin().as_fd().try_clone_to_owned().expect("a socket");
    let socket = std::os::unix::net::UnixStream::from(stdin);
    socket.set_nonblocking(true).expect("a socket");
    let mut socket = UnixStream::from_std(socket).expect("a socket");
    let tracker = Tracker::default();
    let mut relays = Vec::new();
    while let Some(packed) = PackedRelay::receive(&mut socket).await.expect("received") {
        relays.push(packed.unpack(&tracker).expect("sockets"));
    }
    let count = u32::try_from(relays.len()).expect("few");
    let pauses = what == "pauses";
    let mut running = JoinSet::new();
    for (number, mut relay) in (0..).zip(relays) {
        // Spread evenly and shuffled: which instant that is for the relay is a matter of luck.
        let pause_at = PAUSED_WITHIN * (number * 7919 % count) / count;
        running.spawn(async move {
            tokio::select! {
                end = relay.run() => { assert!(!pauses, "ended before it was paused: {end}"); }
                () = tokio::time::sleep(pause_at), if pauses => {}
            }
            relay
        });
    }
    let mut places = [0; 4];
    while let Some(relay) = running.join_next().await {
        let mut relay = relay.expect("a relay");
        if pauses {
            if let Some(place) = place(&relay, &tracker) {
                places[place] += 1;
            }
            relay.pack().expect("a relay of sockets moves").send(&mut socket).await.expect("sent");
        }
    }
    if pauses {
        for (place, count) in PLACES.iter().zip(places) {
            println!("\npaused {place}: {count}");
        }
    }
}

fn place(relay: &Relay, tracker: &Tracker) -> Option<usize> {
    let seen = |id: ConnectionId| tracker.get(id).expect("it lives");
    let (client, server) = (seen(relay.client().id()), seen(relay.server().id()));
    let half_closed = |seen: &Connection| seen.peer_ended != seen.we_ended;
    let held = relay.held();
    if held.in_pipes > 0 {
        Some(0)
    } else if half_closed(&client) || half_closed(&server) {
        Some(1)
    } else if held.in_memory > 0 {
        Some(2)
    } else {
        (client.idle > Duration::from_millis(300)).then_some(3)
    }
}

pub(crate) fn raise_descriptor_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).expect("the hard limit is allowed");
}
