//! A relay that can have no pipe copies. Alone in its process, since it takes the descriptors away.
#![cfg(target_os = "linux")]

#[allow(dead_code, reason = "made for other tests")]
#[path = "behaviour/support.rs"]
mod support;

use hijack::{Pipes, Relay, Tracker};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use support::{pattern, soon, tcp_pair};

/// Lets this process open `more` descriptors than it has, at the most; gives what was allowed before.
fn allow(more: u64) -> Rlimit {
    let before = getrlimit(Resource::Nofile);
    let next = rustix::io::dup(std::io::stderr()).expect("a descriptor");
    let lowest_free = u64::try_from(std::os::fd::AsRawFd::as_raw_fd(&next)).expect("no negative one");
    drop(next);
    let limit = Rlimit { current: Some(lowest_free + more), ..before };
    setrlimit(Resource::Nofile, limit).expect("less is always allowed");
    before
}

/// Sends more than all buffers hold through a relay of two TCP sides.
async fn transfer(pipes: &Pipes, restricted: impl FnOnce()) {
    let tracker = Tracker::default();
    let ((mut client, near), (mut server, far)) = (tcp_pair().await, tcp_pair().await);
    let mut relay = Relay::new(tracker.adopt(near), tracker.adopt(far)).with_pipes(pipes.clone());
    restricted();
    let sent = pattern(8 << 20);
    let send = async {
        client.send(&sent).await;
        client.end().await;
    };
    let receive = async {
        server.expect_rest(&sent).await;
        server.end().await;
    };
    let (end, ..) = soon("the transfer", async { tokio::join!(relay.run(), send, receive) }).await;
    assert_eq!(end.to_server.delivered, 8 << 20, "{end}");
}

/// Without a descriptor for a pipe, or with only one, bytes are copied; once there are some again, they are spliced.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_descriptors_a_relay_copies() {
    let pipes = Pipes::new(8);
    for more in [0, 1] {
        let mut before = None;
        transfer(&pipes, || before = Some(allow(more))).await;
        assert_eq!(pipes.open(), 0, "there was no descriptor for a pipe");
        setrlimit(Resource::Nofile, before.expect("it was restricted")).expect("as before");
    }
    transfer(&pipes, || ()).await;
    assert!(pipes.open() > 0, "large transfers are spliced again");
}
