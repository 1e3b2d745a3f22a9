//! One process's outputs for as many clients as look at it, who come and go.
//!
//! ```text
//! process ─ send ─→ Broadcast ─→ Member ─→ a client      one that takes nothing holds all others up,
//!             end ──┘       └──→ Member ─→ a client      and the process: nothing is thrown away or kept
//! ```

use std::fmt;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hijack_proto::stream::{DetachKeys, StreamType};
use tokio::io::{AsyncWrite, AsyncWriteExt, sink};
use tokio::sync::watch;

use super::{Error, Input, InputEnd, Outputs, ServerStreams};
use crate::server::Outcome;
use crate::transport::{Stream, Transport};

/// The outputs of one run of a process, on their way to all clients that are attached to it. Clones are the same one.
///
/// It keeps nothing of what was sent. Whoever is to see that too is sent it by his own [`Outputs`], then joins, and nothing
/// is sent to the others meanwhile.
pub struct Broadcast<Io: Stream = Transport>(Arc<Mutex<Clients<Io>>>);

struct Clients<Io: Stream> {
    all: Vec<Arc<Client<Io>>>,
    /// Whoever joins now joins a process that has ended.
    ended: bool,
}

/// Which outputs a client wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// What the process writes.
    pub stdout: bool,
    /// What it writes of errors.
    pub stderr: bool,
}

/// How a client is attached by [`Broadcast::attend`] and [`Member::attend`].
#[derive(Debug)]
pub struct Visit<W> {
    /// The outputs that it wants.
    pub wanted: Wanted,
    /// Where its input goes. Without it the input is not read: neither its end nor keys detach the client then, and that
    /// its connection is broken shows only when something is sent to it.
    pub stdin: Option<W>,
    /// The keys by which it detaches, if there are such: those of a terminal.
    pub detach: Option<DetachKeys>,
    /// Whether the end of its input ends `stdin`, and its outputs go on. Otherwise that end detaches it.
    pub closes_stdin: bool,
}

struct Client<Io: Stream> {
    outputs: Outputs<Io>,
    wanted: Wanted,
    stay: watch::Sender<Stay>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stay {
    Lasts,
    /// The client left, or a send to it failed.
    Left,
    /// The process has ended.
    Ended,
}

impl Wanted {
    /// Both.
    pub const ALL: Self = Self { stdout: true, stderr: true };

    fn has(self, stream: StreamType) -> bool {
        match stream {
            StreamType::Stdin | StreamType::Stdout => self.stdout,
            StreamType::Stderr => self.stderr,
            StreamType::SystemError => true,
        }
    }
}

impl<Io: Stream> Broadcast<Io> {
    /// Nobody is attached yet; what is sent is lost.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Clients { all: Vec::new(), ended: false })))
    }

    fn lock(&self) -> MutexGuard<'_, Clients<Io>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Attaches a client: what is sent from now on is sent to it too, until the [`Member`] is dropped. Behind
    /// [`end`](Self::end) nothing is, and its [`Member::ended`] completes at once.
    #[must_use = "dropped, the client is not attached any more"]
    pub fn join(&self, outputs: Outputs<Io>, wanted: Wanted) -> Member<Io> {
        let mut clients = self.lock();
        let stay = watch::Sender::new(if clients.ended { Stay::Ended } else { Stay::Lasts });
        let client = Arc::new(Client { outputs, wanted, stay });
        if !clients.ended {
            clients.all.push(Arc::clone(&client));
        }
        drop(clients);
        Member { broadcast: self.clone(), client }
    }

    /// Sends to all who want this stream, to one after the other in the order in which they joined, and waits for each
    /// until its connection has taken it. Whoever leaves meanwhile is not waited for; one whose connection fails is not
    /// attached any more. Of two sends at the same time, one client may get the one first, another client the other one.
    ///
    /// # Cancel safety
    ///
    /// Who got the data is not told then; frames are whole all the same.
    pub async fn send(&self, stream: StreamType, data: &[u8]) {
        // Not under the lock: clients come and go while the slow are waited for, and the connections of those who have gone
        // are not held.
        let clients: Vec<_> = self.lock().all.iter().map(Arc::downgrade).collect();
        for client in clients {
            let Some(client) = client.upgrade().filter(|client| client.wanted.has(stream)) else { continue };
            tokio::select! {
                biased;
                () = client.gone() => {}
                sent = client.outputs.send(stream, data) => if sent.is_err() {
                    self.remove(&client, Stay::Left);
                }
            }
        }
    }

    /// The process has ended, and everything was sent: all clients are told and leave, those too who join later. A
    /// [`send`](Self::send) that is still under way is given up. Another run needs another broadcast.
    pub fn end(&self) {
        let all = {
            let mut clients = self.lock();
            clients.ended = true;
            std::mem::take(&mut clients.all)
        };
        for client in all {
            client.stay.send_replace(Stay::Ended);
        }
    }

