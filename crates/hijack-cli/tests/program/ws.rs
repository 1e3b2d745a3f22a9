//! `hijack ws`: what goes in comes out, and every end has its exit code and its words.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use hijack_proto::ws::handshake::accept_hash;

use crate::support::{Demo, hijack, run};

/// Echoes `input` by the demo.
fn echoed(args: &[&str], input: &[u8]) -> Vec<u8> {
    let demo = Demo::start();
    let url = demo.ws("/ws");
    let (code, output, told) = run(&[&["ws", "--exit-on-close", &url], args].concat(), input);
    assert_eq!((code, told.as_str()), (Some(0), ""));
    output
}

/// Bytes that do not compress and are no text.
fn noise(len: u32) -> Vec<u8> {
    (0..len).map(|at| (at.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0]).collect()
}

#[test]
fn a_line_is_a_message() {
    assert_eq!(
        echoed(&[], b"hello\n\ngr\xc3\xbc\xc3\x9fe\r\nlast"),
        b"hello\n\ngr\xc3\xbc\xc3\x9fe\r\nlast\n"
    );
    assert_eq!(echoed(&["--compress"], b"the same, the same, the same\n"), b"the same, the same, the same\n");
    assert_eq!(echoed(&[], b""), b"");
}

/// Longer than any buffer here, with a character of two bytes across every edge of one.
#[test]
fn a_line_may_be_of_any_length() {
    let long = format!("x{}\nshort\n", "ü".repeat(3_000_000));
    assert!(echoed(&[], long.as_bytes()) == long.as_bytes(), "it came back otherwise");
}

#[test]
fn binary_is_bytes_in_and_out() {
    let bytes = noise(20_000_000);
    assert!(echoed(&["--binary"], &bytes) == bytes, "they came back otherwise");
}

#[test]
fn what_is_no_text_is_not_sent_as_text() {
    let demo = Demo::start();
    let (code, output, told) = run(&["ws", &demo.ws("/ws")], b"fine\nnot \xff\n");
    assert_eq!((code, output.as_slice()), (Some(1), &b"fine\n"[..]));
    assert!(told.contains("line 2 of stdin") && told.contains("--binary"), "{told}");
}

#[test]
fn refusals_show_status_and_body() {
    let demo = Demo::start();
    let table: [(&str, &[&str], &[&str]); 4] = [
        ("/nothing", &[], &["404 Not Found", "is the path right?", "\n  not found: see / for what is here"]),
        ("/handle2", &[], &["200 OK", "\n  hello world"]),
        ("/ws", &["--header", "Origin: http://evil.test"], &["403 Forbidden", "origin"]),
        ("/echo", &[], &["switched protocols", "sec-websocket-accept"]),
    ];
    for (path, args, words) in table {
        let (code, _, told) = run(&[&["ws", &demo.ws(path)], args].concat(), b"");
        assert_eq!(code, Some(4), "{path}: {told}");
        for word in words {
            assert!(told.contains(word), "{path}: expected {word:?} in {told:?}");
        }
    }
}

#[test]
fn a_server_that_is_not_there() {
    let gone = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("bound");
    let (code, _, told) = run(&["ws", &format!("ws://{gone}/")], b"");
    assert_eq!(code, Some(3), "{told}");
    assert!(told.contains(&gone.to_string()) && told.contains("is the server running"), "{told}");
}

#[test]
fn mistakes_on_the_command_line() {
    let table: [(&[&str], &str); 5] = [
        (&["ftp://a/"], "ws://host:port/path"),
        (&["ws://a/", "--header", "nonsense"], "Name: value"),
        (&["ws://a/", "--header", "Upgrade: h2c"], "the handshake's own"),
        (&["ws://a/", "--subprotocol", "two words"], "one word"),
        (&["ws://a/", "--ca", "x", "--insecure"], "--insecure"),
    ];
    for (args, words) in table {
        let (code, _, told) = run(&[&["ws"], args].concat(), b"");
        assert_eq!(code, Some(2), "{args:?}: {told}");
        assert!(told.contains(words), "{args:?}: expected {words:?} in {told:?}");
    }
}

