//! The servers that our client is proven against.

use std::any::Any;
use std::path::PathBuf;

use hijack::{Client, ClientConnection};
use hijack_interop::foreign::Foreign;
use hijack_interop::server::Server;

/// A server with the endpoints of `README.md`, or a proxy in front of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    Ours,
    Go,
    Node,
    Nginx,
    NginxTls,
    Haproxy,
    HaproxyTls,
}

impl Peer {
    /// All that understand plain sockets.
    pub(crate) const PLAIN: [Self; 5] = [Self::Ours, Self::Go, Self::Node, Self::Nginx, Self::Haproxy];

    /// `None` if a program that it needs is missing here.
    pub(crate) fn start(self) -> Option<Site> {
        let foreign = match self {
            Self::Ours => {
                let server = Server::start();
                let (base, client) = (server.base().to_owned(), client(None));
                return Some(Site { peer: self, base, client, _server: Box::new(server) });
            }
            Self::Go => Foreign::go(),
            Self::Node => Foreign::node(),
            Self::Nginx => Foreign::nginx(false),
            Self::NginxTls => Foreign::nginx(true),
            Self::Haproxy => Foreign::haproxy(false),
            Self::HaproxyTls => Foreign::haproxy(true),
        }?;
        let (base, client) = (foreign.base().to_owned(), client(foreign.certificate()));
        Some(Site { peer: self, base, client, _server: Box::new(foreign) })
    }
}

/// A client that trusts the server, if `certificate` is one, and may send as many requests ahead as the cases do.
fn client(certificate: Option<PathBuf>) -> Client {
    let builder = Client::builder().configure(|config| config.limits.pipelined = 100);
    match certificate {
        None => builder.build(),
        Some(file) => {
            let config = hijack::tls::client_config_with(&file, None).expect("a certificate");
            builder.tls(config).build()
        }
    }
}

/// A started server, until it is dropped, and a client that trusts it.
pub(crate) struct Site {
    pub(crate) peer: Peer,
    pub(crate) base: String,
    pub(crate) client: Client,
    _server: Box<dyn Any + Send + Sync>,
}

impl Site {
    pub(crate) async fn connect(&self) -> ClientConnection {
        let endpoint = self.base.parse().expect("an address");
        self.client.connect(&endpoint).await.expect("the server is reached")
    }

    pub(crate) fn is(&self, peers: &[Peer]) -> bool {
        peers.contains(&self.peer)
    }
}
