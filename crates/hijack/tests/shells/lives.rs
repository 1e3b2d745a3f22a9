//! How connections live and end on every shell: panics, shutdowns, limits, what observers and operators see.

use std::path::PathBuf;
use std::time::Duration;

use hijack::{Config, ConnectionId, EndReason, Listener, State, Timeout};

use crate::act::{Act, Shell, Talk};
use crate::play::{Ends, play, play_on, play_with, rest, see, send};
use crate::support::{Client, Event, GET, OK, Site, empty, limits, pattern, soon, until};

/// Answered plainly, whatever else the handler does.
const OTHER: &str = "GET /ok HTTP/1.1\r\nHost: a\r\n\r\n";
const ASKS: &str = "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n";
const SWITCHED: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
const BARE: &str = "HTTP/1.1 200 OK\r\n\r\n";
const LONG: Duration = Duration::from_secs(10);

/// A head, and then this.
const fn after(talk: Talk) -> Act {
    Act::After(200, &[], talk)
}

/// Behaviours 16 and 17: whoever panics or lets go, the connection is closed with the reason, and no other is touched.
#[tokio::test]
async fn panics_and_drops_close_and_are_recorded() {
    let table = [
        (Act::Panic, EndReason::Panicked),
        (Act::Raw(Talk::Panic), EndReason::Panicked),
        (after(Talk::Panic), EndReason::Panicked),
        (Act::Fail, EndReason::Dropped),
        (Act::Raw(Talk::Drop), EndReason::Dropped),
    ];
    for shell in Shell::ALL {
        for (act, reason) in &table {
            let mut site = shell.start(|_| (), *act).await;
            let mut other = site.client_with(OTHER).await;
            other.expect(OK).await;
            let mut client = site.client_with(GET).await;
            client.rest_or_reset().await;
            assert_eq!(site.events.reason().await, *reason, "{shell:?}, {act:?}");
            other.send(OTHER).await;
            other.expect(OK).await;
            until("the other one is left", || site.tracker().count() == 1).await;
        }
    }
}

/// Behaviour 18: each hook is called once, in order.
#[tokio::test]
async fn hooks_are_called_once() {
    for shell in Shell::ALL {
        let mut site = shell.start(|_| (), Act::Upgrade(&["echo"], Talk::Echo)).await;
        let mut client = site.client_with([OTHER, ASKS].concat()).await;
        client.expect([OK, SWITCHED].concat()).await;
        client.end().await;
        client.expect_rest("").await;
        drop(client);
        empty(&site.tracker()).await;
        let heard = site.events.heard();
        let [Event::Opened(opened), Event::Taken(taken), Event::Closed(closed, EndReason::Closed)] =
            &heard[..]
        else {
            panic!("{shell:?}: {heard:?}")
        };
        assert_eq!((opened.id, taken.id), (closed.id, closed.id));
    }
}

/// Behaviour 27: the tracker shows protocol, head and bytes of a taken-over connection, however it was taken.
#[tokio::test]
async fn the_tracker_shows_takeovers() {
    let by_hand = Act::After(101, &[("connection", "Upgrade"), ("upgrade", "echo")], Talk::Echo);
    for act in [Act::Upgrade(&["echo"], Talk::Echo), by_hand] {
        for shell in Shell::ALL {
            let mut site = shell.start(|_| (), act).await;
            let mut client = site.client_with([ASKS, "early"].concat()).await;
            client.expect([SWITCHED, "early"].concat()).await;
            let id = site.events.taken().await.id;
            let shown = site.tracker().get(id).expect("a live connection");
            let taken = shown.taken.expect("it was taken over");
            assert_eq!(shown.state, State::Taken, "{shell:?}, {act:?}");
            assert_eq!(taken.protocol.as_deref(), Some("echo"), "{shell:?}, {act:?}");
            assert_eq!(&taken.head[..], ASKS.as_bytes(), "{shell:?}, {act:?}");
            assert_eq!(site.tracker().count_in(State::Taken), 1);
            assert!(site.tracker().kill(id), "{shell:?}: it lives");
            client.rest_or_reset().await;
            assert_eq!(site.events.reason().await, EndReason::Killed, "{shell:?}, {act:?}");
        }
    }
}

/// Behaviour 27: an operator's word reaches the owner.
#[tokio::test]
async fn owners_are_told() {
    for shell in Shell::ALL {
        let mut site = shell.start(|_| (), after(Talk::Told)).await;
        let mut client = site.client_with(GET).await;
        client.expect(BARE).await;
        assert!(!site.tracker().tell(ConnectionId(u64::MAX)), "nobody has that name");
        assert!(site.tracker().tell(site.events.taken().await.id), "it lives");
        client.expect_rest("bye").await;
    }
}

/// Behaviour 26: a shutdown closes what is idle, tells owners and waits for them.
#[tokio::test]
async fn a_shutdown_tells_and_waits() {
    for shell in Shell::ALL {
        let site = shell.start(|_| (), after(Talk::Told)).await;
        let mut idle = site.client_with(OTHER).await;
        idle.expect(OK).await;
        let mut taken = site.client_with(GET).await;
        taken.expect(BARE).await;
        let (report, ()) = tokio::join!(soon("the shutdown", site.server.shutdown(LONG)), async {
            idle.expect_rest("").await;
            taken.expect_rest("bye").await;
            drop((idle, taken));
        });
        let report = (report.idle, report.active, report.taken, report.forced, report.left);
        assert_eq!(report, (1, 0, 1, 0, 0), "{shell:?}");
        soon("the end of serving", site.serving).await.expect("no panic");
    }
}