/// A server by hand: it accepts the client of one request, sends `bytes` and keeps the connection until the client
/// ends it, or not even that. It gives the request.
fn serve_raw(answer: &'static [u8], waits: bool) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("ws://{}/live", listener.local_addr().expect("bound"));
    let serving = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let request = read_head(&mut stream);
        let key = request.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).expect("a key");
        let accept = accept_hash(key.as_bytes());
        let head = format!(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Accept: {accept}\r\n\r\n"
        );
        stream.write_all(&[head.as_bytes(), answer].concat()).expect("written");
        if waits {
            let _ = stream.read_to_end(&mut Vec::new());
        }
        request
    });
    (url, serving)
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

/// RFC 6455 §7.4.1, and what each end is to a script. The bytes are frames of §5.2, written by hand.
#[test]
fn every_end_has_its_code() {
    let table: [(&[u8], bool, i32, &str); 8] = [
        (b"\x81\x02hi\x88\x02\x03\xe8", true, 0, ""),
        (b"\x81\x02hi\x88\x02\x03\xe9", true, 0, ""),
        (b"\x81\x02hi\x88\x00", true, 0, ""),
        (
            b"\x81\x02hi\x88\x06\x03\xf0rule",
            true,
            5,
            "closed with 1008 (against its policy: does it want credentials, by --header?): rule",
        ),
        (b"\x81\x02hi\x88\x03\x0f\xa1x", true, 5, "closed with 4001: x"),
        (b"\x81\x02hi", false, 6, "without a Close"),
        (b"\x81\x02hi\x81\x05h", false, 6, "in the middle of a message"),
        (b"\x81\x02hi\xb1\x00", true, 6, "broke the protocol"),
    ];
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for (bytes, waits, expected, words) in table {
            scope.spawn(move || {
                let (url, serving) = serve_raw(bytes, waits);
                let (code, output, told) = run(&["ws", &url], b"");
                let of = format!("{}: {told}", bytes.escape_ascii());
                assert_eq!(code, Some(expected), "{of}");
                assert!(output.starts_with(b"hi\n"), "{of}: {}", output.escape_ascii());
                assert!(told.contains(words) && (words.is_empty() == told.is_empty()), "{words:?}: {of}");
                serving.join().expect("served");
            });
        }
    });
    // These servers answer a Close and leave the connection open: they are not waited for as long as a Close is.
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn headers_and_subprotocols_are_asked_for() {
    let (url, serving) = serve_raw(b"\x88\x00", true);
    let args = [
        "ws",
        &url,
        "--header",
        "X-One: a: b",
        "--header",
        "X-One: c",
        "--subprotocol",
        "v2",
        "--subprotocol",
        "v1",
    ];
    let (code, _, told) = run(&args, b"");
    assert_eq!(code, Some(0), "{told}");
    let request = serving.join().expect("served");
    assert!(request.starts_with("GET /live HTTP/1.1\r\n"), "{request}");
    for line in ["X-One: a: b\r\n", "X-One: c\r\n", "Sec-WebSocket-Protocol: v2, v1\r\n"] {
        assert!(request.contains(line), "expected {line:?} in {request}");
    }
}

#[test]
fn a_binary_message_among_lines_is_escaped_and_said_so() {
    let (url, serving) = serve_raw(b"\x82\x03a\n\xff\x88\x00", true);
    let (code, output, told) = run(&["ws", &url], b"");
    assert_eq!((code, output.as_slice()), (Some(0), &b"a\\n\\xff\n"[..]));
    assert!(told.contains("--binary"), "{told}");
    serving.join().expect("served");
}

