//! Which programs are compared.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::options::Options;

/// What the measured programs are to the connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Server,
    Client,
    /// An axum app; the peers are the engines that serve it.
    AxumServer,
}

/// One program, and its variant that counts allocations.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) name: String,
    pub(crate) program: PathBuf,
    pub(crate) counted: PathBuf,
    pub(crate) arguments: &'static [&'static str],
    /// Go's does not.
    pub(crate) runs_in_valgrind: bool,
}

/// The name under which our own programs are compared with the others.
pub(crate) const OURS: &str = "hijack";

impl Peer {
    /// The programs of `--peers` that are built; says which are missing.
    pub(crate) fn present(role: Role, options: &Options) -> io::Result<Vec<Self>> {
        let defaults = role.default_peers().iter().map(|name| (*name).to_owned()).collect();
        let mut peers = Vec::new();
        for name in options.peers.as_ref().unwrap_or(&defaults) {
            let peer = Self::named(name, role, options)?;
            if peer.program.is_file() && peer.counted.is_file() {
                peers.push(peer);
            } else {
                eprintln!("no {role} {name}: its bars are not measured");
            }
        }
        if peers.is_empty() { Err(io::Error::other(format!("no {role} to measure"))) } else { Ok(peers) }
    }

    fn named(name: &str, role: Role, options: &Options) -> io::Result<Self> {
        match (role, name) {
            (_, OURS | "hyper") => Self::beside(name, role, name, &[]),
            (Role::Server, "hijack-in-handler") => Self::beside(name, role, OURS, &["--in-handler"]),
            (Role::Client, "hijack-map") => Self::beside(name, role, OURS, &["--map"]),
            (Role::Server, "hyper-timer") => Self::beside(name, role, "hyper", &["--timer"]),
            (Role::Server, "go") => Ok(Self::go(options)),
            _ => Err(io::Error::other(format!("unknown {role} {name}"))),
        }
    }

    /// The program of that role and name beside this one.
    fn beside(name: &str, role: Role, file: &str, arguments: &'static [&'static str]) -> io::Result<Self> {
        let own = std::env::current_exe()?;
        Ok(Self {
            name: name.to_owned(),
            program: own.with_file_name(format!("{}-{file}", role.file())),
            counted: own.with_file_name(format!("{}-{file}-counted", role.file())),
            arguments,
            runs_in_valgrind: true,
        })
    }

    fn go(options: &Options) -> Self {
        let program = options.go.clone().unwrap_or_default();
        let counted = program.clone();
        Self { name: "go".to_owned(), program, counted, arguments: &[], runs_in_valgrind: false }
    }
}

impl Role {
    /// How the files of its programs begin.
    fn file(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
            Self::AxumServer => "server-axum",
        }
    }

    fn default_peers(self) -> &'static [&'static str] {
        match self {
            Self::Server => &[OURS, "hyper", "go"],
            Self::Client | Self::AxumServer => &[OURS, "hyper"],
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Server => "server",
            Self::Client => "client",
            Self::AxumServer => "axum server",
        })
    }
}
