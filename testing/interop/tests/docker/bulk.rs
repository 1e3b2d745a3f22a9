//! Much through one stream: nothing is lost, and nothing is held.

use std::time::{Duration, Instant};

use hijack_docker::stream::ClientStreams;
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;

use crate::site::{Site, code, run, script, soon};

const MIB: u64 = 1 << 20;

/// Behaviour 6: both ways at once.
pub(crate) async fn megabytes_through_cat(site: Site) {
    through_cat(&site, 64 * MIB).await;
}

/// The same with a gibibyte: by hand, since it takes a minute or two.
#[test]
#[ignore = "a gibibyte: cargo test -p hijack-interop --test docker -- --ignored --nocapture gibibyte"]
fn gibibyte_through_cat() {
    run(async |site| through_cat(&site, 1024 * MIB).await);
}

async fn through_cat(site: &Site, len: u64) {
    let before = resident();
    let started = Instant::now();
    let (_, streams, wait) = site.started(&script("cat").with_stdin()).await;
    let ClientStreams { mut stdin, mut output, .. } = streams;
    let sending = tokio::spawn(async move {
        let (mut random, mut hash, mut left) = (Random(len), Sha256::new(), len);
        let mut block = vec![0; 64 * 1024];
        while left > 0 {
            random.fill(&mut block);
            let part = &block[..block.len().min(usize::try_from(left).expect("64 bits"))];
            hash.update(part);
            stdin.write_all(part).await.expect("written");
            left -= part.len() as u64;
        }
        stdin.close().await.expect("our end");
        (stdin, hash.finalize())
    });
    let (mut hash, mut came, mut most) = (Sha256::new(), 0, 0);
    while let Some(chunk) = soon("output", output.next()).await.expect("whole") {
        hash.update(&chunk.data);
        came += chunk.data.len() as u64;
        if came % MIB < 16 * 1024 {
            most = most.max(resident());
        }
    }
    let (_stdin, sent) = sending.await.expect("no panic");
    assert_eq!((came, hash.finalize()), (len, sent));
    assert_eq!(code(wait).await, 0);
    assert!(most > 0, "memory was never looked at");
    let grown = most.saturating_sub(before);
    let seconds = started.elapsed().as_secs_f64();
    println!("{} MiB through cat: {seconds:.1} s, resident memory grew by {grown} KiB", len / MIB);
    // Other tests run beside this one.
    assert!(grown < 48 * 1024, "resident memory grew by {grown} KiB");
}

/// Resident memory of this process, in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
    line.trim().split(' ').next().and_then(|number| number.parse().ok()).expect("a number")
}

/// Bytes of which no two stretches are alike.
struct Random(u64);

impl Random {
    fn fill(&mut self, block: &mut [u8]) {
        for word in block.chunks_mut(8) {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            word.copy_from_slice(&self.0.to_le_bytes()[..word.len()]);
        }
    }
}

/// Behaviour 7: a reader that pauses holds the process up, and loses nothing.
pub(crate) async fn a_pause_holds_the_process_up(site: Site) {
    const LEN: u64 = 13 * MIB;
    let dd = script("dd if=/dev/zero bs=65536 count=208 2>/dev/null; echo written >&2");
    let (id, streams, wait) = site.started(&dd).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(site.docker.inspect(&id).await.expect("known").state.running, "nobody has read");
    let (mut out, mut err) = (Count(0), Vec::new());
    let copied = soon("the end", streams.output.copy_to(&mut out, &mut err)).await.expect("whole");
    assert_eq!((out.0, copied.stdout, &err[..]), (LEN, LEN, &b"written\n"[..]));
    assert_eq!(code(wait).await, 0);
}

/// A sink that counts.
struct Count(u64);

impl tokio::io::AsyncWrite for Count {
    fn poll_write(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        data: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        self.0 += data.len() as u64;
        std::task::Poll::Ready(Ok(data.len()))
    }

    fn poll_flush(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn poll_shutdown(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }
}
