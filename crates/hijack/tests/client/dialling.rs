//! Getting a stream to a server, and what is said where there is none.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use hijack::{Client, ConnectError, ConnectFailure, Endpoint, Error, Transport};
use socket2::{Domain, SockRef, Socket, Type};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};

use crate::scripted::{Stage, answered, client, expect_answer, get};
use crate::support::{GET, soon};

/// The error of a connection that cannot be had, by both ways to ask for one.
pub(crate) async fn refused(client: &Client, endpoint: &Endpoint) -> Box<ConnectError> {
    let Err(Error::Connect(error)) = soon("an error", client.connect(endpoint)).await else {
        panic!("expected no connection to {endpoint}")
    };
    let Err(Error::Connect(again)) = soon("an error", client.dial(endpoint)).await else {
        panic!("expected no stream to {endpoint}")
    };
    assert_eq!(error.to_string(), again.to_string());
    assert_eq!(client.tracker().count(), 0, "nothing is left of it");
    error
}

#[track_caller]
pub(crate) fn assert_says(error: &ConnectError, failure: ConnectFailure, parts: &[&str]) {
    assert_eq!(error.failure(), failure, "{error}");
    let text = error.to_string();
    assert!(text.starts_with(&format!("cannot connect to {}: ", error.endpoint())), "{text}");
    for part in parts {
        assert!(text.contains(part), "expected {part:?} in: {text}");
    }
    assert!(error.attempts().count() >= 1);
    assert!(std::error::Error::source(error).is_some());
}

fn place(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("hijack-client-{}-{name}", std::process::id()))
}

/// A port where nobody listens: the error names it, and asks what people forget.
#[tokio::test]
async fn a_refused_port_is_named() {
    let gone = TcpListener::bind("127.0.0.1:0").await.expect("a free port").local_addr().expect("bound");
    let endpoint = Endpoint::tcp("127.0.0.1", gone.port());
    let error = refused(&Client::new(), &endpoint).await;
    let address = format!("http://{gone}");
    assert_says(
        &error,
        ConnectFailure::Refused,
        &[&address, "refused", "is the server running", "the port right"],
    );
    assert_eq!(error.attempts().map(|(tried, _)| tried.to_owned()).collect::<Vec<_>>(), [gone.to_string()]);
}

/// Every address of a name that was tried is named, with what came of it.
#[tokio::test]
async fn every_address_that_was_tried_is_named() {
    let gone = TcpListener::bind("127.0.0.1:0").await.expect("a free port").local_addr().expect("bound");
    let endpoint = Endpoint::tcp("localhost", gone.port());
    let error = refused(&Client::new(), &endpoint).await;
    assert_says(&error, ConnectFailure::Refused, &[&format!("127.0.0.1:{}: ", gone.port())]);
    let found =
        tokio::net::lookup_host(("localhost", gone.port())).await.expect("every machine has it").count();
    assert_eq!(error.attempts().count(), found);
}

/// A name with an address of each family is reached by whichever answers (RFC 8305).
#[tokio::test]
async fn localhost_is_reached_by_either_family() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let Ok(listener) = TcpListener::bind(address).await else {
            eprintln!("skipped: this machine has no {address}");
            continue;
        };
        let bound = listener.local_addr().expect("bound");
        let found: Vec<SocketAddr> = tokio::net::lookup_host(("localhost", bound.port()))
            .await
            .expect("every machine has it")
            .collect();
        if !found.contains(&bound) {
            eprintln!("skipped: localhost is not {bound} here");
            continue;
        }
        let endpoint = Endpoint::tcp("localhost", bound.port());
        let connection = soon("a connection", Client::new().connect(&endpoint)).await.expect("it listens");
        assert_eq!(connection.peer(), &hijack::Peer::Tcp(bound));
    }
}