    /// Attaches a client for as long as it stays: [`join`](Self::join), then [`Member::attend`]. It is joined before the
    /// head of the answer is sent, if that is still queued, as it is behind a takeover: a client that has read it misses
    /// nothing.
    ///
    /// # Errors
    ///
    /// As [`Member::attend`].
    ///
    /// # Cancel safety
    ///
    /// As [`Member::attend`].
    pub async fn attend<W>(
        &self,
        streams: ServerStreams<Io>,
        visit: Visit<W>,
    ) -> Result<Outcome<Io>, crate::Error>
    where
        W: AsyncWrite + Unpin,
    {
        self.join(streams.outputs, visit.wanted).attend(streams.stdin, visit).await
    }

    fn remove(&self, client: &Arc<Client<Io>>, stay: Stay) {
        self.lock().all.retain(|other| !Arc::ptr_eq(other, client));
        client.stay.send_if_modified(|now| {
            let lasted = *now == Stay::Lasts;
            *now = if lasted { stay } else { *now };
            lasted
        });
    }
}

/// Completes when the client is to be detached.
async fn read_input<Io, W>(input: &mut Input<Io>, visit: Visit<W>) -> Result<(), crate::Error>
where
    Io: Stream,
    W: AsyncWrite + Unpin,
{
    let Visit { stdin: Some(mut stdin), detach, closes_stdin, .. } = visit else { return pending().await };
    let end = match input.copy_to(&mut stdin, detach.clone()).await {
        // The process reads no more, and may write on.
        Err(Error::Sink(_)) => input.copy_to(&mut sink(), detach).await,
        end => end,
    };
    if end? == InputEnd::Closed && closes_stdin {
        // Whether the process has closed it before does not matter.
        let _ = stdin.shutdown().await;
        drop(stdin);
        return pending().await;
    }
    Ok(())
}

impl<Io: Stream> Client<Io> {
    async fn gone(&self) {
        // The sender is ours, so it is there.
        let _ = self.stay.subscribe().wait_for(|stay| *stay != Stay::Lasts).await;
    }
}

/// A client that is attached; dropping it detaches.
pub struct Member<Io: Stream = Transport> {
    broadcast: Broadcast<Io>,
    client: Arc<Client<Io>>,
}

impl<Io: Stream> Member<Io> {
    /// The client's own outputs, for what the others do not get.
    #[must_use]
    pub fn outputs(&self) -> &Outputs<Io> {
        &self.client.outputs
    }

    /// Sends what is queued, and passes the client's input on until the process has ended, the client detaches, a send to
    /// it has failed, or the server shuts down. Then the connection is closed in order, as by [`Input::close`]; the
    /// [`Outcome`] is what a handler returns. [`Visit::wanted`] is not looked at: that was said when the client joined.
    ///
    /// # Errors
    ///
    /// An IO error of the connection, which is closed at once then.
    ///
    /// # Cancel safety
    ///
    /// Cancelling closes the connection, unless there are clones of its [`outputs`](Self::outputs). Input that was read may
    /// not have reached `stdin`.
    pub async fn attend<W>(self, mut input: Input<Io>, visit: Visit<W>) -> Result<Outcome<Io>, crate::Error>
    where
        W: AsyncWrite + Unpin,
    {
        let told = input.told();
        let passed = async {
            self.outputs().flush().await?;
            read_input(&mut input, visit).await
        };
        tokio::select! {
            () = self.ended() => {}
            passed = passed => passed?,
            () = told => {}
        }
        drop(self);
        input.close().await
    }

    /// Completes when the process has ended and everything was sent, or when a send to the client has failed. That the
    /// client has gone shows by no more than that: its input, which says so too, is [`attend`](Self::attend)'s.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    pub async fn ended(&self) {
        self.client.gone().await;
    }
}

impl<Io: Stream> Drop for Member<Io> {
    fn drop(&mut self) {
        self.broadcast.remove(&self.client, Stay::Left);
    }
}

impl<Io: Stream> Clone for Broadcast<Io> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<Io: Stream> Default for Broadcast<Io> {
    fn default() -> Self {
        Self::new()
    }
}

impl<Io: Stream> fmt::Debug for Broadcast<Io> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clients = self.lock();
        f.debug_struct("Broadcast")
            .field("clients", &clients.all.len())
            .field("ended", &clients.ended)
            .finish()
    }
}

impl<Io: Stream> fmt::Debug for Member<Io> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member").field("wanted", &self.client.wanted).finish_non_exhaustive()
    }
}
