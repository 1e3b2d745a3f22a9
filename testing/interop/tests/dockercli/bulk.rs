//! Many bytes through `run -i`: all of them, the same ones, and without room for them.
//!
//! `HIJACK_DOCKER_MIB` says how many (64).

use std::fs;
use std::io::{Read, Write};
use std::process::Stdio;

use hijack_interop::dockerd::IMAGE;
use sha2::{Digest, Sha256};

use crate::beside::{Client, Site};

/// A mebibyte that no other mebibyte is like.
fn block(number: usize) -> Vec<u8> {
    let mut state = number as u64 + 1;
    let mut next = || {
        // xorshift64*
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        state.wrapping_mul(0x2545_F491_4F6C_DD1D).to_le_bytes()
    };
    (0..1 << 17).flat_map(|_| next()).collect()
}

/// The most memory that a process had so far, in KiB.
fn peak(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[test]
fn many_bytes_go_through_a_pipe() {
    let Some(site) = Site::start() else { return };
    let mib = std::env::var("HIJACK_DOCKER_MIB").ok().and_then(|mib| mib.parse().ok()).unwrap_or(64);
    let words = ["run", "--rm", "-i", "--network", "none", IMAGE, "sh", "-c", "cat; exit 9"];
    let mut command = site.command(Client::Hijack, &words);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let (mut stdin, mut stdout) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
    let id = child.id();
    let (sent, (received, len, most)) = std::thread::scope(|scope| {
        let sending = scope.spawn(move || {
            let mut hash = Sha256::new();
            for number in 0..mib {
                let block = block(number);
                hash.update(&block);
                stdin.write_all(&block).expect("taken");
            }
            hash.finalize()
        });
        let receiving = scope.spawn(move || {
            let (mut hash, mut len, mut most) = (Sha256::new(), 0_usize, 0);
            let mut bytes = vec![0; 1 << 16];
            loop {
                let came = stdout.read(&mut bytes).expect("readable");
                if came == 0 {
                    return (hash.finalize(), len, most);
                }
                hash.update(&bytes[..came]);
                len += came;
                most = peak(id).unwrap_or_default().max(most);
            }
        });
        (sending.join().expect("no panic"), receiving.join().expect("no panic"))
    });
    let ended = child.wait_with_output().expect("an end");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!((ended.status.code(), said.as_ref(), len), (Some(9), "", mib << 20));
    assert_eq!(received, sent, "other bytes came back");
    assert!((1..LIMIT_KIB).contains(&most), "{most} KiB");
    println!("{mib} MiB there and back, {most} KiB of memory at the most");
}

/// What the program may need, whatever goes through it. Unoptimised ones are large.
const LIMIT_KIB: u64 = 64 * 1024;