/// A socket that is not there, one that nobody serves any more, and a file that is none.
#[tokio::test]
async fn unix_sockets_that_cannot_be_used_are_told_apart() {
    let client = Client::new();
    let missing = place("missing.sock");
    let error = refused(&client, &Endpoint::unix(&missing)).await;
    let path = missing.display().to_string();
    assert_says(
        &error,
        ConnectFailure::Missing,
        &[&path, "no such socket", "daemon running", "the path right"],
    );
    let dead = place("dead.sock");
    drop(UnixListener::bind(&dead).expect("a folder for sockets"));
    let error = refused(&client, &Endpoint::unix(&dead)).await;
    std::fs::remove_file(&dead).expect("bound above");
    assert_says(&error, ConnectFailure::Refused, &["nobody answers", "has the daemon stopped"]);
    let file = place("file.sock");
    std::fs::write(&file, "no socket").expect("a folder for files");
    let error = refused(&client, &Endpoint::unix(&file)).await;
    std::fs::remove_file(&file).expect("written above");
    assert_says(&error, ConnectFailure::Refused, &[]);
    let long = PathBuf::from("/tmp").join("x".repeat(200));
    let error = refused(&client, &Endpoint::unix(long)).await;
    assert_says(&error, ConnectFailure::Other, &[]);
}

/// A socket that this user may not use is told from one that is not there. Root may use any, so the thread first gives
/// that right away.
#[cfg(target_os = "linux")]
#[test]
fn a_forbidden_socket_is_named() {
    let folder = place("forbidden");
    std::fs::create_dir(&folder).expect("a folder");
    let path = folder.join("daemon.sock");
    let _listener = std::os::unix::net::UnixListener::bind(&path).expect("a socket");
    let permissions = |mode| std::os::unix::fs::PermissionsExt::from_mode(mode);
    std::fs::set_permissions(&folder, permissions(0)).expect("our own folder");
    let endpoint = Endpoint::unix(&path);
    let asking = std::thread::spawn(move || {
        use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
        let mut sets = capabilities(None).expect("every thread has some");
        sets.effective.remove(CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH);
        set_capabilities(None, sets).expect("rights may be given away");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async { refused(&Client::new(), &endpoint).await })
    });
    let error = asking.join();
    std::fs::set_permissions(&folder, permissions(0o700)).expect("our own folder");
    std::fs::remove_dir_all(&folder).expect("made above");
    assert_says(
        &error.expect("no panic"),
        ConnectFailure::Denied,
        &["daemon.sock", "may well be running", "group"],
    );
}

/// A name that cannot be looked up, since it is no name.
#[tokio::test]
async fn an_unknown_name_is_named() {
    // No network is asked for a name with such a byte in it.
    let endpoint = Endpoint::tcp("no\0name", 80);
    let error = refused(&Client::new(), &endpoint).await;
    assert_says(&error, ConnectFailure::Unresolved, &["looking the name up", "spelled right"]);
}

/// A listener whose queue is full: the kernel lets further connections wait.
fn full() -> (Socket, Vec<Socket>, SocketAddr) {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("a free port");
    listener.listen(0).expect("bound");
    let address = listener.local_addr().expect("bound").as_socket().expect("IPv4");
    let mut waiting = Vec::new();
    loop {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        if socket.connect_timeout(&address.into(), Duration::from_millis(100)).is_err() {
            return (listener, waiting, address);
        }
        waiting.push(socket);
    }
}

/// Behaviour 35: a connection that does not come about in time is given up with the limit in the error, and the address
/// too.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn connecting_has_a_limit() {
    let (_listener, _waiting, address) = full();
    let limit = Duration::from_millis(300);
    let (client, _) = client(|config| config.connect_timeout = limit);
    let started = Instant::now();
    let endpoint = Endpoint::tcp("127.0.0.1", address.port());
    let error = refused(&client, &endpoint).await;
    assert!(started.elapsed() >= 2 * limit, "it was asked twice");
    assert_says(
        &error,
        ConnectFailure::TimedOut { limit },
        &["connecting: not done within 300ms", "firewall"],
    );
    assert_eq!(error.attempts().next().expect("one").1.kind(), std::io::ErrorKind::TimedOut);
}

