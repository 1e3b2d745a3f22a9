//! Port forwarders: ours and one on tokio's `copy_bidirectional`. The first argument is where they lead.

use std::sync::LazyLock;
use std::{env, fmt, io};

use hijack::{Pipes, Relay, Tracker};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

/// Forwards with our relay, which has the connections adopted.
///
/// # Errors
/// When there is no target, or accepting fails.
pub async fn with_hijack(listener: TcpListener) -> io::Result<()> {
    let target = target()?;
    loop {
        let (client, _) = listener.accept().await?;
        tokio::spawn(async move {
            if let Ok(server) = TcpStream::connect(target).await {
                Relay::new(TRACKER.adopt(client), TRACKER.adopt(server)).run().await;
            }
        });
    }
}

/// Forwards with tokio's copy, both sockets with `TCP_NODELAY` as ours have it.
///
/// # Errors
/// When there is no target, or accepting fails.
pub async fn with_copy(listener: TcpListener) -> io::Result<()> {
    let target = target()?;
    loop {
        let (client, _) = listener.accept().await?;
        tokio::spawn(async move { copy(client, TcpStream::connect(target).await?).await });
    }
}

async fn copy(mut client: TcpStream, mut server: TcpStream) -> io::Result<(u64, u64)> {
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    copy_bidirectional(&mut client, &mut server).await
}

fn target() -> io::Result<std::net::SocketAddr> {
    let argument = env::args().nth(1).unwrap_or_default();
    argument.parse().map_err(|_| io::Error::other(format!("address to lead to expected, got {argument:?}")))
}

static TRACKER: LazyLock<Tracker> = LazyLock::new(Tracker::default);

/// What our relays have in hand.
#[derive(Clone, Copy, Debug)]
pub struct Left {
    tracked: usize,
    pipes: usize,
}

impl Left {
    /// Counts it.
    #[must_use]
    pub fn now() -> Self {
        Self { tracked: TRACKER.count(), pipes: Pipes::shared().open() }
    }
}

/// The answer line: `TRACKED PIPES`, connections and pipes, idle ones included.
impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.tracked, self.pipes)
    }
}