/// Without `--exit-on-close` the end of stdin is not the end: the server decides, here by going down.
#[test]
fn receives_until_the_server_closes_and_ends_while_stdin_is_open() {
    for keeps_stdin in [true, false] {
        let demo = Demo::start();
        let mut child = hijack(&["ws", &demo.ws("/ws")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program");
        let mut stdin = child.stdin.take();
        stdin.as_mut().expect("piped").write_all(b"here\n").expect("written");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
        assert_eq!(line, "here\n");
        let stdin = stdin.filter(|_| keeps_stdin);
        interrupt(demo.child.id());
        assert_eq!(child.wait().expect("its end").code(), Some(0), "1001 is an ordinary end");
        drop(stdin);
    }
}

#[test]
fn a_signal_closes_in_order() {
    let demo = Demo::start();
    let mut child = hijack(&["ws", &demo.ws("/ws")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(b"here\n").expect("written");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
    interrupt(child.id());
    assert_eq!(child.wait().expect("its end").code(), Some(0));
}

fn interrupt(process: u32) {
    assert!(Command::new("kill").args(["-INT", &process.to_string()]).status().expect("kill").success());
}

/// As curl does it: the URL names the host and the path, the flag where it is.
#[test]
fn a_unix_socket_stands_in_for_the_host() {
    let folder = std::env::temp_dir().join(format!("hijack-ws-unix-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let (socket, gone) = (folder.join("demo.sock"), folder.join("gone.sock"));
    let (socket, gone) = (socket.to_str().expect("UTF-8"), gone.to_str().expect("UTF-8"));
    let demo = Demo::start_on_unix(socket);
    let run_with = |path: &str, socket: &str, args: &[&str]| {
        let url = format!("ws://app.test{path}");
        run(&[&["ws", "--exit-on-close", "--unix-socket", socket, &url], args].concat(), b"hello\n")
    };
    // The page's origin is the host that the request names.
    let echoed = run_with("/ws", socket, &["--header", "Origin: http://app.test"]);
    assert_eq!(echoed, (Some(0), b"hello\n".to_vec(), String::new()));
    let (code, _, told) = run_with("/ws", socket, &["--header", "Origin: http://localhost"]);
    assert_eq!(code, Some(4), "{told}");
    let (code, _, told) = run_with("/nothing", socket, &[]);
    assert!(code == Some(4) && told.contains("404 Not Found"), "{told}");
    let (code, _, told) = run_with("/ws", gone, &[]);
    assert!(code == Some(3) && told.contains(gone), "{told}");
    drop(demo);
    std::fs::remove_dir_all(&folder).expect("removed");
}

/// A certificate that nobody vouches for is refused, unless its file or nobody is to be trusted.
#[test]
fn tls_is_checked_unless_it_is_said_otherwise() {
    let folder = std::env::temp_dir().join(format!("hijack-ws-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    let made = rcgen::generate_simple_self_signed(["localhost".into()]).expect("a certificate");
    std::fs::write(&cert, made.cert.pem()).expect("written");
    std::fs::write(&key, made.signing_key.serialize_pem()).expect("written");
    let (cert, key) = (cert.to_str().expect("UTF-8"), key.to_str().expect("UTF-8"));
    let demo = Demo::start_with(&["--tls-cert", cert, "--tls-key", key]);
    let port = demo.address.rsplit(':').next().expect("a port");
    let url = format!("wss://localhost:{port}/ws");
    let run_with = |args: &[&str]| run(&[&["ws", "--exit-on-close", &url], args].concat(), b"hello\n");
    let trusted = [run_with(&["--ca", cert]), run_with(&["--insecure"])];
    let (code, _, told) = run_with(&[]);
    std::fs::remove_dir_all(&folder).expect("removed");
    assert_eq!(trusted, [(); 2].map(|()| (Some(0), b"hello\n".to_vec(), String::new())));
    assert_eq!(code, Some(3), "{told}");
    assert!(told.contains("certificate"), "{told}");
}
