//! Where connections come from.

use std::fmt;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::{TcpListener, UnixListener};

use crate::Error;
use crate::observe::Peer;
use crate::tls::Acceptor;
use crate::transport::{Transport, set_probes};

/// A listening socket: TCP or Unix, with TLS inside or without.
#[derive(Debug)]
pub struct Listener {
    socket: Socket,
    pub(crate) tls: Option<Acceptor>,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    /// The file's name is held for its removal.
    Unix(UnixListener, #[allow(dead_code, reason = "held for its drop")] SocketFile),
}

/// The file of a Unix socket, removed with its listener.
struct SocketFile(Option<PathBuf>);

impl Drop for SocketFile {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            let _ = std::fs::remove_file(path);
        }
    }
}

impl fmt::Debug for SocketFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Listener {
    /// Listens on `address`: `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080`, or `unix:/path/to.sock`.
    ///
    /// The file of a Unix socket that nobody listens on any more is replaced, and removed at the end.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] whose text tells the address, the cause and the cure.
    pub async fn bind(address: &str) -> Result<Self, Error> {
        let bound = match address.strip_prefix("unix:") {
            Some(path) => bind_unix(Path::new(path)),
            None => TcpListener::bind(address).await.map(Self::from),
        };
        bound.map_err(|error| Error::Config(explain_bind(address, &error)))
    }

    /// The address listened on, in the form that [`bind`](Self::bind) takes.
    #[must_use]
    pub fn local_address(&self) -> String {
        match &self.socket {
            Socket::Tcp(tcp) => {
                tcp.local_addr().map_or_else(|_| "unknown".into(), |address| address.to_string())
            }
            Socket::Unix(unix, _) => {
                let address = unix.local_addr().ok();
                let path = address.as_ref().and_then(|address| address.as_pathname());
                path.map_or_else(|| "unix:".into(), |path| format!("unix:{}", path.display()))
            }
        }
    }

    /// The next connection, whatever keeps it from being accepted meanwhile: it rests between attempts.
    pub(crate) async fn accept_next(&self) -> (Transport, Peer) {
        loop {
            match self.accept().await {
                Ok(accepted) => return accepted,
                // That one went before it was accepted.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    tracing::warn!(%error, "cannot accept connections at the moment");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// The next connection.
    async fn accept(&self) -> io::Result<(Transport, Peer)> {
        match &self.socket {
            Socket::Tcp(tcp) => tcp.accept().await.map(|(tcp, address)| (tcp.into(), Peer::Tcp(address))),
            Socket::Unix(unix, _) => unix.accept().await.map(|(unix, _)| (unix.into(), Peer::Unix)),
        }
    }
}

impl From<TcpListener> for Listener {
    /// Accepted connections send small writes at once (`TCP_NODELAY`) and are probed when silent: both are set
    /// here, once, since accepted sockets inherit them.
    fn from(tcp: TcpListener) -> Self {
        let socket = socket2::SockRef::from(&tcp);
        let _ = socket.set_tcp_nodelay(true);
        set_probes(socket, Some(PROBE_AFTER));
        Self::new(Socket::Tcp(tcp))
    }
}

/// How long accepting rests when the process has no descriptors left, or a like error lasts.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Silence on a TCP connection after which the kernel asks whether its peer still lives.
const PROBE_AFTER: Duration = Duration::from_secs(30);

impl From<UnixListener> for Listener {
    fn from(unix: UnixListener) -> Self {
        Self::new(Socket::Unix(unix, SocketFile(None)))
    }
}

impl Listener {
    fn new(socket: Socket) -> Self {
        Self { socket, tls: None }
    }
}

fn bind_unix(path: &Path) -> io::Result<Listener> {
    let bound = match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_deserted(path) => {
            std::fs::remove_file(path)?;
            UnixListener::bind(path)
        }
        bound => bound,
    };
    Ok(Listener::new(Socket::Unix(bound?, SocketFile(Some(path.to_owned())))))
}

/// Whether `path` is a socket on which nobody listens.
fn is_deserted(path: &Path) -> bool {
    // Connecting to any other file is refused as well, and that file is somebody's.
    let is_socket = path.symlink_metadata().is_ok_and(|metadata| metadata.file_type().is_socket());
    let refused = std::os::unix::net::UnixStream::connect(path);
    is_socket && refused.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

fn explain_bind(address: &str, error: &io::Error) -> String {
    let cure = match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another program listens there: stop it, or choose another port (0 for any)"
        }
        io::ErrorKind::AddrNotAvailable => {
            "this machine does not have that address: 127.0.0.1 or 0.0.0.0 may be meant"
        }
        io::ErrorKind::PermissionDenied => "ports below 1024 and some folders need more rights",
        io::ErrorKind::NotFound => "the folder of the socket does not exist",
        _ if !address.starts_with("unix:") => {
            "an address looks like 127.0.0.1:8080, [::1]:8080 or unix:/path/to.sock"
        }
        _ => "is the path right, and shorter than 108 bytes?",
    };
    format!("cannot listen on {address}: {error} ({cure})")
}
