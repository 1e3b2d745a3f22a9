//! Command lines on a terminal.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::Child;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;

use hijack_interop::dockerd::IMAGE;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Termios, Winsize, tcgetattr, tcsetwinsize};
use serde_json::json;

use crate::beside::{BOTH, Client, PATIENCE, Site, kill, neutral, until};

/// A client on a terminal of its own.
struct Seat {
    child: Child,
    master: File,
    /// Keeps the terminal while its client ends.
    slave: OwnedFd,
    shown: Arc<(Mutex<Vec<u8>>, Condvar)>,
    reading: JoinHandle<()>,
    before: Termios,
}

impl Site {
    /// Starts a command line on a terminal of 33 lines and 77 columns.
    fn seat(&self, client: Client, words: &[&str]) -> Seat {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&master).expect("ours");
        unlockpt(&master).expect("usable");
        let path = ptsname(&master, Vec::new()).expect("its name").into_string().expect("ASCII");
        let open = || -> OwnedFd {
            let file = OpenOptions::new().read(true).write(true).open(&path).expect("a terminal");
            file.into()
        };
        let slave = open();
        tcsetwinsize(&slave, size(33, 77)).expect("a size");
        let before = tcgetattr(&slave).expect("a terminal");
        let mut command = self.command(client, words);
        command.stdin(open()).stdout(open()).stderr(open());
        let child = command.spawn().expect("it starts");
        let master = File::from(master);
        let shown = Arc::<(Mutex<Vec<u8>>, Condvar)>::default();
        let (mut reader, seen) = (master.try_clone().expect("a descriptor"), Arc::clone(&shown));
        let reading = std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // It fails when nobody has the terminal any more.
            while let Ok(len @ 1..) = reader.read(&mut bytes) {
                seen.0.lock().expect("no panic").extend_from_slice(&bytes[..len]);
                seen.1.notify_all();
            }
        });
        Seat { child, master, slave, shown, reading, before }
    }

    /// The same conversation with both: what is waited for, and what is typed then. What was shown, and the code.
    #[track_caller]
    fn typed(&self, words: &[&str], talk: &[(&str, &str)]) -> (String, Option<i32>) {
        let [docker, hijack] = BOTH.map(|client| {
            let mut seat = self.seat(client, words);
            for (awaited, typed) in talk {
                seat.wait_for(awaited);
                seat.type_in(typed);
            }
            seat.leave()
        });
        assert_eq!(hijack, docker, "{words:?}, ours left, docker's right");
        hijack
    }
}

fn size(rows: u16, columns: u16) -> Winsize {
    Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}

impl Seat {
    fn type_in(&mut self, text: &str) {
        self.master.write_all(text.as_bytes()).expect("typed");
    }

    #[track_caller]
    fn wait_for(&self, text: &str) {
        let (bytes, more) = &*self.shown;
        let waiting = |bytes: &mut Vec<u8>| !String::from_utf8_lossy(bytes).contains(text);
        let bytes = bytes.lock().expect("no panic");
        let (bytes, waited) = more.wait_timeout_while(bytes, PATIENCE, waiting).expect("no panic");
        let shown = String::from_utf8_lossy(&bytes).into_owned();
        assert!(!waited.timed_out(), "waited in vain for {text:?}: {shown:?}");
    }

    /// The end, behind which the terminal is as it was before: what was shown, and the code.
    #[track_caller]
    fn leave(mut self) -> (String, Option<i32>) {
        let mut code = None;
        let child = &mut self.child;
        let shown = || String::from_utf8_lossy(&self.shown.0.lock().expect("no panic")).into_owned();
        until(&format!("the end of {:?}", shown()), || {
            code = child.try_wait().expect("a child");
            code.is_some()
        });
        let after = tcgetattr(&self.slave).expect("a terminal");
        assert_eq!(modes(&after), modes(&self.before), "the terminal was left otherwise");
        drop(self.slave);
        self.reading.join().expect("no panic");
        let shown = self.shown.0.lock().expect("no panic");
        (neutral(&String::from_utf8_lossy(&shown)), code.and_then(|status| status.code()))
    }
}

/// All that may be raw about a terminal.
fn modes(termios: &Termios) -> [u32; 4] {
    [
        termios.input_modes.bits(),
        termios.output_modes.bits(),
        termios.control_modes.bits(),
        termios.local_modes.bits(),
    ]
}

const RUN: [&str; 5] = ["run", "--rm", "--network", "none", "-it"];

fn run(script: &str) -> Vec<&str> {
    [&RUN[..], &[IMAGE, "sh", "-c", script]].concat()
}

