//! The servers that our client is proven against.

use std::any::Any;

use hijack_interop::foreign::Foreign;
use hijack_interop::server::Server;

/// A server with the endpoints of `README.md`, or a proxy in front of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    Ours,
    Go,
    Node,
    Nginx,
    Haproxy,
}

/// A started one, until it is dropped.
pub(crate) struct Started {
    pub(crate) base: String,
    _server: Box<dyn Any>,
}

impl Peer {
    pub(crate) const ALL: [Self; 5] = [Self::Ours, Self::Go, Self::Node, Self::Nginx, Self::Haproxy];

    /// `None` if a program that it needs is missing here.
    pub(crate) fn start(self) -> Option<Started> {
        let foreign = match self {
            Self::Ours => {
                let server = Server::start();
                return Some(Started { base: server.base().to_owned(), _server: Box::new(server) });
            }
            Self::Go => Foreign::go(),
            Self::Node => Foreign::node(),
            Self::Nginx => Foreign::nginx(),
            Self::Haproxy => Foreign::haproxy(),
        }?;
        Some(Started { base: foreign.base().to_owned(), _server: Box::new(foreign) })
    }
}
