//! The demo's room: who joins hears, who does not read is dropped, and its page runs nothing of anybody else's.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::support::{Demo, hijack};

/// A member by the program's own client.
struct Member {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Member {
    fn join(demo: &Demo) -> Self {
        let mut child = hijack(&["ws", &demo.ws("/ws/chat")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program");
        let stdin = child.stdin.take().expect("piped");
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let mut member = Self { child, stdin, stdout };
        let came = member.hear();
        assert!(came.ends_with(" came"), "{came}");
        member
    }

    fn say(&mut self, line: &str) {
        writeln!(self.stdin, "{line}").expect("written");
    }

    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("a line");
        line.trim_end().to_owned()
    }
}

#[test]
fn all_hear_what_one_says() {
    let mut demo = Demo::start();
    let mut first = Member::join(&demo);
    let mut second = Member::join(&demo);
    assert_eq!(first.hear(), "* 2 came");
    second.say("hello");
    assert_eq!((first.hear(), second.hear()), ("2: hello".into(), "2: hello".into()));
    let status = Command::new("kill").args(["-TERM", &demo.child.id().to_string()]).status();
    assert!(status.expect("kill").success());
    for mut member in [first, second] {
        assert_eq!(member.child.wait().expect("its end").code(), Some(0), "1001 is an ordinary end");
    }
    assert!(demo.child.wait().expect("its end").success());
}

/// RFC 6455 §1.3 has the key.
fn join_raw(demo: &Demo) -> TcpStream {
    let mut stream = demo.connect();
    let request = "GET /ws/chat HTTP/1.1\r\nHost: demo\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(request.as_bytes()).expect("written");
    stream
}

/// The member that reads nothing is dropped, and the one that reads hears everything, in order.
#[test]
fn a_member_that_does_not_read_is_dropped() {
    let demo = Demo::start();
    let mut sleeper = join_raw(&demo);
    // It is there when its own coming is heard.
    let mut head = Vec::new();
    while !head.ends_with(b"* 1 came") {
        let mut byte = [0];
        sleeper.read_exact(&mut byte).expect("a byte");
        head.push(byte[0]);
    }
    let mut member = Member::join(&demo);
    let text = "x".repeat(60_000);
    let mut rounds = 0;
    while !hears_all_of_one_message(&mut member, &text) {
        rounds += 1;
        assert!(rounds < 2000, "120 MB wait for one that does not read");
    }
    // It is told why, behind all that waited for it.
    let mut rest = Vec::new();
    sleeper.read_to_end(&mut rest).expect("the rest, and its end");
    let close = b"\x03\xf5too slow: the others do not wait";
    assert!(rest.ends_with(close), "{}", rest[rest.len().saturating_sub(50)..].escape_ascii());
}

/// Whether it also heard that the first member went.
fn hears_all_of_one_message(member: &mut Member, text: &str) -> bool {
    member.say(text);
    let mut went = false;
    loop {
        let heard = member.hear();
        went |= heard == "* 1 went";
        if heard.starts_with("2: ") {
            assert_eq!(heard.len(), text.len() + 3);
            return went;
        }
    }
}

#[test]
fn its_page_runs_nothing_of_anybody_elses() {
    let demo = Demo::start();
    let nonce_of = |page: &str| {
        let policy = page.lines().find_map(|line| line.strip_prefix("Content-Security-Policy: "));
        let policy = policy.unwrap_or_else(|| panic!("no policy: {page}"));
        assert!(policy.starts_with("default-src 'none'; script-src 'nonce-"), "{policy}");
        let nonce = policy.split('\'').nth(3).expect("a nonce").trim_start_matches("nonce-").to_owned();
        assert_eq!(page.matches(&format!("<script nonce=\"{nonce}\">")).count(), 1, "{page}");
        assert_eq!(page.matches("<script").count(), 1, "{page}");
        nonce
    };
    let (one, other) = (demo.get("/ws/chat", ""), demo.get("/ws/chat", ""));
    assert_ne!(nonce_of(&one), nonce_of(&other));
}
