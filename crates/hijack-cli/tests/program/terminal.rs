//! `hijack ws` on a terminal: people see directions, colours and how far it is; programs that share it see neither.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::support::{Demo, hijack};

/// A terminal: what is typed on it, and what it shows.
struct Terminal {
    master: File,
    path: String,
    shown: Arc<(Mutex<Vec<u8>>, Condvar)>,
}

impl Terminal {
    fn open() -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&master).expect("ours");
        unlockpt(&master).expect("usable");
        let path = ptsname(&master, Vec::new()).expect("its name").into_string().expect("ASCII");
        let master = File::from(master);
        let shown = Arc::<(Mutex<Vec<u8>>, Condvar)>::default();
        let (mut reading, seen) = (master.try_clone().expect("a descriptor"), Arc::clone(&shown));
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // It fails when the last program on it has ended.
            while let Ok(len @ 1..) = reading.read(&mut bytes) {
                seen.0.lock().expect("no panic").extend_from_slice(&bytes[..len]);
                seen.1.notify_all();
            }
        });
        Self { master, path, shown }
    }

    /// For one of a program's streams.
    fn stdio(&self) -> Stdio {
        OpenOptions::new().read(true).write(true).open(&self.path).expect("a terminal").into()
    }

    fn type_in(&mut self, text: &str) {
        self.master.write_all(text.as_bytes()).expect("typed");
    }

    /// Waits until `text` is shown; all that was.
    fn wait_for(&self, text: &str) -> String {
        let (bytes, more) = &*self.shown;
        let waiting = |bytes: &mut Vec<u8>| !String::from_utf8_lossy(bytes).contains(text);
        let bytes = bytes.lock().expect("no panic");
        let (bytes, waited) = more.wait_timeout_while(bytes, PATIENCE, waiting).expect("no panic");
        let shown = String::from_utf8_lossy(&bytes).into_owned();
        assert!(!waited.timed_out(), "waited in vain for {text:?}: {shown:?}");
        shown
    }
}

const PATIENCE: Duration = Duration::from_secs(20);

/// The end of input, as it is typed.
const END: &str = "\x04";

fn client(demo: &Demo, args: &[&str]) -> Command {
    let mut command = hijack(&[&["ws", "--exit-on-close", &demo.ws("/ws")], args].concat());
    command.env_remove("NO_COLOR");
    command
}

fn succeeds(mut child: Child) {
    assert_eq!(child.wait().expect("its end").code(), Some(0));
}

/// What is typed is on the screen already; what comes is marked and coloured, opening and end are told in faint.
#[test]
fn a_conversation_is_typed_and_read() {
    let (demo, mut terminal) = (Demo::start(), Terminal::open());
    let child = client(&demo, &[])
        .stdin(terminal.stdio())
        .stdout(terminal.stdio())
        .stderr(terminal.stdio())
        .spawn()
        .expect("the program");
    terminal.wait_for(&format!("\x1b[2mopen: {}\x1b[0m\r\n", demo.ws("/ws")));
    terminal.type_in("hello\n");
    terminal.wait_for("hello\r\n\x1b[32m< hello\x1b[0m\r\n");
    terminal.type_in("again\n");
    terminal.wait_for("again\r\n\x1b[32m< again\x1b[0m\r\n");
    terminal.type_in(END);
    let shown = terminal.wait_for("\x1b[2mclosed: 1000\x1b[0m\r\n");
    succeeds(child);
    assert_eq!(shown.matches("hello").count(), 2, "typed once, and shown once: {shown:?}");
}

/// <https://no-color.org>: marks stay, colours go.
#[test]
fn colours_can_be_forgone() {
    let (demo, mut terminal) = (Demo::start(), Terminal::open());
    let child = client(&demo, &[])
        .env("NO_COLOR", "1")
        .stdin(terminal.stdio())
        .stdout(terminal.stdio())
        .stderr(terminal.stdio())
        .spawn()
        .expect("the program");
    terminal.wait_for("open: ");
    terminal.type_in("hello\n");
    terminal.wait_for("\r\n< hello\r\n");
    terminal.type_in(END);
    let shown = terminal.wait_for("closed: 1000\r\n");
    succeeds(child);
    assert!(!shown.contains('\x1b'), "{shown:?}");
}

/// Both directions of a conversation that a program leads, and nothing in it that steers the terminal.
#[test]
fn what_a_program_says_is_shown_too() {
    let (demo, terminal) = (Demo::start(), Terminal::open());
    let mut child = client(&demo, &[])
        .stdin(Stdio::piped())
        .stdout(terminal.stdio())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program");
    child.stdin.take().expect("piped").write_all(b"\x1b]0;title\x07\xc2\x9b2J\xc3\xbc\n").expect("written");
    let words = "\\u{1b}]0;title\\u{7}\\u{9b}2J\u{fc}\x1b[0m\r\n";
    terminal.wait_for(&format!("\x1b[36m> {words}"));
    terminal.wait_for(&format!("\x1b[32m< {words}"));
    let mut told = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut told).expect("UTF-8");
    assert_eq!(told, "", "a program that reads stderr wants failures only");
    succeeds(child);
}

/// Raw bytes would wreck a terminal: it sees the first of them with escapes, and how many there were.
#[test]
fn bytes_are_shown_as_text() {
    let (demo, terminal) = (Demo::start(), Terminal::open());
    let mut child = client(&demo, &["--binary"])
        .stdin(Stdio::piped())
        .stdout(terminal.stdio())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program");
    child.stdin.take().expect("piped").write_all(&[0; 2_000]).expect("written");
    let shown = terminal.wait_for("(2000 bytes, binary)");
    assert!(shown.starts_with("\x1b[32m< \\x00\\x00") && !shown.contains('\0'), "{shown:?}");
    succeeds(child);
}

/// Whoever sends a file sees how far it is, on stderr, as long as nothing else is shown there.
#[test]
fn a_long_transfer_shows_its_progress() {
    let (demo, terminal) = (Demo::start(), Terminal::open());
    let mut child = client(&demo, &["--binary"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(terminal.stdio())
        .spawn()
        .expect("the program");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(&vec![0; 3 << 20]).expect("written");
    // Shown while it is under way, over and over in the same line; and once more at its end.
    terminal.wait_for("\r3.0 MiB sent, 3.0 MiB received, ");
    stdin.write_all(&vec![0; 1 << 20]).expect("written");
    terminal.wait_for("\r4.0 MiB sent, 4.0 MiB received, ");
    drop(stdin);
    let shown = terminal.wait_for("closed: 1000");
    assert!(shown.contains(" MiB/s\x1b[K\r\n\x1b[2mclosed"), "{shown:?}");
    succeeds(child);
}
