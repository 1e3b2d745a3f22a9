//! Each example is started as its reader would start it, and does what its comment promises.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{self, ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// A running example; ended with the test.
struct Example {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
    address: String,
}

impl Example {
    fn start(name: &str, args: &[&str]) -> Self {
        let mut child = Command::new(binary(name))
            .args(args)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("example {name}: {error}"));
        let mut output = BufReader::new(child.stdout.take().expect("piped"));
        let mut line = String::new();
        output.read_line(&mut line).expect("the example's first line");
        let address = line.trim().strip_prefix("listening on ").expect("an address").to_owned();
        Self { child, output, address }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).expect("a listening example");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
        stream
    }

    /// Sends `request`, ends our direction, and reads to the end.
    fn ask(&self, request: &[u8]) -> String {
        let mut stream = self.connect();
        stream.write_all(request).expect("written");
        stream.shutdown(Shutdown::Write).expect("half-closed");
        read_to_end(stream)
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Examples are built beside the tests that run them.
fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a running test");
    let profile = test.parent().and_then(Path::parent).expect("target/PROFILE/deps");
    profile.join("examples").join(name)
}

fn read_to_end(mut stream: impl Read) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer and its end");
    answer
}

const ANY_PORT: &str = "127.0.0.1:0";

#[test]
fn grpc_calls_over_a_takeover() {
    let mut example = Example::start("grpc", &[ANY_PORT]);
    let mut line = String::new();
    example.output.read_line(&mut line).expect("a second line");
    assert_eq!(line, "42 bytes by gRPC\n");
    assert!(example.ask(b"GET /grpc HTTP/1.1\r\nHost: a\r\n\r\n").starts_with("HTTP/1.1 426 "));
}

