//! Who is at the other end, for axum's `ConnectInfo`.

use axum::extract::ConnectInfo;
use hijack::Peer;
use hijack::tower::Hijacker;
use http::Extensions;

/// Puts `ConnectInfo` among a request's extensions.
pub(crate) fn put(extensions: &mut Extensions) {
    if let Some(peer) = extensions.get().map(Hijacker::peer) {
        if let Peer::Tcp(address) = peer {
            extensions.insert(ConnectInfo(address));
        }
        extensions.insert(ConnectInfo(peer));
    }
}
