//! gRPC's own clients through `hijack grpc-forward` to the demo's `/grpc`, and what is said where that does not work.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::time::Duration;

use hijack_tonic::interop::test_service_client::TestServiceClient;
use hijack_tonic::interop::{Empty, ResponseParameters, SimpleRequest, StreamingOutputCallRequest};
use hijack_tonic::tonic::Code;
use tonic::transport::Endpoint;

use crate::support::{Demo, fails, hijack};

/// A running forwarder; ended with the test.
struct Forward {
    child: Child,
    address: String,
}

impl Forward {
    fn start(to: &str, mode: &str) -> Self {
        Self::start_with(to, &["--mode", mode])
    }

    fn start_with(to: &str, more: &[&str]) -> Self {
        let mut child = hijack(&[&["grpc-forward", "--listen", "127.0.0.1:0", "--to", to], more].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("its first line");
        let address = line.strip_prefix("forwarding ").and_then(|rest| rest.split(' ').next());
        let address = address.unwrap_or_else(|| panic!("expected an address, got {line:?}")).to_owned();
        Self { child, address }
    }

    async fn client(&self) -> TestServiceClient<tonic::transport::Channel> {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.address)).expect("a URL");
        TestServiceClient::new(endpoint.connect().await.expect("a listening forwarder"))
    }

    /// What it said on stderr until it was ended.
    fn told(mut self) -> String {
        self.child.kill().expect("a running forwarder");
        let mut told = String::new();
        self.child.stderr.take().expect("piped").read_to_string(&mut told).expect("UTF-8");
        told
    }
}

impl Drop for Forward {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn runs<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(test)
}

#[test]
fn a_stock_client_calls_through_in_every_mode() {
    let demo = Demo::start();
    for mode in ["auto", "token", "websocket", "connect"] {
        let forward = Forward::start(&format!("http://{}/grpc", demo.address), mode);
        runs(async {
            let mut client = forward.client().await;
            let asked = SimpleRequest { response_size: 314_159, ..Default::default() };
            let answer = client.unary_call(asked).await.unwrap_or_else(|error| panic!("{mode}: {error}"));
            assert_eq!(answer.into_inner().payload.expect("a payload").body.len(), 314_159, "{mode}");
            let sizes = [31415, 9, 2653, 58979];
            let asked = StreamingOutputCallRequest {
                response_parameters: sizes
                    .map(|size| ResponseParameters { size, ..Default::default() })
                    .into(),
                ..Default::default()
            };
            let mut answers = client.streaming_output_call(asked).await.expect("answers").into_inner();
            for size in sizes {
                let answer = answers.message().await.expect("a message").expect("not the end");
                assert_eq!(answer.payload.expect("a payload").body.len(), size as usize, "{mode}");
            }
        });
        assert_eq!(forward.told(), "", "{mode}");
    }
}

/// A proxy that opens one tunnel: to wherever the `CONNECT` says, once its head is as `expects` says.
fn proxy_once(expects: &'static str) -> (String, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    let proxying = std::thread::spawn(move || {
        let (mut client, _) = listener.accept().expect("a client");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            client.read_exact(&mut byte).expect("a head");
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).expect("text");
        if !head.contains(expects) {
            return head;
        }
        let to = head.split(' ').nth(1).expect("an authority");
        let mut server = TcpStream::connect(to).expect("a server");
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").expect("written");
        let (mut back, mut forth) =
            (server.try_clone().expect("a socket"), client.try_clone().expect("a socket"));
        std::thread::spawn(move || std::io::copy(&mut back, &mut forth));
        let _ = std::io::copy(&mut client, &mut server);
        head
    });
    (address, proxying)
}

