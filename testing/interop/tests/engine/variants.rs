//! Engines that answer an attach strangely, by sockets and threads alone: what Docker's client makes of each, and ours.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use hijack_docker::stream::{Error as StreamError, FrameError};
use hijack_docker::{AttachOptions, Docker, Error};
use hijack_interop::engine::docker;
use hijack_interop::process::Folder;

use crate::command::run;

/// What the engine writes behind a request for an attach, in pieces.
type Script = Arc<dyn Fn(&mut TcpStream) -> std::io::Result<()> + Send + Sync>;

/// An engine that does so, and of everything else says the least that clients want to hear. Docker's client drops its stream
/// when it hears of the container's end, so that is told behind the stream's; not at all if there is no `exit`, for the
/// stream is to fail. Its threads end with their connections, and the last one with the test.
fn engine(attach: Script, exit: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = format!("tcp://{}", listener.local_addr().expect("an address"));
    let written = Arc::new((Mutex::new(false), Condvar::new()));
    thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            let (attach, written) = (Arc::clone(&attach), Arc::clone(&written));
            // A client that goes is no failure of its engine's.
            thread::spawn(move || serve(stream, &attach, &written, exit).ok());
        }
    });
    address
}

fn serve(
    mut stream: TcpStream,
    attach: &Script,
    (written, told): &(Mutex<bool>, Condvar),
    exit: bool,
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let (mut head, mut line) = (String::new(), String::new());
        while reader.read_line(&mut line)? > 2 {
            head.push_str(&std::mem::take(&mut line));
        }
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")?.parse().ok());
        std::io::copy(&mut reader.by_ref().take(length.unwrap_or(0)), &mut std::io::sink())?;
        let request = head.lines().next().unwrap_or_default();
        if request.is_empty() {
            return Ok(());
        }
        if request.contains("/attach?") {
            attach(&mut stream)?;
            stream.shutdown(Shutdown::Write)?;
            *written.lock().expect("no panic") = true;
            told.notify_all();
            std::io::copy(&mut reader, &mut std::io::sink())?;
            return Ok(());
        }
        if request.contains("/wait?") {
            stream.write_all(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n",
            )?;
            if exit {
                drop(told.wait_while(written.lock().expect("no panic"), |written| !*written));
                // Long enough for what was written to be read first.
                thread::sleep(Duration::from_millis(500));
                stream.write_all(b"{\"StatusCode\":7}")?;
            }
            continue;
        }
        let (status, body) = match request {
            request if request.contains("/_ping") => ("200 OK\r\nApi-Version: 1.44", ""),
            request if request.contains("/create") => ("201 Created", r#"{"Id":"0123456789abcdef"}"#),
            request if request.contains("/start") => ("204 No Content", ""),
            _ => ("404 Not Found", r#"{"message":"there is nothing else"}"#),
        };
        let length = if status.starts_with("204") {
            String::new()
        } else {
            format!("Content-Length: {}\r\n", body.len())
        };
        let answer = format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{length}\r\n{body}");
        stream.write_all(answer.as_bytes())?;
    }
}

const HEAD: &str = "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\n\
                    Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
const HELLO: &[u8] = b"\x01\0\0\0\0\0\0\x06hello\n";
const OOPS: &[u8] = b"\x02\0\0\0\0\0\0\x05oops\n";

fn whole(pieces: &[&[u8]]) -> Script {
    let bytes = pieces.concat();
    Arc::new(move |stream| stream.write_all(&bytes))
}

/// `docker run` before it: exit code, stdout and stderr.
fn theirs(address: &str) -> Option<(Option<i32>, String, String)> {
    let folder = Folder::new("variants").expect("a folder is made");
    std::fs::create_dir(folder.path().join("config")).expect("a folder is made");
    let ran = run(docker(address, folder.path(), &["run", "any", "true"])?, b"");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Some((ran.code, text(ran.stdout), text(ran.stderr)))
}

/// Our client: both outputs, and how they ended.
async fn ours(address: &str) -> Result<(String, String, Result<(), StreamError>), Error> {
    let docker = Docker::builder().host(address.parse().expect("a host")).build();
    let streams = docker.attach("0123456789abcdef", &AttachOptions::default()).await?;
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let copied =
        tokio::time::timeout(Duration::from_secs(60), streams.output.copy_to(&mut out, &mut err)).await;
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    Ok((text(out), text(err), copied.expect("it ends").map(drop)))
}

/// Whatever comes with the 101, comes byte by byte, or behind lines without CR: all of it is there.
#[tokio::test(flavor = "multi_thread")]
async fn heads_of_all_kinds() {
    let by_bytes: Script = Arc::new(|stream| {
        for byte in [HEAD.as_bytes(), HELLO, OOPS].concat() {
            stream.write_all(&[byte])?;
            thread::sleep(Duration::from_micros(200));
        }
        Ok(())
    });
    let bare_lf = HEAD.replace("\r\n", "\n");
    let last_lf = HEAD.replace("\r\n\r\n", "\r\n\n");
    let variants = [
        ("all at once", whole(&[HEAD.as_bytes(), HELLO, OOPS])),
        ("byte by byte", by_bytes),
        ("bare LF", whole(&[bare_lf.as_bytes(), HELLO, OOPS])),
        ("the last line a bare LF", whole(&[last_lf.as_bytes(), HELLO, OOPS])),
    ];
    for (name, script) in variants {
        let address = engine(script, true);
        if let Some(ran) = theirs(&address) {
            assert_eq!(ran, (Some(7), "hello\n".to_owned(), "oops\n".to_owned()), "{name}");
        }
        let (out, err, end) = ours(&address).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        end.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((&*out, &*err), ("hello\n", "oops\n"), "{name}");
    }
}

/// A 101 that says nothing: Docker's client believes it. Ours does not, for what follows might be anything, and says so.
#[tokio::test(flavor = "multi_thread")]
async fn a_101_without_headers() {
    let address = engine(whole(&[b"HTTP/1.1 101 X\r\n\r\n", HELLO, OOPS]), true);
    if let Some(ran) = theirs(&address) {
        assert_eq!(ran, (Some(7), "hello\n".to_owned(), "oops\n".to_owned()));
    }
    let error = ours(&address).await.expect_err("it upgrades to nothing");
    assert!(matches!(error, Error::Unexpected { .. }), "{error:?}");
    assert!(error.to_string().contains("101 without"), "{error}");
}

/// The daemon's own error, and a stream that does not exist: what came before counts, and both clients say what is wrong.
#[tokio::test(flavor = "multi_thread")]
async fn frames_that_are_no_output() {
    let table: [(&[u8], &str, FrameError); 2] = [
        (
            b"\x03\0\0\0\0\0\0\x06broken",
            "error from daemon in stream: broken",
            FrameError::Daemon("broken".to_owned()),
        ),
        (b"\x09\0\0\0\0\0\0\x01x", "Unrecognized input header: 9", FrameError::UnknownStream { stream: 9 }),
    ];
    for (frame, said, expected) in table {
        let address = engine(whole(&[HEAD.as_bytes(), HELLO, frame]), false);
        if let Some((_, out, err)) = theirs(&address) {
            assert!(out == "hello\n" && err.contains(said), "{out:?} {err:?}");
        }
        let (out, err, end) = ours(&address).await.expect("attached");
        assert_eq!((&*out, &*err), ("hello\n", ""));
        match end.expect_err("no output") {
            StreamError::Frame(error) => assert_eq!(error, expected),
            other => panic!("{other:?}"),
        }
    }
}