/// Behaviour 26: whoever does not listen is ended at the deadline.
#[tokio::test]
async fn a_shutdown_forces() {
    for shell in Shell::ALL {
        let mut site = shell.start(|_| (), after(Talk::Deaf)).await;
        let mut client = site.client_with(GET).await;
        client.expect(BARE).await;
        let report = soon("the shutdown", site.server.shutdown(Duration::ZERO)).await;
        assert_eq!((report.taken, report.forced, report.left), (1, 1, 0), "{shell:?}");
        client.rest_or_reset().await;
        assert_eq!(site.events.reason().await, EndReason::ShutDown, "{shell:?}");
    }
}

fn impatient(config: &mut Config) {
    let soon = Duration::from_millis(300);
    config.head_timeout = soon;
    config.keep_alive_timeout = soon;
    config.body_timeout = soon;
    config.write_timeout = soon;
}

/// Waits until limits that began to count before have passed: those of connections that are opened now.
async fn server_timers_pass(site: &Site) {
    let mut control = site.client_with("GET / HT").await;
    assert!(control.head().await.starts_with("HTTP/1.1 408 "));
    let mut control = site.client_with(OTHER).await;
    control.expect(OK).await;
    control.expect_rest("").await;
}

/// Behaviour 15: no timer of the server's touches a connection behind the handover.
#[tokio::test]
async fn server_timers_end_with_the_handover() {
    for shell in Shell::ALL {
        let site = shell.start(impatient, Act::ReadThen(Talk::Greet)).await;
        let mut client = site.client_with("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nh").await;
        client.expect("raw: ").await;
        server_timers_pass(&site).await;
        client.send("x").await;
        client.expect("x").await;
    }
}

/// Behaviour 29: limits on taken-over connections end them with their name; behaviour 15: a request that is slow ends
/// with the server's.
#[tokio::test]
async fn limits_end_connections() {
    let idle = |config: &mut Config| {
        config.taken = limits(|limits| limits.idle = Some(Duration::from_millis(200)));
    };
    let ends = Ends::Taken(EndReason::TimedOut(Timeout::Idle));
    play_with(idle, after(Talk::Echo), &[send(GET), see(BARE), rest("")], &ends).await;
    let slow = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nh";
    let ends = Ends::Http(EndReason::TimedOut(Timeout::Body));
    play_with(impatient, Act::Echo, &[send(slow), rest("")], &ends).await;
}

/// Behaviour 28: 1 MiB each way is counted to the byte.
#[tokio::test]
async fn counts_to_the_byte() {
    let data = pattern(1 << 20);
    let steps = [send(GET), send(&data), rest(&data)];
    play(Act::Raw(Talk::Return(data.len())), &steps, &Ends::Taken(EndReason::Closed)).await;
}

/// A path for a socket, which is gone with it.
struct Socket(PathBuf);

impl Socket {
    fn new(shell: Shell) -> Self {
        Self(std::env::temp_dir().join(format!("hijack-shells-{}-{shell:?}.sock", std::process::id())))
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Behaviour 25: Unix sockets are served and taken over as TCP is.
#[tokio::test]
async fn serves_unix_sockets() {
    let early = [ASKS, "early"].concat();
    for shell in Shell::ALL {
        let socket = Socket::new(shell);
        let listener = Listener::bind(&format!("unix:{}", socket.0.display())).await.expect("a free path");
        let site = shell.on(listener, |_| (), Act::Upgrade(&["echo"], Talk::Echo));
        let client = Client::connect_unix(&site.address).await;
        let steps = [
            send(OTHER),
            see(OK),
            send(&early),
            see(SWITCHED),
            see("early"),
            crate::play::Step::End,
            rest(""),
        ];
        play_on(client, &steps).await;
    }
}

/// Behaviour 25: TLS is served and taken over inside.
#[cfg(feature = "tls")]
#[tokio::test]
async fn serves_tls() {
    use std::sync::Arc;
    use tokio_rustls::TlsConnector;
    use tokio_rustls::rustls::pki_types::ServerName;

    let early = [ASKS, "early"].concat();
    for shell in Shell::ALL {
        let (server, client) = crate::certificates::configs();
        let listener = Listener::bind("127.0.0.1:0").await.expect("a free port").with_tls(server);
        let site = shell.on(listener, |_| (), Act::Upgrade(&["echo"], Talk::Echo));
        let name = ServerName::try_from("localhost").expect("a name");
        let connecting = TlsConnector::from(Arc::new(client)).connect(name, site.client().await.0);
        let client = Client(soon("the handshake", connecting).await.expect("a trusted server"));
        let steps = [
            send(OTHER),
            see(OK),
            send(&early),
            see(SWITCHED),
            see("early"),
            crate::play::Step::End,
            rest(""),
        ];
        play_on(client, &steps).await;
    }
}
