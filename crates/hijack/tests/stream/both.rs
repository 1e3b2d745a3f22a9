//! Much in both directions at once, with little room on the way.

use hijack::stream::{ClientStreams, Framing, ServerStreams};
use tokio::io::AsyncWriteExt;

use crate::support::{pattern, soon};
use crate::wire::pair;

/// `cat`: what goes in comes out, in either framing, however narrow the connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cat_gives_everything_back() {
    for framing in [Framing::Multiplexed, Framing::Raw] {
        for (room, len) in [(1, 3_000), (17, 50_000), (1 << 16, 8_000_000)] {
            let (client, server) = pair(framing, room);
            let ServerStreams { mut stdin, outputs, .. } = server;
            let cat = tokio::spawn(async move {
                let mut stdout = outputs.stdout();
                tokio::io::copy(&mut stdin, &mut stdout).await.expect("open");
                stdout.flush().await.expect("open");
                let _ = stdin.close().await.expect("in order");
            });
            let ClientStreams { mut stdin, output, .. } = client;
            let sent = pattern(len);
            let sending = sent.clone();
            let sending = tokio::spawn(async move {
                stdin.copy_from(&mut &sending[..], None).await.expect("open");
                stdin
            });
            let (mut out, mut err) = (Vec::new(), Vec::new());
            soon("the end", output.copy_to(&mut out, &mut err)).await.expect("whole");
            assert!(out == sent && err.is_empty(), "{framing:?}, {room}: {} bytes", out.len());
            drop(soon("our end", sending).await.expect("no panic"));
            soon("the end of cat", cat).await.expect("no panic");
        }
    }
}