/// A Unix socket whose queue is full is busy, not broken: the client waits for its turn.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_busy_unix_socket_is_waited_for() {
    let path = place("busy.sock");
    let listener = Socket::new(Domain::UNIX, Type::STREAM, None).expect("a socket");
    listener.bind(&socket2::SockAddr::unix(&path).expect("a path")).expect("a folder for sockets");
    listener.listen(0).expect("bound");
    let address = listener.local_addr().expect("bound");
    let mut waiting = Vec::new();
    loop {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None).expect("a socket");
        socket.set_nonblocking(true).expect("a socket");
        if socket.connect(&address).is_err() {
            break;
        }
        waiting.push(socket);
    }
    let endpoint = Endpoint::unix(&path);
    let limit = Duration::from_millis(300);
    let (hasty, _) = client(|config| config.connect_timeout = limit);
    let error = refused(&hasty, &endpoint).await;
    assert_says(&error, ConnectFailure::TimedOut { limit }, &["busy.sock"]);
    let accepting = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        for _ in &waiting {
            listener.accept().expect("they wait");
        }
    };
    let (connection, ()) = tokio::join!(soon("its turn", hasty.connect(&endpoint)), accepting);
    std::fs::remove_file(&path).expect("bound above");
    assert_eq!(connection.expect("there is room").io().kind(), "unix");
}

/// Sockets send small writes at once, and are probed when silent (`ClientConfig::probe_after`).
#[tokio::test]
async fn sockets_are_probed_and_send_at_once() {
    for after in [Some(Duration::from_secs(30)), Some(Duration::from_secs(7)), None] {
        let stage = Stage::new(|config| config.probe_after = after).await;
        let (connection, _far) = stage.connect().await;
        let tcp = connection.io().tcp().expect("TCP");
        assert_probed(tcp, after);
        assert!(tcp.nodelay().expect("open"));
    }
}

pub(crate) fn assert_probed(tcp: &tokio::net::TcpStream, after: Option<Duration>) {
    let socket = SockRef::from(tcp);
    assert_eq!(socket.keepalive().expect("open"), after.is_some());
    #[cfg(target_os = "linux")]
    if let Some(after) = after {
        let secs = u32::try_from(after.as_secs()).expect("some seconds");
        assert_eq!(rustix::net::sockopt::tcp_keepidle(tcp).expect("open"), after);
        assert_eq!(rustix::net::sockopt::tcp_keepintvl(tcp).expect("open").as_secs(), u64::from(secs));
    }
}

/// `dial` gives the bare stream, for protocols that do not begin as HTTP.
#[tokio::test]
async fn dials_for_other_protocols() {
    let stage = Stage::new(|_| ()).await;
    let (io, mut far) = tokio::join!(stage.client.dial(&stage.endpoint), stage.accept());
    let mut io = io.expect("it listens");
    assert!(matches!(io, Transport::Tcp(_)));
    assert_probed(io.tcp().expect("TCP"), Some(Duration::from_secs(30)));
    far.send("220 hello\r\n").await;
    let mut line = [0; 11];
    io.read_exact(&mut line).await.expect("open");
    io.write_all(b"HELO\r\n").await.expect("open");
    far.expect("HELO\r\n").await;
    assert_eq!(stage.client.tracker().count(), 0, "it is out of sight");
    // And back: a stream that turns into HTTP.
    let mut connection = stage.client.connection(io, "");
    connection.send(get()).await.expect("open");
    far.expect(GET).await;
    far.send(answered("ok")).await;
    expect_answer(&mut connection, 200, "ok").await;
    assert_eq!(stage.client.tracker().count(), 1);
}

/// A connection that is given up while it is made leaves nothing.
#[tokio::test]
async fn connecting_can_be_given_up() {
    let (_listener, _waiting, address) = full();
    let client = Client::new();
    let endpoint = Endpoint::tcp("127.0.0.1", address.port());
    for polls in 1..5 {
        assert!(crate::scripted::polled(polls, client.connect(&endpoint)).await.is_none());
        assert_eq!(client.tracker().count(), 0);
    }
}
