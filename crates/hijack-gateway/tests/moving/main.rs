//! WebSockets that move: a thousand of them under traffic, paused in one gateway at random instants and in the middle of
//! headers, and carried on in another process that starts when the first is gone. Alone in its process, for it needs
//! many descriptors.

mod ends;
mod process;

use std::collections::BTreeMap;
use std::time::Duration;

use ends::{Ends, Kind};
use process::{Counted, Process};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Of each kind a quarter.
const PAIRS: usize = 1_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_websockets_paused_anywhere_lose_and_double_nothing_and_keep_their_counts() {
    process::raise_descriptor_limit();
    let upstream = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = upstream.local_addr().expect("an address");
    let mut first = Process::start("pauses", address, PAIRS);
    let gateway = first.address();

    let (moved, is_moved) = watch::channel(false);
    let mut conversations = JoinSet::new();
    let mut expected = BTreeMap::new();
    for number in 0..PAIRS {
        let ends = Ends::open(number, &gateway, &upstream).await;
        expected.insert(number as u64 + 1, Counted { messages: ends.messages(), ..Counted::default() });
        conversations.spawn(ends.converse(is_moved.clone()));
    }
    let packed = first.take_all().await;
    first.end();
    assert_eq!(packed.len(), PAIRS);
    let in_headers = packed.iter().filter(|packed| is_in_header(packed)).count();
    println!("{in_headers} were paused in the middle of a header");
    assert!(in_headers >= PAIRS / Kind::ALL.len(), "{in_headers}");

    let mut second = Process::start("finishes", address, PAIRS);
    second.give(packed).await;
    moved.send_replace(true);
    let all = async {
        while let Some(result) = conversations.join_next().await {
            result.expect("every byte, once and in order");
        }
    };
    tokio::time::timeout(Duration::from_secs(120), all).await.expect("they go on in the second process");
    assert_eq!(second.end(), expected);
}

/// Whether a gate holds the beginning of a header: its state says so by that name.
fn is_in_header(packed: &hijack_gateway::PackedConversation) -> bool {
    const FIELD: &[u8] = b"\xa7carried\xc4";
    let bytes = packed.to_bytes();
    let held = bytes.windows(FIELD.len() + 1).filter(|window| window.starts_with(FIELD));
    held.map(|window| window[FIELD.len()]).any(|len| len > 0)
}

/// Not a test of its own: the process with a gateway in it for the one above.
#[tokio::test]
#[ignore = "run by a_thousand_websockets_paused_anywhere_lose_and_double_nothing_and_keep_their_counts"]
async fn other_process() {
    process::raise_descriptor_limit();
    process::run().await;
}
