//! A Docker daemon by hand: it answers what a test tells it to, and remembers what it was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::hijack;

/// A request that came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// Method and target, without the version of the API.
    pub(crate) what: String,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// What is answered.
pub(crate) enum Reply {
    /// Bytes, and the next request on the same connection.
    Bytes(Vec<u8>),
    /// Bytes, then the end of our direction; the client's is read to its end.
    Last(Vec<u8>),
    /// What takes the connection over.
    Takeover(Box<dyn FnOnce(TcpStream, BufReader<TcpStream>) + Send>),
}

/// A daemon.
pub(crate) struct Daemon {
    pub(crate) host: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Daemon {
    /// Answers every request by `reply`; `HEAD /_ping` is answered by itself.
    pub(crate) fn serve(reply: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let host = format!("tcp://{}", listener.local_addr().expect("bound"));
        let asked = Arc::<Mutex<Vec<Asked>>>::default();
        let (reply, seen) = (Arc::new(reply), Arc::clone(&asked));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (reply, seen) = (Arc::clone(&reply), Arc::clone(&seen));
                std::thread::spawn(move || answer(stream, &*reply, &seen));
            }
        });
        Self { host, asked }
    }

    /// Runs `hijack docker -H … WORDS` with `input`: exit code, stdout, stderr.
    pub(crate) fn run(&self, words: &[&str], input: &[u8]) -> (Option<i32>, String, String) {
        run_at(&self.host, words, input)
    }

    /// What was asked, by method and target.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.all().into_iter().map(|asked| asked.what).collect()
    }

    /// The request whose method and target begin so.
    pub(crate) fn request(&self, what: &str) -> Asked {
        let all = self.all();
        let found = all.iter().find(|asked| asked.what.starts_with(what));
        found.unwrap_or_else(|| panic!("{what} was not asked for: {all:?}")).clone()
    }

    fn all(&self) -> Vec<Asked> {
        self.asked.lock().expect("no panic").clone()
    }
}

/// Runs `hijack docker -H HOST WORDS`, without anything that its user has set.
pub(crate) fn run_at(host: &str, words: &[&str], input: &[u8]) -> (Option<i32>, String, String) {
    let mut command = hijack(&[&["docker", "-H", host], words].concat());
    command.env("DOCKER_CONFIG", "/nowhere");
    for name in ["DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_TLS", "DOCKER_API_VERSION"] {
        command.env_remove(name);
    }
    let piped = std::process::Stdio::piped;
    let mut child = command.stdin(piped()).stdout(piped()).stderr(piped()).spawn().expect("the program");
    let mut stdin = child.stdin.take().expect("piped");
    let output = std::thread::scope(|scope| {
        scope.spawn(move || {
            // A run that fails reads nothing.
            let _ = stdin.write_all(input);
        });
        child.wait_with_output().expect("an end")
    });
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn answer(stream: TcpStream, reply: &dyn Fn(&Asked) -> Reply, seen: &Mutex<Vec<Asked>>) {
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    let mut writer = stream.try_clone().expect("a descriptor");
    let mut reader = BufReader::new(stream);
    while let Some(asked) = read(&mut reader) {
        if asked.what == "HEAD /_ping" {
            let head = "HTTP/1.1 200 OK\r\nApi-Version: 1.44\r\nContent-Length: 0\r\n\r\n";
            writer.write_all(head.as_bytes()).expect("sent");
            continue;
        }
        seen.lock().expect("no panic").push(asked.clone());
        match reply(&asked) {
            Reply::Bytes(bytes) => {
                // A client that has gone does not want it.
                let _ = writer.write_all(&bytes);
            }
            Reply::Last(bytes) => {
                let _ = writer.write_all(&bytes);
                let _ = writer.shutdown(std::net::Shutdown::Write);
                let _ = reader.read_to_end(&mut Vec::new());
                return;
            }
            Reply::Takeover(take) => return take(writer, reader),
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length = head
        .lines()
        .find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    let what = head.lines().next()?.strip_suffix(" HTTP/1.1")?.replace("/v1.44/", "/");
    Some(Asked { what, head, body: String::from_utf8_lossy(&body).into_owned() })
}

/// An answer with JSON.
pub(crate) fn json(status: &str, body: &str) -> Reply {
    Reply::Bytes(
        format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes(),
    )
}

/// An answer without a body.
pub(crate) fn done() -> Reply {
    Reply::Bytes(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec())
}

/// The head of streams in frames, or raw.
pub(crate) fn upgraded(framed: bool) -> Vec<u8> {
    let media_type = if framed { "multiplexed-stream" } else { "raw-stream" };
    format!("HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.{media_type}\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n").into_bytes()
}

/// A frame.
pub(crate) fn frame(stream: u8, text: &str) -> Vec<u8> {
    let len = u32::try_from(text.len()).expect("short").to_be_bytes();
    [&[stream, 0, 0, 0], &len[..], text.as_bytes()].concat()
}