#[test]
fn conversations() {
    let Some(site) = Site::start() else { return };
    let (shown, code) =
        site.typed(&run("printf 'your name> '; read x; echo \"<$x>\"; exit 3"), &[("name> ", "me\n")]);
    assert_eq!((shown.as_str(), code), ("your name> me\r\n<me>\r\n", Some(3)));
    // What is typed is the process's, ^C and ^D too.
    let script = "trap 'echo interrupted; exit 5' INT; echo ready; while :; do sleep 0.1; done";
    let (shown, code) = site.typed(&run(script), &[("ready", "\x03")]);
    assert!(shown.contains("interrupted") && code == Some(5), "{shown:?} {code:?}");
    let (shown, code) =
        site.typed(&run("echo ready; cat; exit 6"), &[("ready", "line\n"), ("line\r\nline", "\x04")]);
    assert_eq!((shown.as_str(), code), ("ready\r\nline\r\nline\r\n", Some(6)));
    // A terminal without input: ours is not raw, and gives each line an end of its own.
    let words = [
        "run",
        "--rm",
        "--network",
        "none",
        "-t",
        IMAGE,
        "sh",
        "-c",
        "tty -s && echo on a terminal; echo err >&2",
    ];
    let (shown, code) = site.typed(&words, &[]);
    assert_eq!((shown.as_str(), code), ("on a terminal\r\r\nerr\r\r\n", Some(0)));
    // A terminal here and none there: lines end as they do.
    let words = ["run", "--rm", "--network", "none", "-i", IMAGE, "sh", "-c", "read x; echo \"<$x>\""];
    for client in BOTH {
        let mut seat = site.seat(client, &words);
        seat.type_in("hello\n");
        seat.wait_for("<hello>\r\n");
        assert_eq!(seat.leave().1, Some(0), "{client:?}");
    }
    // No such program: the terminal is left as it was.
    let (_, code) = site.typed(&[&RUN[..], &[IMAGE, "no-such-program"]].concat(), &[]);
    assert_eq!(code, Some(127));
}

#[test]
fn sizes() {
    let Some(site) = Site::start() else { return };
    site.running("host", "sleep 600", &json!({}));
    let script = "while [ \"$(stty size)\" != '33 77' ]; do sleep 0.1; done; echo as here; read x; \
                  while [ \"$(stty size)\" != '40 100' ]; do sleep 0.1; done; echo as there; exit 4";
    let exec = ["exec", "-it", "host", "sh", "-c", script];
    for words in [&run(script)[..], &exec[..]] {
        for client in BOTH {
            let mut seat = site.seat(client, words);
            seat.wait_for("as here");
            tcsetwinsize(&seat.slave, size(40, 100)).expect("a size");
            // It has no terminal that would tell it by itself.
            kill(seat.child.id(), "WINCH");
            seat.type_in("\n");
            seat.wait_for("as there");
            assert_eq!(seat.leave().1, Some(4), "{client:?} {words:?}");
        }
    }
}

#[test]
fn detaching() {
    let Some(site) = Site::start() else { return };
    site.running("host", "sleep 600", &json!({}));
    let running = |name: &str| site.daemon.inspect(name)["State"]["Running"] == json!(true);
    // The script of each waits for a line, so that what is typed and no key to detach shows.
    let script = "echo ready; read x; echo \"<$x>\"; sleep 600";
    for client in BOTH {
        let words = ["run", "-it", "--name", "left", "--network", "none", IMAGE, "sh", "-c", script];
        let mut seat = site.seat(client, &words);
        seat.wait_for("ready");
        // A key that begins it, and something else: both are typed.
        seat.type_in("\x10x\n");
        seat.wait_for(">\r\n");
        seat.type_in("\x10\x11");
        let (shown, code) = seat.leave();
        assert_eq!(
            (code, shown.contains("\x10x>"), running("left")),
            (Some(0), true, true),
            "{client:?} {shown:?}"
        );
        let mut seat = site.seat(client, &["attach", "--detach-keys", "ctrl-x,x", "left"]);
        // Nothing is shown by a process that sleeps, so what is typed is waited for.
        seat.type_in("hello");
        seat.wait_for("hello");
        seat.type_in("\x10\x11\x18x");
        let (shown, code) = seat.leave();
        assert!(
            code == Some(1) && shown.ends_with("read escape sequence\r\n") && running("left"),
            "{client:?} {shown:?}"
        );
        site.daemon.remove("left");
    }
    let words = ["exec", "-it", "host", "sh", "-c", "echo ready; sleep 600"];
    let (shown, code) = site.typed(&words, &[("ready", "\x10\x11")]);
    assert!(code == Some(1) && shown.ends_with("read escape sequence\r\n"), "{shown:?}");
    let words = ["exec", "--detach-keys", "a,b,c", "-it", "host", "sh", "-c", "echo ready; sleep 600"];
    let (shown, code) = site.typed(&words, &[("ready", "abc")]);
    assert!(code == Some(1) && shown.ends_with("read escape sequence\r\n"), "{shown:?}");
    assert!(running("host"));
}

/// Whatever ends us, the terminal is given back as it was.
#[test]
fn ends_on_a_terminal() {
    let Some(site) = Site::start() else { return };
    let id = site.running("host", "sleep 600", &json!({}));
    for (signal, code) in [("TERM", 143), ("INT", 130), ("HUP", 129), ("QUIT", 131)] {
        let seat = site.seat(Client::Hijack, &["exec", "-it", "host", "sh", "-c", "echo ready; sleep 600"]);
        seat.wait_for("ready");
        kill(seat.child.id(), signal);
        assert_eq!(seat.leave().1, Some(code), "{signal}");
    }
    // The container is killed while somebody sits in it.
    let seat = site.seat(Client::Hijack, &["exec", "-it", "host", "sh", "-c", "echo ready; sleep 600"]);
    seat.wait_for("ready");
    let _ = site.daemon.succeed("POST", &format!("/containers/{id}/kill"), &json!(null));
    let (_, code) = seat.leave();
    assert_eq!(code, Some(137));
}
