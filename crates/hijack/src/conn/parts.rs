//! A taken-over connection in its pieces.

use std::fmt;

use bytes::Bytes;

use super::Conn;
use crate::observe::{EndReason, Lease};
use crate::transport::Stream;
use crate::wire::Wire;

/// The stream underneath a [`Conn`], and the bytes on their way through it.
///
/// Together they are every byte: what the peer sent is `unread` and then what `io` gives; what was written is
/// what `io` took and then `unsent`. Nothing is counted, limited or told any more, and the tracker hears that the
/// connection is detached when the parts are dropped or taken apart; [`Conn::from_parts`] goes back.
#[must_use = "`unread` holds bytes that the peer sent; ignoring them loses data"]
#[non_exhaustive]
pub struct Parts<Io> {
    /// The stream.
    pub io: Io,
    /// Bytes read from the stream and not given out.
    pub unread: Bytes,
    /// Bytes put and not written to the stream.
    pub unsent: Bytes,
    /// Keeps the connection's place in the tracker.
    pub lease: ConnLease,
}

/// The place of a connection in its server's tracker. Dropping it gives the place up.
#[derive(Debug)]
pub struct ConnLease(Option<Lease>);

impl ConnLease {
    /// Names the reason of the end to come; the first one stays.
    #[allow(dead_code, reason = "only TLS inside a connection does")]
    pub(crate) fn set_end_reason(&self, reason: EndReason) {
        if let Some(lease) = &self.0 {
            lease.record().set_end(reason);
        }
    }

    fn into_lease(mut self) -> Lease {
        self.0.take().expect("a lease is taken out once")
    }
}

impl Drop for ConnLease {
    fn drop(&mut self) {
        // A panic is the better reason, and found by the lease itself.
        if let Some(lease) = self.0.as_ref().filter(|_| !std::thread::panicking()) {
            lease.record().set_end(EndReason::Detached);
        }
    }
}

impl<Io: Stream> Conn<Io> {
    /// Takes the connection apart.
    ///
    /// Who closes: the owner of `io`. Deadlines: none. The unread bytes are in `unread`, also those of a body.
    /// The server's shutdown counts the connection as long as `lease` lives, and cannot end it.
    pub fn into_parts(mut self) -> Parts<Io> {
        let unsent = self.wire.take_queued().into();
        let Wire { io, lease, .. } = self.wire;
        Parts { io, unread: self.unread, unsent, lease: ConnLease(Some(lease)) }
    }

    /// Puts a connection together again, perhaps over another stream than before.
    pub fn from_parts<Old>(parts: Parts<Old>) -> Self
    where
        Old: Into<Io>,
    {
        let mut wire = Wire::new(parts.io.into(), parts.lease.into_lease());
        wire.out().extend_from_slice(&parts.unsent);
        Self::new(wire, parts.unread)
    }
}

impl<Io> Parts<Io> {
    /// Gives up the place in the tracker and leaves the bare stream with the unread and the unsent bytes.
    #[must_use = "the unread bytes were sent by the peer; ignoring them loses data"]
    pub fn detach(self) -> (Io, Bytes, Bytes) {
        drop(self.lease);
        (self.io, self.unread, self.unsent)
    }

    /// The same parts with another stream in place of this one, such as a TLS session inside it.
    pub fn map_io<New>(self, map: impl FnOnce(Io) -> New) -> Parts<New> {
        Parts { io: map(self.io), unread: self.unread, unsent: self.unsent, lease: self.lease }
    }
}

impl<Io> fmt::Debug for Parts<Io> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts")
            .field("lease", &self.lease)
            .field("unread", &self.unread.len())
            .field("unsent", &self.unsent.len())
            .finish_non_exhaustive()
    }
}