#[test]
fn a_proxy_on_the_way_is_asked_for_a_tunnel() {
    let demo = Demo::start();
    // "ann:se@cret"
    let (proxy, proxying) = proxy_once("Proxy-Authorization: Basic YW5uOnNlQGNyZXQ=\r\n");
    let (url, proxy) = (format!("http://{}/grpc", demo.address), format!("http://ann:se@cret@{proxy}"));
    let forward = Forward::start_with(&url, &["--mode", "token", "--proxy", &proxy]);
    runs(async { forward.client().await.empty_call(Empty {}).await.expect("through the proxy") });
    assert_eq!(forward.told(), "");
    let head = proxying.join().expect("a proxy");
    assert!(head.starts_with(&format!("CONNECT {} HTTP/1.1\r\n", demo.address)), "{head}");
    let (code, told) =
        fails(&["grpc-forward", "--listen", "127.0.0.1:0", "--to", &url, "--proxy", "socks://h:1"]);
    assert!(code == Some(2) && told.contains("it looks like http://host:port or"), "{told}");
}

#[test]
fn a_client_that_leaves_during_the_dial_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/grpc", silent.local_addr().expect("bound"));
    let forward = Forward::start(&url, "token");
    let mut client = TcpStream::connect(&forward.address).expect("a listening forwarder");
    client.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").expect("written");
    let (mut dialled, _) = silent.accept().expect("a dial");
    dialled.set_read_timeout(Some(Duration::from_secs(5))).expect("a socket");
    let mut head = [0; 4096];
    assert!(dialled.read(&mut head).expect("a request") > 0);
    drop(client);
    // The dial would last 30 s.
    assert_eq!(dialled.read(&mut head).expect("given up at once"), 0);
    assert_eq!(forward.told(), "", "nobody is left who would want to know");
}

#[test]
fn what_keeps_calls_from_getting_through_is_told_with_a_cure() {
    let demo = Demo::start();
    for (path, mode, words) in [
        ("/handle2", "token", ["the server answered 200", "is the path right?"]),
        ("/handle2", "auto", ["neither way in works", "is the path right?"]),
        ("/ws", "websocket", ["without the subprotocol hijack-grpc", "is the path right?"]),
        ("/ws", "token", ["the server answered 426", "which a proxy on the way may have removed"]),
    ] {
        let url = format!("http://{}{path}", demo.address);
        let forward = Forward::start(&url, mode);
        let failed = runs(async { forward.client().await.empty_call(Empty {}).await });
        let code = failed.expect_err("nobody there").code();
        assert!(matches!(code, Code::Unavailable | Code::Unknown | Code::Cancelled), "{code}");
        let told = forward.told();
        assert!(told.starts_with(&format!("hijack: cannot reach gRPC at {url}: ")), "{told}");
        assert!(words.iter().all(|words| told.contains(words)), "{words:?} in {told}");
        assert_eq!(told.lines().count(), 1, "told once: {told}");
    }
}

#[test]
fn mistakes_on_the_command_line_are_told() {
    let (code, told) = fails(&["grpc-forward", "--listen", "127.0.0.1:0", "--to", "127.0.0.1:9090"]);
    assert!(code == Some(2) && told.contains("it looks like http://host:port/path"), "{told}");
    let line = ["grpc-forward", "--listen", "127.0.0.1:0", "--to", "http://h:1", "--authority", "h"];
    let (code, told) = fails(&line);
    assert!(code == Some(2) && told.contains("it looks like host:port"), "{told}");
    let demo = Demo::start();
    let (code, told) = fails(&["grpc-forward", "--listen", &demo.address, "--to", "http://127.0.0.1:1"]);
    assert!(code == Some(1) && told.contains("another program listens there"), "{told}");
}

#[test]
fn the_demo_refuses_what_is_no_takeover() {
    let demo = Demo::start();
    let refused = demo.get("/grpc", "");
    assert!(refused.starts_with("HTTP/1.1 426 "), "{refused}");
    assert!(refused.contains("Upgrade: hijack-grpc, websocket, h2c\r\n"), "{refused}");
    for authority in [&*demo.address, "demo.hijack.test:80"] {
        let head = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n");
        assert!(demo.ask(&head).starts_with("HTTP/1.1 200 OK\r\n"), "{authority}");
    }
    let refused = demo.ask("CONNECT example.org:80 HTTP/1.1\r\nHost: example.org:80\r\n\r\n");
    assert!(refused.starts_with("HTTP/1.1 403 "), "{refused}");
}
