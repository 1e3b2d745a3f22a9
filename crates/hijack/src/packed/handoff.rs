//! The way to another process over a Unix socket: four bytes of length, the state, and its sockets beside the first byte
//! (`SCM_RIGHTS`, unix(7)).

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::UnixStream;

use super::PackedConn;
use crate::relay::PackedRelay;

impl PackedConn {
    /// Sends everything over `to`, for [`receive`](Self::receive) at its other end. The connection stays open until
    /// this, and what is on its way, is dropped.
    ///
    /// # Errors
    ///
    /// An IO error.
    ///
    /// # Cancel safety
    ///
    /// Cancelling leaves half a message behind: `to` is of no use then.
    pub async fn send(&self, to: &mut UnixStream) -> io::Result<()> {
        send(to, &self.to_bytes(), &[self.as_fd()]).await
    }

    /// Receives what [`send`](Self::send) sent; nothing at the end of the stream.
    ///
    /// # Errors
    ///
    /// An IO error; [`io::ErrorKind::InvalidData`] if it is something else, or longer than 16 MiB.
    ///
    /// # Cancel safety
    ///
    /// Not safe: what was received is lost.
    pub async fn receive(from: &mut UnixStream) -> io::Result<Option<Self>> {
        let Some((bytes, [socket])) = receive(from).await? else { return Ok(None) };
        Ok(Some(Self::from_bytes(&bytes, socket)?))
    }
}

impl PackedRelay {
    /// Sends everything over `to`: see [`PackedConn::send`].
    ///
    /// # Errors
    ///
    /// An IO error.
    ///
    /// # Cancel safety
    ///
    /// Cancelling leaves half a message behind: `to` is of no use then.
    pub async fn send(&self, to: &mut UnixStream) -> io::Result<()> {
        send(to, &self.to_bytes(), &self.sockets()).await
    }

    /// Receives what [`send`](Self::send) sent; nothing at the end of the stream.
    ///
    /// # Errors
    ///
    /// As [`PackedConn::receive`].
    ///
    /// # Cancel safety
    ///
    /// Not safe: what was received is lost.
    pub async fn receive(from: &mut UnixStream) -> io::Result<Option<Self>> {
        let Some((bytes, [client, server])) = receive(from).await? else { return Ok(None) };
        Ok(Some(Self::from_bytes(&bytes, client, server)?))
    }
}

/// Sends a state and its sockets, two at the most, over `to`: for what is built on a packed connection.
///
/// # Errors
///
/// An IO error; [`io::ErrorKind::InvalidData`] if the state is longer than 16 MiB.
///
/// # Cancel safety
///
/// Cancelling leaves half a message behind: `to` is of no use then.
pub async fn send(to: &mut UnixStream, state: &[u8], sockets: &[BorrowedFd<'_>]) -> io::Result<()> {
    let len = u32::try_from(state.len())
        .ok()
        .filter(|&len| len <= MOST_LEN)
        .ok_or_else(|| too_long(state.len()))?;
    let len = len.to_be_bytes();
    let sent = to.async_io(Interest::WRITABLE, || {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_SOCKETS))];
        let mut beside = SendAncillaryBuffer::new(&mut space);
        beside.push(SendAncillaryMessage::ScmRights(sockets));
        Ok(sendmsg(to.as_fd(), &[IoSlice::new(&len)], &mut beside, SendFlags::NOSIGNAL)?)
    });
    let sent = sent.await?;
    to.write_all(&len[sent..]).await?;
    to.write_all(state).await
}

/// Receives what [`send`] sent, of which `N` sockets are a part; nothing at the end of the stream.
///
/// # Errors
///
/// An IO error; [`io::ErrorKind::InvalidData`] if it is something else, or longer than 16 MiB.
///
/// # Cancel safety
///
/// Not safe: what was received is lost.
pub async fn receive<const N: usize>(from: &mut UnixStream) -> io::Result<Option<(Vec<u8>, [OwnedFd; N])>> {
    let mut len = [0; 4];
    let received = from.async_io(Interest::READABLE, || {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_SOCKETS))];
        let mut beside = RecvAncillaryBuffer::new(&mut space);
        let parts = &mut [IoSliceMut::new(&mut len)];
        let message = recvmsg(from.as_fd(), parts, &mut beside, RecvFlags::CMSG_CLOEXEC)?;
        Ok((message.bytes, owned(&mut beside)))
    });
    let (came, sockets) = received.await?;
    if came == 0 {
        return Ok(None);
    }
    from.read_exact(&mut len[came..]).await?;
    let len = u32::from_be_bytes(len);
    if len > MOST_LEN {
        return Err(too_long(len as usize));
    }
    let mut state = Vec::new();
    from.take(len.into()).read_to_end(&mut state).await?;
    if state.len() < len as usize {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let sockets = sockets.try_into().map_err(|sockets: Vec<_>| {
        invalid(format!("{N} sockets were to come with the state, and {} did", sockets.len()))
    })?;
    Ok(Some((state, sockets)))
}

fn owned(beside: &mut RecvAncillaryBuffer<'_>) -> Vec<OwnedFd> {
    let rights = beside.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(sockets) => Some(sockets),
        _ => None,
    });
    rights.flatten().collect()
}

fn too_long(len: usize) -> io::Error {
    invalid(format!("state of {len} bytes exceeds limit {MOST_LEN}"))
}

fn invalid(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

/// A relay holds some 600 KiB at the most, unless somebody put more into its connections before.
const MOST_LEN: u32 = 16 * 1024 * 1024;

const MOST_SOCKETS: usize = 2;
