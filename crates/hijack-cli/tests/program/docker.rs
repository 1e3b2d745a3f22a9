//! `hijack docker` against a daemon by hand: what it asks in which order, what it says, and what it ends with. The real
//! daemon, and Docker's own client beside ours, are in `testing/interop`.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use crate::daemon::{Asked, Daemon, Reply, done, frame, json, run_at, upgraded};
use crate::support::{fails, hijack};

/// A daemon whose one container says what `streams` tell, and ends with `code`.
fn with_container(streams: impl Fn() -> Reply + Send + Sync + 'static, code: i64) -> Daemon {
    Daemon::serve(move |asked| reply(asked, &streams, code))
}

fn reply(asked: &Asked, streams: &dyn Fn() -> Reply, code: i64) -> Reply {
    let path = asked.what.split('?').next().unwrap_or_default();
    match path {
        "POST /containers/create" => json("201 Created", r#"{"Id":"c1","Warnings":["mind the gap"]}"#),
        "POST /containers/c1/attach" | "POST /exec/e1/start" => streams(),
        "POST /containers/c1/wait" => json("200 OK", &format!(r#"{{"StatusCode":{code}}}"#)),
        "POST /containers/c1/start" => done(),
        "POST /containers/c1/exec" => json("201 Created", r#"{"Id":"e1"}"#),
        "GET /exec/e1/json" => json("200 OK", &format!(r#"{{"Running":false,"ExitCode":{code}}}"#)),
        "GET /containers/c1/json" => json(
            "200 OK",
            r#"{"Id":"c1","State":{"Running":true,"Status":"running"},"Config":{"Tty":false,"OpenStdin":true}}"#,
        ),
        _ => json("404 Not Found", r#"{"message":"No such container: nobody"}"#),
    }
}

fn frames() -> Reply {
    Reply::Last([upgraded(true), frame(1, "out\n"), frame(2, "err\n")].concat())
}

/// Sends back what comes, in frames, and ends when the client's direction has.
fn echo() -> Reply {
    Reply::Takeover(Box::new(|mut writer, mut reader| {
        writer.write_all(&upgraded(true)).expect("sent");
        let mut bytes = [0; 5000];
        while let Ok(len @ 1..) = reader.read(&mut bytes) {
            writer.write_all(&frame(1, str::from_utf8(&bytes[..len]).expect("ASCII"))).expect("sent");
        }
        writer.write_all(&frame(1, "the end\n")).expect("sent");
    }))
}

/// Attached and waited for before it is started.
#[test]
fn run_asks_in_the_order_that_loses_nothing() {
    let daemon = with_container(frames, 7);
    let flags = [
        "run", "--rm", "--name", "n", "-e", "A=b", "-l", "x=y", "-p", "80", "image", "cmd", "--rm", "-H", "x",
    ];
    let (code, out, err) = daemon.run(&flags, b"");
    assert_eq!((code, out.as_str(), err.as_str()), (Some(7), "out\n", "WARNING: mind the gap\nerr\n"));
    assert_eq!(
        daemon.asked(),
        [
            "POST /containers/create?name=n",
            "POST /containers/c1/attach?stream=1&stdout=1&stderr=1&detachKeys=ctrl-p%2Cctrl-q",
            "POST /containers/c1/wait?condition=removed",
            "POST /containers/c1/start",
        ]
    );
    let body: serde_json::Value =
        serde_json::from_str(&daemon.request("POST /containers/create").body).expect("JSON");
    assert_eq!(body["Cmd"], serde_json::json!(["cmd", "--rm", "-H", "x"]));
    assert_eq!(
        (&body["Env"], &body["Labels"]),
        (&serde_json::json!(["A=b"]), &serde_json::json!({ "x": "y" }))
    );
    assert_eq!(body["HostConfig"]["AutoRemove"], true);
    assert_eq!(body["HostConfig"]["PortBindings"]["80/tcp"][0]["HostPort"], "");
    assert_eq!(body["ExposedPorts"], serde_json::json!({ "80/tcp": {} }));
    let attach = daemon.request("POST /containers/c1/attach").head;
    assert!(attach.contains("Connection: Upgrade\r\nUpgrade: tcp\r\n"), "{attach}");
}

#[test]
fn input_goes_there_and_ends_there() {
    let daemon = with_container(echo, 0);
    let input = "0123456789abcdef".repeat(20_000);
    let (code, out, _) = daemon.run(&["run", "-i", "image"], input.as_bytes());
    assert_eq!((code, out.len()), (Some(0), input.len() + 8));
    assert!(out.starts_with(&input) && out.ends_with("the end\n"));
    let (code, out, err) = daemon.run(&["exec", "-i", "c1", "cat"], b"short");
    assert_eq!((code, out.as_str(), err.as_str()), (Some(0), "shortthe end\n", ""));
    let (code, out, _) = daemon.run(&["attach", "c1"], b"shorter");
    assert_eq!((code, out.as_str()), (Some(0), "shorterthe end\n"));
    // Whoever has no -i ends his direction at once.
    let (code, out, _) = daemon.run(&["run", "image"], b"unread");
    assert_eq!((code, out.as_str()), (Some(0), "the end\n"));
    assert!(daemon.request("POST /containers/c1/attach").what.contains("stdin=1"));
}

#[test]
fn exit_codes_are_the_processes() {
    for code in [0, 1, 7, 125, 255] {
        let daemon = with_container(frames, code);
        let expected = i32::try_from(code).ok();
        for words in [&["run", "image"][..], &["exec", "c1", "ls"], &["attach", "c1"]] {
            let (code, out, _) = daemon.run(words, b"");
            assert_eq!((code, out.as_str()), (expected, "out\n"), "{words:?}");
        }
    }
}

#[test]
fn in_the_background_an_id_is_all() {
    let daemon = with_container(frames, 7);
    let (code, out, _) = daemon.run(&["run", "-d", "image"], b"");
    assert_eq!((code, out.as_str()), (Some(0), "c1\n"));
    assert_eq!(daemon.asked(), ["POST /containers/create", "POST /containers/c1/start"]);
    let daemon = Daemon::serve(|asked| match asked.what.as_str() {
        "POST /exec/e1/start" => json("200 OK", ""),
        _ => reply(asked, &frames, 0),
    });
    let (code, out, err) = daemon.run(&["exec", "-d", "c1", "ls"], b"");
    assert_eq!((code, out.as_str(), err.as_str()), (Some(0), "", ""));
    assert_eq!(daemon.request("POST /exec/e1/start").body, r#"{"Detach":true,"Tty":false}"#);
}

/// A daemon that is slow to start a container does not hold us: a signal ends us, also where nothing is attached, and also
/// where signals are not passed on.
#[test]
fn a_signal_ends_a_start() {
    for flag in ["-d", "--sig-proxy=false"] {
        let (starting, started) = channel();
        let daemon = Daemon::serve(move |asked| match asked.what.as_str() {
            "POST /containers/c1/start" => {
                let starting = starting.clone();
                Reply::Takeover(Box::new(move |_writer, mut reader| {
                    starting.send(()).expect("awaited");
                    let _ = reader.read(&mut [0]);
                }))
            }
            "POST /containers/c1/attach?stream=1&stdout=1&stderr=1&detachKeys=ctrl-p%2Cctrl-q" => {
                Reply::Takeover(Box::new(|mut writer, mut reader| {
                    writer.write_all(&upgraded(true)).expect("sent");
                    let _ = reader.read_to_end(&mut Vec::new());
                }))
            }
            _ => reply(asked, &frames, 0),
        });
        let mut command = hijack(&["docker", "-H", &daemon.host, "run", flag, "image"]);
        command
            .env("DOCKER_CONFIG", "/nowhere")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = command.spawn().expect("the program");
        started.recv_timeout(Duration::from_secs(20)).expect("a start");
        let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
        assert!(sent.expect("kill").success());
        assert_eq!(child.wait().expect("an end").code(), Some(130), "{flag}");
    }
}

#[test]
fn logs_are_read_as_they_come() {
    let daemon = Daemon::serve(|asked| {
        if !asked.what.contains("/logs?") {
            return reply(asked, &frames, 0);
        }
        let body = [frame(1, "out\n"), frame(2, "err\n")].concat();
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        // In two chunks, cut within a header.
        let (one, other) = body.split_at(3);
        let chunk = |bytes: &[u8]| [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
        Reply::Bytes([head.as_bytes(), &chunk(one), &chunk(other), b"0\r\n\r\n"].concat())
    });
    let (code, out, err) = daemon.run(&["logs", "-ft", "-n", "5", "--since", "7", "c1"], b"");
    assert_eq!((code, out.as_str(), err.as_str()), (Some(0), "out\n", "err\n"));
    let asked = daemon.request("GET /containers/c1/logs").what;
    assert!(asked.ends_with("?stdout=1&stderr=1&follow=1&timestamps=1&since=7&tail=5"), "{asked}");
    let (code, _, err) = daemon.run(&["logs", "--since", "soon", "c1"], b"");
    assert_eq!(code, Some(1));
    assert_eq!(err, "invalid value for \"since\": failed to parse value as time or duration: \"soon\"\n");
}

#[test]
fn lists_and_versions() {
    let daemon = Daemon::serve(|asked| match asked.what.split('?').next() {
        Some("GET /version") => {
            json("200 OK", r#"{"Version":"1.2","ApiVersion":"1.44","Os":"linux","Arch":"amd64"}"#)
        }
        _ => json(
            "200 OK",
            r#"[{"Id":"0123456789abcdef","Names":["/web"],"Image":"nginx","Command":"run","Created":0,"Status":"Up","Labels":null}]"#,
        ),
    });
    let (code, out, _) = daemon.run(&["ps", "-a", "-f", "name=web"], b"");
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(code, Some(0));
    assert_eq!(lines[0], "CONTAINER ID   IMAGE     COMMAND   CREATED        STATUS    PORTS     NAMES");
    assert!(
        lines[1].starts_with("0123456789ab   nginx     \"run\"     ") && lines[1].ends_with("  web"),
        "{out}"
    );
    let asked = daemon.request("GET /containers/json").what;
    assert_eq!(asked, "GET /containers/json?all=1&filters=%7B%22name%22%3A%5B%22web%22%5D%7D");
    let (_, out, _) = daemon.run(&["ps", "-q"], b"");
    assert_eq!(out, "0123456789ab\n");
    let (_, out, _) = daemon.run(&["version"], b"");
    assert!(
        out.starts_with("Client: hijack\n") && out.contains("\nServer:\n Engine:\n  Version:          1.2\n"),
        "{out}"
    );
    let (code, out, _) = daemon.run(&["version", "--format", "json"], b"");
    let both: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((code, &both["Server"]["Version"]), (Some(0), &serde_json::json!("1.2")));
}

/// Not a byte of what may be secret; heads, frames, ends and times.
#[test]
fn trace_shows_the_wire() {
    let daemon = with_container(frames, 0);
    let (code, out, err) = daemon.run(&["run", "--trace", "-e", "PASSWORD=geheim", "image"], b"");
    assert_eq!((code, out.as_str()), (Some(0), "out\n"));
    for words in [
        "#1 > HEAD /_ping HTTP/1.1\n",
        "#1 > POST /v1.44/containers/create HTTP/1.1\n",
        "#2 > Upgrade: tcp\n",
        "#2 < HTTP/1.1 101 UPGRADED\n",
        "#2 < frame stdout, 4 bytes\n",
        "#2 < frame stderr, 4 bytes\n",
        "#2 > (end)\n",
        "#2 < (end)\n",
        "#2 * closed\n",
    ] {
        assert!(err.contains(words), "{words:?} is not in:\n{err}");
    }
    assert!(!err.contains("geheim"), "{err}");
}

/// What is wrong with a daemon is said, and nothing hangs.
#[test]
fn daemons_that_are_none() {
    // Longer than what is moved to a pipe without being looked at, and than what is kept of it.
    let long = [&b"\x03\0\0\0\0\x01\x86\xa0"[..], &b"sorry ".repeat(100_000)[..100_000]].concat();
    let behind_output = [frame(1, &"x".repeat(100_000)), long.clone()].concat();
    let streams: [(&[u8], &str); 9] = [
        (&long, "error from daemon in stream: sorry sorry "),
        (&behind_output, "error from daemon in stream: sorry sorry "),
        (b"\x09\0\0\0\0\0\0\x01x", "frame of stream 9"),
        (b"\x03\0\0\0\0\0\0\x04gone", "error from daemon in stream: gone"),
        (b"\x01\0\0\0\0\0\0\x09cut", "within a frame, 6 bytes short"),
        (b"\x01\0\0", "within a frame, 5 bytes short"),
        (b"\x01\0\0\0\xff\xff\xff\xff", "exceeds limit"),
        (b"\x03\0\0\0\0\0\0\x05\x1b[31m", "error from daemon in stream: "),
        (b"\x01\0\0\0\0\0\0\x00\x09\0\0\0\0\0\0\0", "frame of stream 9"),
    ];
    for (bytes, words) in streams {
        let said = [&upgraded(true)[..], bytes].concat();
        let daemon = with_container(move || Reply::Last(said.clone()), 0);
        for verb in [&["run", "image"][..], &["exec", "c1", "ls"], &["attach", "c1"]] {
            let (code, out, err) = daemon.run(verb, b"");
            let shown = bytes[..bytes.len().min(16)].escape_ascii();
            assert!(
                code == Some(1) && err.contains(words) && !err.contains('\x1b'),
                "{verb:?} {shown}: {code:?} {err:?}"
            );
            assert!(!out.contains("sorry"), "{verb:?} {shown}: the daemon's error is no output");
        }
    }
    let answers: [(&[u8], &str); 6] = [
        (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\nhome",
            "is there a Docker daemon at tcp://",
        ),
        (
            b"HTTP/1.1 409 Conflict\r\n\r\ncontainer is \x1b[2Jpaused",
            "Error response from daemon: container is  [2Jpaused",
        ),
        (
            b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 17\r\n\r\n{\"message\":\"bad\"}",
            "Error response from daemon: bad",
        ),
        (b"HTTP/1.1 101 UPG", "the connection to the Docker daemon at tcp://"),
        (b"", "the connection to the Docker daemon at tcp://"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "the connection to the Docker daemon at tcp://"),
    ];
    for (bytes, words) in answers {
        let daemon = with_container(move || Reply::Last(bytes.to_vec()), 0);
        for verb in [&["run", "image"][..], &["exec", "c1", "ls"], &["attach", "c1"]] {
            let (code, out, err) = daemon.run(verb, b"");
            assert!(
                code == Some(1) && out.is_empty() && err.contains(words),
                "{verb:?} {bytes:?}: {code:?} {err:?}"
            );
        }
    }
}

/// A daemon that goes while its container runs.
#[test]
fn ends_of_waiting() {
    for (bytes, words) in [
        (&b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"[..], "error waiting for container: "),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nnothing", "error waiting for container: "),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 45\r\n\r\n{\"StatusCode\":0,\"Error\":{\"Message\":\"broken\"}}", "Error waiting for container: broken"),
    ] {
        let daemon = Daemon::serve(move |asked| {
            if asked.what.contains("/wait") { Reply::Last(bytes.to_vec()) } else { reply(asked, &frames, 0) }
        });
        let (code, out, err) = daemon.run(&["run", "image"], b"");
        assert!(code == Some(125) && out == "out\n" && err.contains(words), "{bytes:?}: {code:?} {err:?}");
    }
}

#[test]
fn refusals_have_dockers_codes() {
    let table = [
        ("400 Bad Request", "exec: \\\"x\\\": executable file not found in $PATH", 127),
        ("400 Bad Request", "exec: \\\"/etc\\\": permission denied", 126),
        ("500 Internal Server Error", "something else", 125),
    ];
    for (status, message, expected) in table {
        let body = format!(r#"{{"message":"{message}"}}"#);
        let daemon = Daemon::serve(move |asked| {
            if asked.what.ends_with("/start") { json(status, &body) } else { reply(asked, &echo, 0) }
        });
        let (code, _, err) = daemon.run(&["run", "--rm", "image", "x"], b"");
        assert_eq!(code, Some(expected), "{err}");
        assert!(
            err.contains("docker: Error response from daemon: ")
                && err.ends_with("\n\nRun 'hijack docker run --help' for more information\n"),
            "{err}"
        );
    }
    let daemon = with_container(frames, 0);
    for words in [&["exec", "nobody", "ls"][..], &["attach", "nobody"], &["logs", "nobody"]] {
        let (code, _, err) = daemon.run(words, b"");
        assert_eq!(
            (code, err.as_str()),
            (Some(1), "Error response from daemon: No such container: nobody\n"),
            "{words:?}"
        );
    }
}

#[test]
fn daemons_that_are_not_there() {
    let gone = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("bound");
    for host in [format!("tcp://{gone}"), "unix:///nowhere/docker.sock".to_owned()] {
        let words = format!("Cannot connect to the Docker daemon at {host}. Is the docker daemon running?");
        for (verb, expected) in [
            (&["ps"][..], 1),
            (&["exec", "a", "b"], 1),
            (&["attach", "a"], 1),
            (&["logs", "a"], 1),
            (&["run", "a"], 125),
            (&["run", "-d", "a"], 125),
        ] {
            let (code, out, err) = run_at(&host, verb, b"");
            assert!(
                code == Some(expected) && out.is_empty() && err.contains(&words),
                "{verb:?}: {code:?} {err}"
            );
        }
        let (code, out, err) = run_at(&host, &["version"], b"");
        assert!(code == Some(1) && out.starts_with("Client: hijack\n") && err.contains(&words), "{err}");
    }
    // Somebody who hangs up is asked once.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let host = format!("tcp://{}", listener.local_addr().expect("bound"));
    let (hung_up, times) = channel();
    std::thread::spawn(move || listener.incoming().try_for_each(|_| hung_up.send(())));
    let (code, out, _) = run_at(&host, &["version"], b"");
    assert!(code == Some(1) && out.starts_with("Client: hijack\n"), "{code:?} {out}");
    assert_eq!(times.try_iter().count(), 1);
    let (code, _, err) = run_at("ftp://a", &["ps"], b"");
    assert!(code == Some(1) && err.contains("unix:///path"), "{err}");
}

/// `-H` stands before the verb or behind it, and the last one counts; in front of it there is `DOCKER_HOST`.
#[test]
fn the_host_may_be_said_anywhere() {
    let daemon = Daemon::serve(|_| json("200 OK", "[]"));
    let ps = |words: &[&str], variable: &str| {
        let mut command = hijack(&[&["docker"], words].concat());
        command.env("DOCKER_CONFIG", "/nowhere").env("DOCKER_HOST", variable).output().expect("the program")
    };
    let here = daemon.host.as_str();
    for (words, variable) in [
        (&["-H", here, "ps"][..], "tcp://127.0.0.1:1"),
        (&["ps", "-H", here], "tcp://127.0.0.1:1"),
        (&["ps", &format!("--host={here}")], ""),
        (&["ps"], here),
    ] {
        let ran = ps(words, variable);
        assert!(ran.status.success(), "{words:?}: {}", String::from_utf8_lossy(&ran.stderr));
    }
}

#[test]
fn mistakes_on_the_command_line() {
    let table: [(&[&str], i32, &str); 12] = [
        (
            &["run"],
            1,
            "docker: 'hijack docker run' requires at least 1 argument\n\nUsage:  hijack docker run [OPTIONS] IMAGE [COMMAND] [ARG...]\n\nSee 'hijack docker run --help' for more information\n",
        ),
        (&["exec", "a"], 1, "'hijack docker exec' requires at least 2 arguments"),
        (&["attach"], 1, "'hijack docker attach' requires 1 argument"),
        (&["logs", "a", "b"], 1, "'hijack docker logs' requires 1 argument"),
        (&["ps", "a"], 1, "'hijack docker ps' accepts no arguments"),
        (&["run", "--nope", "a"], 125, "unknown flag: --nope\n\nUsage:  hijack docker run"),
        (&["-H", "x", "exec", "-iz", "a"], 125, "unknown shorthand flag: 'z' in -z\n"),
        (&["run", "--name"], 125, "flag needs an argument: --name\n"),
        (
            &["run", "--rm=maybe", "a"],
            125,
            "invalid argument \"maybe\" for \"--rm\" flag: strconv.ParseBool: parsing \"maybe\": invalid syntax\n",
        ),
        (&["run", "--detach-keys", "ctrl-Q", "a"], 1, "invalid detach keys (ctrl-Q): "),
        (&["run", "-e", "=x", "a"], 125, "invalid environment variable: =x"),
        (&["run", "--rm", "--restart", "always", "a"], 125, "cannot specify both --restart and --rm"),
    ];
    let daemon = Daemon::serve(|_| json("500 Internal Server Error", "{}"));
    for (words, expected, text) in table {
        let (code, out, err) = daemon.run(words, b"");
        assert!(code == Some(expected) && out.is_empty() && err.contains(text), "{words:?}: {code:?} {err}");
    }
    assert_eq!(daemon.asked(), [""; 0]);
    let (code, err) = fails(&["docker", "build", "."]);
    assert!(code == Some(125) && err.contains("build"), "{code:?} {err}");
}

#[test]
fn help_has_examples() {
    for verb in ["", "run", "exec", "attach", "logs", "ps", "version"] {
        let words: Vec<&str> =
            ["docker", verb, "--help"].into_iter().filter(|word| !word.is_empty()).collect();
        let ran = hijack(&words).output().expect("the program");
        let text = String::from_utf8_lossy(&ran.stdout);
        assert!(ran.status.success() && text.contains("Examples:\n  hijack docker "), "{verb}: {text}");
    }
}
