//! Sites of either shell, and scenes that are played on them byte by byte.

use hijack::{Config, EndReason, Listener};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::act::{Act, Shell};
use crate::support::{Client, Event, Events, Site, server};

impl Shell {
    /// A site on a free port where every request gets `act`.
    pub(crate) async fn start(self, configure: impl FnOnce(&mut Config), act: Act) -> Site {
        self.on(Listener::bind("127.0.0.1:0").await.expect("a free port"), configure, act)
    }

    /// As [`start`](Self::start), on `listener`.
    pub(crate) fn on(self, listener: Listener, configure: impl FnOnce(&mut Config), act: Act) -> Site {
        if self == Self::Exchange {
            return Site::on(listener, configure, move |exchange| act.exchange(exchange));
        }
        serve(listener, configure, tower::service_fn(move |request| act.service(self, request)))
    }
}

/// A site of a service.
pub(crate) fn serve<S, B>(listener: Listener, configure: impl FnOnce(&mut Config), service: S) -> Site
where
    S: tower::Service<http::Request<hijack::tower::IncomingBody>, Response = http::Response<B>>,
    S: Clone + Send + Sync + 'static,
    S::Future: Send,
    S::Error: Into<hijack::BoxError>,
    B: http_body::Body<Data: Send, Error: Into<hijack::BoxError>> + Send + 'static,
{
    let (server, events) = server(configure);
    let address = listener.local_address();
    let serving = tokio::spawn({
        let server = server.clone();
        async move { server.serve_service(listener, service).await }
    });
    Site { server, address, events, serving }
}

/// What a client does and sees.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step<'s> {
    Send(&'s [u8]),
    /// Exactly these bytes come next.
    See(&'s [u8]),
    /// Ends the client's direction.
    End,
    /// Exactly these bytes come up to the server's end.
    Rest(&'s [u8]),
}

pub(crate) fn send(bytes: &(impl AsRef<[u8]> + ?Sized)) -> Step<'_> {
    Step::Send(bytes.as_ref())
}

pub(crate) fn see(bytes: &(impl AsRef<[u8]> + ?Sized)) -> Step<'_> {
    Step::See(bytes.as_ref())
}

pub(crate) fn rest(bytes: &(impl AsRef<[u8]> + ?Sized)) -> Step<'_> {
    Step::Rest(bytes.as_ref())
}

/// How a connection is to end: while it is HTTP's, or taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ends {
    Http(EndReason),
    Taken(EndReason),
}

/// Plays a scene on every shell. See [`play_on`].
pub(crate) async fn play(act: Act, steps: &[Step<'_>], ends: &Ends) {
    play_with(|_| (), act, steps, ends).await;
}

/// As [`play`], with a configuration.
pub(crate) async fn play_with(configure: fn(&mut Config), act: Act, steps: &[Step<'_>], ends: &Ends) {
    for shell in Shell::ALL {
        let mut site = shell.start(configure, act).await;
        let client = site.client().await;
        play_on(client, steps).await;
        check(&mut site.events, steps, ends, (shell, act)).await;
    }
}

/// Plays a scene.
pub(crate) async fn play_on<Io: AsyncRead + AsyncWrite + Unpin>(mut client: Client<Io>, steps: &[Step<'_>]) {
    for step in steps {
        match step {
            Step::Send(bytes) => client.send(bytes).await,
            Step::See(bytes) => client.expect(bytes).await,
            Step::End => client.end().await,
            Step::Rest(bytes) => client.expect_rest(bytes).await,
        }
    }
}

/// Behaviours 18 and 28: every hook was called once, and the last one says how many bytes came and went, and why it
/// ended.
async fn check(events: &mut Events, steps: &[Step<'_>], ends: &Ends, context: (Shell, Act)) {
    let (connection, reason) = loop {
        match events.next().await {
            Event::Opened(_) | Event::Taken(_) => {}
            Event::Closed(connection, reason) => break (connection, reason),
        }
    };
    let got = if connection.taken.is_some() { Ends::Taken(reason) } else { Ends::Http(reason) };
    assert_eq!(got, *ends, "{context:?}");
    let count = |of: fn(&Step<'_>) -> usize| steps.iter().map(of).sum::<usize>() as u64;
    let sent = count(|step| if let Step::Send(bytes) = step { bytes.len() } else { 0 });
    let seen = count(|step| if let Step::See(bytes) | Step::Rest(bytes) = step { bytes.len() } else { 0 });
    assert_eq!((connection.bytes_in, connection.bytes_out), (sent, seen), "{context:?}: bytes in and out");
}