#[test]
fn takeover_says_hello_and_nothing_else() {
    assert_eq!(
        Example::start("takeover", &[ANY_PORT]).ask(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        "hello world"
    );
}

#[test]
fn upgrade_speaks_the_protocol_that_was_picked() {
    let example = Example::start("upgrade", &[ANY_PORT]);
    let ask = |offer: &str| {
        example.ask(
            format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: {offer}\r\n\r\nhello\n")
                .as_bytes(),
        )
    };
    assert!(ask("shout").ends_with("Upgrade: shout\r\n\r\nHELLO!\n"));
    assert!(ask("shout, shout/2").ends_with("Upgrade: shout/2\r\n\r\nHELLO!!\n"));
    let refused = example.ask(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert!(
        refused.starts_with("HTTP/1.1 426 ") && refused.contains("Upgrade: shout/2, shout\r\n"),
        "{refused}"
    );
}

#[test]
fn head_then_takeover_streams_behind_its_head() {
    let answer = Example::start("head_then_takeover", &[ANY_PORT]).ask(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let expected = "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.example.raw-stream\r\n\r\n1\n2\n3\n";
    assert_eq!(answer, expected);
}

#[test]
fn your_protocol_reverses_messages() {
    let example = Example::start("your_protocol", &[ANY_PORT]);
    let request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: reverse\r\n\r\n\0\0\0\x03abc\0\0\0\x01x";
    assert!(example.ask(request).ends_with("\r\n\r\n\0\0\0\x03cba\0\0\0\x01x"));
    let too_long = example
        .ask(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: reverse\r\n\r\n\x7f\0\0\0");
    assert!(too_long.ends_with("Upgrade: reverse\r\n\r\n"), "{too_long:?}");
}

#[test]
fn shutdown_says_goodbye_to_conversations() {
    let mut example = Example::start("shutdown", &[ANY_PORT]);
    let mut stream = example.connect();
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").expect("written");
    let mut welcome = [0; 8];
    stream.read_exact(&mut welcome).expect("a welcome");
    assert_eq!(&welcome, b"welcome\n");
    let interrupted = Command::new("kill").args(["-INT", &example.child.id().to_string()]).status();
    assert!(interrupted.expect("kill").success());
    let mut goodbye = [0; 8];
    stream.read_exact(&mut goodbye).expect("a goodbye");
    assert_eq!(&goodbye, b"goodbye\n");
    drop(stream);
    let mut report = String::new();
    example.output.read_line(&mut report).expect("a report");
    assert_eq!(report, "1 conversations told, 0 ended by force\n");
}

#[test]
fn tls_says_hello_inside_the_session() {
    let folder = Folder::new("tls");
    let (cert, key) = (folder.0.join("cert.pem"), folder.0.join("key.pem"));
    let made = rcgen::generate_simple_self_signed(["localhost".into()]).expect("a certificate");
    std::fs::write(&cert, made.cert.pem()).expect("written");
    std::fs::write(&key, made.signing_key.serialize_pem()).expect("written");
    let paths = [ANY_PORT, cert.to_str().expect("UTF-8"), key.to_str().expect("UTF-8")];
    let example = Example::start("tls", &paths);

    let mut roots = RootCertStore::empty();
    roots.add(rustls::pki_types::CertificateDer::from_pem_file(&cert).expect("PEM")).expect("a root");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.expect("versions").with_root_certificates(roots).with_no_client_auth();
    let session = ClientConnection::new(Arc::new(config), "localhost".try_into().expect("a name"));
    let mut stream = StreamOwned::new(session.expect("a session"), example.connect());
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("written");
    // Without a close_notify this would be an error: the end is told inside the session.
    assert_eq!(read_to_end(stream), "hello over Some(TLSv1_3)\n");
}

#[test]
fn unix_says_hello_on_a_socket_file() {
    let folder = Folder::new("unix");
    let path = folder.0.join("example.sock");
    let _example = Example::start("unix", &[&format!("unix:{}", path.display())]);
    let mut stream = UnixStream::connect(path).expect("a listening example");
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").expect("written");
    stream.shutdown(Shutdown::Write).expect("half-closed");
    assert_eq!(read_to_end(stream), "hello to unix by unix\n");
}

/// Runs a client's example with `input` to its end.
fn run(name: &str, args: &[&str], input: &str) -> String {
    let mut child = Command::new(binary(name))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("example {name}: {error}"));
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("read");
    let output = child.wait_with_output().expect("an end");
    assert!(output.status.success(), "example {name}: {}", output.status);
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn client_upgrade_speaks_or_says_why_not() {
    let server = Example::start("upgrade", &[ANY_PORT]);
    let address = format!("http://{}", server.address);
    assert_eq!(run("client_upgrade", &[&address, "shout/2"], "hello\n"), "HELLO!!\n");
    let declined = run("client_upgrade", &[&address, "whisper"], "");
    assert_eq!(
        declined,
        "the server answered 426 Upgrade Required: none of the offered protocols is supported here; usable: true\n"
    );
}

#[test]
fn client_pipeline_reads_answers_in_order() {
    let server = Example::start("upgrade", &[ANY_PORT]);
    let printed = run("client_pipeline", &[&format!("http://{}", server.address), "/a", "/b"], "");
    let refusal = "426 Upgrade Required with 30 bytes";
    assert_eq!(printed, format!("2 requests under way\n/a: {refusal}\n/b: {refusal}\n"));
}

#[test]
fn axum_echo_sends_lines_to_everybody() {
    let room = Example::start("axum_echo", &[ANY_PORT]);
    let enter = || {
        let mut stream = room.connect();
        let request = b"GET /room HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: lines\r\n\r\n";
        stream.write_all(request).expect("written");
        assert!(read_head(&mut stream).starts_with("HTTP/1.1 101 "));
        stream
    };
    let (mut speaker, mut listener) = (enter(), enter());
    // Each hears itself, so each is in the room from then on.
    for stream in [&mut listener, &mut speaker] {
        stream.write_all(b"hello\n").expect("written");
        assert_eq!(read_line(stream), "hello\n");
    }
    assert_eq!(read_line(&mut listener), "hello\n");
}

#[test]
fn axum_mixed_counts_what_its_layers_let_through() {
    let app = Example::start("axum_mixed", &[ANY_PORT]);
    let dial = |ticket: &str| {
        format!("GET /dial HTTP/1.1\r\nHost: a\r\n{ticket}Connection: upgrade\r\nUpgrade: dial\r\n\r\nHAL")
    };
    let refused = app.ask(dial("").replace("HAL", "").as_bytes());
    assert!(refused.starts_with("HTTP/1.1 403 ") && refused.ends_with("no ticket\n"), "{refused}");
    assert!(app.ask(dial("X-Ticket: 1\r\n").as_bytes()).ends_with("\r\n\r\nIBM"));
    assert!(app.ask(b"GET /count HTTP/1.0\r\n\r\n").ends_with("\r\n\r\n1"));
}

/// RFC 6455 §1.3 has this key and its answer; §5.7 the frames.
#[test]
fn axum_websocket_echoes_a_message() {
    let app = Example::start("axum_websocket", &[ANY_PORT]);
    let mut stream = app.connect();
    let key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let head =
        format!("GET /ws HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n{key}\r\n");
    stream.write_all(head.as_bytes()).expect("written");
    let answer = read_head(&mut stream);
    assert!(answer.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), "{answer}");
    stream.write_all(b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58").expect("written");
    let mut frame = [0; 7];
    stream.read_exact(&mut frame).expect("a frame");
    assert_eq!(&frame, b"\x81\x05Hello");
}

#[test]
fn ws_client_talks_to_ws_echo() {
    let server = Example::start("ws_echo", &[ANY_PORT]);
    let url = format!("ws://{}/", server.address);
    assert_eq!(run("ws_client", &[&url], "hello\nand more\n"), "hello\nand more\n");
}

#[test]
fn ws_json_adds_and_goes_on_after_nonsense() {
    let server = Example::start("ws_json", &[ANY_PORT]);
    let url = format!("ws://{}/", server.address);
    let printed = run("ws_client", &[&url], "{\"a\":20,\"b\":22}\n{}\n{\"a\":1,\"b\":1}\n");
    assert_eq!(
        printed,
        "{\"Total\":42}\n{\"Wrong\":\"missing field `a` at line 1 column 2\"}\n{\"Total\":2}\n"
    );
}

/// RFC 6455 §1.3 has the key; the frames are §5.2's, unmasked by zeros.
#[test]
fn ws_chat_sends_messages_to_everybody() {
    let room = Example::start("ws_chat", &[ANY_PORT]);
    let enter = || {
        let mut stream = room.connect();
        let key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        let upgrade = "Connection: upgrade\r\nUpgrade: websocket\r\n";
        let head = format!("GET /chat HTTP/1.1\r\nHost: a\r\n{upgrade}{key}\r\n");
        stream.write_all(head.as_bytes()).expect("written");
        assert!(read_head(&mut stream).starts_with("HTTP/1.1 101 "));
        stream
    };
    let hear = |stream: &mut TcpStream| {
        let mut frame = [0; 4];
        stream.read_exact(&mut frame).expect("a frame");
        assert_eq!(&frame, b"\x81\x02hi");
    };
    let (mut speaker, mut listener) = (enter(), enter());
    // Each hears itself, so each is in the room from then on.
    for stream in [&mut listener, &mut speaker] {
        stream.write_all(b"\x81\x82\0\0\0\0hi").expect("written");
        hear(stream);
    }
    hear(&mut listener);
}

#[test]
fn tower_connect_proxy_leads_to_this_machine_only() {
    let proxy = Example::start("tower_connect_proxy", &[ANY_PORT]);
    let server = Example::start("takeover", &[ANY_PORT]);
    let port = server.address.rsplit(':').next().expect("a port");
    let to_server =
        format!("CONNECT {0} HTTP/1.1\r\nHost: {0}\r\n\r\nGET / HTTP/1.0\r\n\r\n", server.address);
    assert!(proxy.ask(to_server.as_bytes()).ends_with("\r\n\r\nhello world"), "through to {port}");
    let abroad = proxy.ask(b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n");
    assert!(abroad.starts_with("HTTP/1.1 403 "), "{abroad}");
}

#[test]
fn upgrade_proxy_grants_what_its_server_grants() {
    let server = Example::start("upgrade", &[ANY_PORT]);
    let upstream = format!("http://{}", server.address);
    let mut proxy = Example::start("upgrade_proxy", &[ANY_PORT, &upstream, "shout", "whisper", "h2c-not"]);
    let ask = |offer: &str| {
        let head = format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: {offer}\r\n\r\n");
        proxy.ask((head + "hello\n").as_bytes())
    };
    assert!(ask("shout").starts_with("HTTP/1.1 101 "));
    assert!(ask("shout").ends_with("\r\n\r\nHELLO!\n"), "early bytes and the end get through");
    let declined = ask("whisper");
    assert!(declined.starts_with("HTTP/1.1 426 ") && declined.contains("none of the offered"), "{declined}");
    let refused = ask("h2c");
    assert!(refused.contains("Upgrade: shout, whisper, h2c-not\r\n"), "never asked for: {refused}");
    let mut line = String::new();
    proxy.output.read_line(&mut line).expect("a line for the first relay");
    assert_eq!(line, "client: closed by the peer; 6 bytes to the server, 7 to the client\n");
}

#[test]
fn port_forward_leads_to_its_target() {
    let server = Example::start("takeover", &[ANY_PORT]);
    let forward = Example::start("port_forward", &[ANY_PORT, &server.address]);
    assert!(forward.ask(b"GET / HTTP/1.0\r\n\r\n").ends_with("hello world"));
}

fn read_line(stream: &mut TcpStream) -> String {
    let mut line = Vec::new();
    let mut byte = [0];
    while !line.ends_with(b"\n") {
        stream.read_exact(&mut byte).expect("a whole line");
        line.extend_from_slice(&byte);
    }
    String::from_utf8(line).expect("text")
}

/// The proxy is a socket of the test's own that opens one tunnel and is the server behind it.
#[test]
fn client_proxy_asks_through_the_tunnel() {
    let proxy = std::net::TcpListener::bind(ANY_PORT).expect("a free port");
    let address = format!("http://user:secret@{}", proxy.local_addr().expect("bound"));
    let served = std::thread::spawn(move || {
        let (mut stream, _) = proxy.accept().expect("a client");
        let connect = read_head(&mut stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").expect("written");
        let inside = read_head(&mut stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").expect("written");
        (connect, inside)
    });
    assert_eq!(run("client_proxy", &[&address, "http://server.test", "/x"], ""), "200 OK with 5 bytes\n");
    let (connect, inside) = served.join().expect("served");
    let credentials = "Proxy-Authorization: Basic dXNlcjpzZWNyZXQ=";
    assert_eq!(
        connect,
        format!("CONNECT server.test:80 HTTP/1.1\r\nHost: server.test:80\r\n{credentials}\r\n\r\n")
    );
    assert_eq!(inside, "GET /x HTTP/1.1\r\nHost: server.test\r\n\r\n");
}

fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).expect("a whole head");
        head.extend_from_slice(&byte);
    }
    String::from_utf8(head).expect("text")
}

/// Its processes by this library's client; `testing/interop` has Docker's own.
#[tokio::test]
async fn docker_engine_runs_processes() {
    use hijack_docker::{AttachOptions, Condition, ContainerConfig, Docker, ExecOptions};

    let folder = Folder::new("engine");
    let socket = folder.0.join("socket");
    let _engine = Example::start("docker_engine", &[&format!("unix:{}", socket.display())]);
    let docker = Docker::builder().host(hijack_docker::Host::unix(&socket)).build();
    let script = "cat; echo error >&2; exit 7";
    let config = ContainerConfig::new("any", ["sh", "-c", script]).with_stdin();
    let id = docker.create(&config, None).await.expect("made").id;
    let mut streams = docker.attach(&id, &AttachOptions::default().with_stdin()).await.expect("attached");
    let wait = docker.wait(&id, Condition::NextExit).await.expect("waiting");
    // There before the process is.
    streams.stdin.copy_from(&mut &b"input\n"[..], None).await.expect("open");
    docker.start(&id).await.expect("started");
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let copied = streams.output.copy_to(&mut out, &mut err);
    tokio::time::timeout(Duration::from_secs(20), copied).await.expect("an end").expect("whole");
    assert_eq!((&out[..], &err[..]), (&b"input\n"[..], &b"error\n"[..]));
    assert_eq!(wait.exit().await.expect("an exit").code, 7);

    let config = ContainerConfig::new("any", ["sleep", "600"]);
    let id = docker.create(&config, Some("idle")).await.expect("made").id;
    docker.start("idle").await.expect("started");
    let mut options = ExecOptions::new(["sh", "-c", "tty -s; echo $?; stty size; exit 3"]);
    options.tty = true;
    let exec = docker.create_exec(&id, &options).await.expect("made");
    docker
        .resize_exec(&exec, hijack_docker::Size { height: 33, width: 77 })
        .await
        .expect_err("it does not run");
    let streams = docker.start_exec(&exec, true).await.expect("started");
    let mut out = Vec::new();
    let copied = streams.output.copy_to(&mut out, &mut err);
    tokio::time::timeout(Duration::from_secs(20), copied).await.expect("an end").expect("whole");
    assert_eq!(String::from_utf8_lossy(&out), "0\r\n33 77\r\n");
    assert_eq!(docker.exec_exit_code(&exec).await.expect("known"), Some(3));
    docker.remove(&id, &hijack_docker::RemoveOptions::force()).await.expect("removed");
}

/// A folder of the test's own, removed with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("hijack-example-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn rpc_serves_and_calls() {
    let mut example = Example::start("rpc", &["127.0.0.1:0"]);
    let mut line = String::new();
    example.output.read_line(&mut line).expect("the answer");
    assert_eq!(line, "7 / 2 is 3, 1 are left\n");
    assert!(example.ask(b"GET /debug/rpc HTTP/1.0\r\n\r\n").contains("Divide(Args, Quotient) error"));
    assert_eq!(example.ask(b"CONNECT /_goRPC_ HTTP/1.0\n\n"), "HTTP/1.0 200 Connected to Go RPC\n\n");
}
