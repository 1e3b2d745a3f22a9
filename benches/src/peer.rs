//! Which programs are compared.

use std::io;
use std::path::PathBuf;

use crate::options::Options;

/// One server program, and its variant that counts allocations.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) name: String,
    pub(crate) program: PathBuf,
    pub(crate) counted: PathBuf,
    pub(crate) arguments: &'static [&'static str],
    /// Go's does not.
    pub(crate) runs_in_valgrind: bool,
}

/// The name under which our own server is compared with the others.
pub(crate) const OURS: &str = "hijack";

impl Peer {
    /// The servers of `--peers` that are built; says which are missing.
    pub(crate) fn present(options: &Options) -> io::Result<Vec<Self>> {
        let mut peers = Vec::new();
        for name in &options.peers {
            let peer = Self::named(name, options)?;
            if peer.program.is_file() && peer.counted.is_file() {
                peers.push(peer);
            } else {
                eprintln!("no server {name}: its bars are not measured");
            }
        }
        if peers.is_empty() { Err(io::Error::other("no server to measure")) } else { Ok(peers) }
    }

    fn named(name: &str, options: &Options) -> io::Result<Self> {
        let beside = |file: &str| std::env::current_exe().map(|own| own.with_file_name(file));
        let (program, counted, arguments): (_, _, &[_]) = match name {
            OURS => (beside("server-hijack")?, beside("server-hijack-counted")?, &[]),
            "hijack-in-handler" => {
                (beside("server-hijack")?, beside("server-hijack-counted")?, &["--in-handler"])
            }
            "hyper" => (beside("server-hyper")?, beside("server-hyper-counted")?, &[]),
            "hyper-timer" => (beside("server-hyper")?, beside("server-hyper-counted")?, &["--timer"]),
            "go" => {
                let program = options.go.clone().unwrap_or_default();
                (program.clone(), program, &[])
            }
            _ => return Err(io::Error::other(format!("unknown server {name}"))),
        };
        Ok(Self { name: name.to_owned(), program, counted, arguments, runs_in_valgrind: name != "go" })
    }
}
