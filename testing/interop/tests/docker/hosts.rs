//! Behaviour 24 and where a daemon can be: TCP, TLS with certificates of both sides, `ssh`; and nowhere.

use std::fs;
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use hijack_docker::{AttachOptions, Docker, DockerBuilder, Error};
use hijack_interop::dockerd::Dockerd;
use hijack_interop::peer::{find, missing};
use hijack_interop::process::Folder;
use tokio::io::{AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, UnixStream};

use crate::site::{Said, Site, code, rest, run_with, script};

fn docker(host: &str) -> Docker {
    Docker::builder().host(host.parse().expect("a host")).build()
}

/// `cat`, with half-close and exit code.
async fn cat(site: &Site) {
    let (id, mut streams, wait) = site.started(&script("cat; echo late; exit 3").with_stdin()).await;
    streams.stdin.write_all(b"hello\n").await.expect("written");
    streams.stdin.close().await.expect("our end");
    assert_eq!(rest(streams).await, Said::new("hello\nlate\n", ""));
    assert_eq!(code(wait).await, 3);
    site.remove(&id).await;
}

/// After how many seconds of silence the kernel probes a connection; none without probes.
async fn probed_after(docker: &Docker) -> Option<u64> {
    let connection = docker.connect().await.expect("connected");
    let tcp = connection.io().tcp().expect("TCP, perhaps inside TLS");
    let probes = rustix::net::sockopt::socket_keepalive(tcp).expect("a socket");
    probes.then(|| rustix::net::sockopt::tcp_keepidle(tcp).expect("a socket").as_secs())
}

/// TLS with certificates of both sides, by the variables that Docker reads: close_notify is a half-close, output comes
/// behind it, and silent connections are probed.
#[test]
fn tls() {
    let Some((daemon, port, folder)) = Dockerd::start_with_tls() else { return };
    run_with(daemon, async |site| {
        let var = |certificates: &Path, name: &str| match name {
            "DOCKER_HOST" => Some(format!("tcp://127.0.0.1:{port}")),
            "DOCKER_TLS_VERIFY" => Some("1".to_owned()),
            "DOCKER_CERT_PATH" => Some(certificates.to_str().expect("text").to_owned()),
            _ => None,
        };
        let built = |certificates: &Path| {
            DockerBuilder::from_vars(|name| var(certificates, name)).map(DockerBuilder::build)
        };
        let docker = built(&folder).expect("certificates");
        cat(&site.by(docker.clone())).await;
        assert_eq!(probed_after(&docker).await, Some(30));

        // An authority that does not know the server; no certificate to show; no TLS at all.
        let stranger = Folder::new("strangers").expect("a folder is made");
        fs::copy(folder.join("other-ca.pem"), stranger.path().join("ca.pem")).expect("copied");
        let error = built(stranger.path()).expect("certificates").ping().await.expect_err("unknown");
        assert!(matches!(error, Error::Tls { .. }), "{error:?}");
        fs::copy(folder.join("ca.pem"), stranger.path().join("ca.pem")).expect("copied");
        let error = built(stranger.path()).expect("certificates").ping().await.expect_err("unknown");
        assert!(matches!(error, Error::Tls { .. } | Error::Connection { .. }), "{error:?}");
        let error = docker_at(port).ping().await.expect_err("no TLS");
        assert!(error.to_string().contains("HTTPS server"), "{error}");
    });
}

fn docker_at(port: u16) -> Docker {
    docker(&format!("tcp://127.0.0.1:{port}"))
}

/// TCP without TLS, and nobody there.
pub(crate) async fn tcp(site: Site) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    let socket = site.socket();
    let relay = tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let mut far = UnixStream::connect(&socket).await.expect("the daemon listens");
            tokio::spawn(async move { copy_bidirectional(&mut near, &mut far).await });
        }
    });
    let docker = docker_at(port);
    cat(&site.by(docker.clone())).await;
    assert_eq!(probed_after(&docker).await, Some(30));
    relay.abort();
    let _ = relay.await;
    let docker = docker_at(port);
    let error = docker.attach("x", &AttachOptions::default()).await.expect_err("nobody listens");
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    let expected = format!(
        "Cannot connect to the Docker daemon at tcp://127.0.0.1:{port}. Is the docker daemon running?"
    );
    assert_eq!(error.to_string(), expected);
}

/// No socket, and one that nobody serves any more.
#[tokio::test]
async fn nobody_is_there() {
    let folder = Folder::new("nobody").expect("a folder is made");
    let path = folder.path().join("docker.sock");
    let host = format!("unix://{}", path.display());
    let expected = format!("Cannot connect to the Docker daemon at {host}. Is the docker daemon running?");
    for _ in 0..2 {
        let error = docker(&host).version().await.expect_err("nobody is there");
        assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
        assert_eq!(error.to_string(), expected);
        drop(std::os::unix::net::UnixListener::bind(&path));
    }
}

/// A user who may not use the daemon's socket. Root may use any, so that this test is run once more, by nobody.
#[test]
fn permission_denied() {
    const NOBODY: u32 = 65_534;
    if let Some(host) = std::env::var_os("HIJACK_DENIED_HOST") {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
        let host = host.to_str().expect("text").to_owned();
        let error = runtime.block_on(docker(&host).ping()).expect_err("nobody may");
        assert!(matches!(error, Error::Denied { .. }), "{error:?}");
        println!("{error}");
        return;
    }
    if !rustix::process::geteuid().is_root() {
        missing("a user who may not", "only root can become somebody else");
        return;
    }
    let folder = Folder::new("denied").expect("a folder is made");
    let path = folder.path().join("docker.sock");
    let listener = std::os::unix::net::UnixListener::bind(&path).expect("a free path");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("our own");
    let program = folder.path().join("test");
    // Where the test was built nobody may be allowed to go.
    fs::copy(std::env::current_exe().expect("a program"), &program).expect("copied");
    let host = format!("unix://{}", path.display());
    let mut again = Command::new(&program);
    again.args(["--exact", "hosts::permission_denied", "--nocapture"]).current_dir("/");
    let ran = again.env("HIJACK_DENIED_HOST", &host).uid(NOBODY).gid(NOBODY).output().expect("it runs");
    let said = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}");
    let expected = format!("permission denied while trying to connect to the docker API at {host}");
    assert!(said.contains(&expected), "{said}");
    drop(listener);
}

/// Docker's own command at the other end of `ssh`, whose place a script takes. Each direction ends by itself there too.
pub(crate) async fn ssh(site: Site) {
    let Some(program) = find("HIJACK_DOCKER", "docker") else { return };
    let folder = Folder::new("ssh").expect("a folder is made");
    let script_of = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("our own");
        path
    };
    let host = || "ssh://me@example.test:2222".parse().expect("a host");
    let dial = format!(
        "[ \"$*\" = '-o ConnectTimeout=30 -T -l me -p 2222 -- example.test docker system dial-stdio' ] || exit 9\n\
         DOCKER_CONFIG={} exec {} --host unix://{} system dial-stdio",
        folder.path().display(),
        program.display(),
        site.socket().display()
    );
    let docker = Docker::builder().host(host()).ssh_program(script_of("ssh", &dial)).build();
    cat(&site.by(docker)).await;

    let refusal =
        script_of("refused", "echo 'me@example.test: Permission denied (publickey).' >&2; exit 255");
    let docker = Docker::builder().host(host()).ssh_program(refusal).build();
    let error = docker.ping().await.expect_err("refused");
    assert!(matches!(error, Error::Ssh { .. }), "{error:?}");
    assert!(error.to_string().contains("Permission denied (publickey)"), "{error}");
    let docker = Docker::builder().host(host()).ssh_program(folder.path().join("none")).build();
    let error = docker.ping().await.expect_err("no such command");
    assert!(error.to_string().contains("cannot be started"), "{error}");
}

/// A daemon that goes away in the middle ends streams and waits with an error, or an end, and hangs nobody.
pub(crate) async fn a_daemon_that_goes_away(site: Site) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    let socket = site.socket();
    let (gone, _) = tokio::sync::broadcast::channel::<()>(1);
    let relay = tokio::spawn({
        let gone = gone.clone();
        async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let mut far = UnixStream::connect(&socket).await.expect("the daemon listens");
                let mut gone = gone.subscribe();
                tokio::spawn(async move {
                    tokio::select! {
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                        _ = gone.recv() => {
                            let near = near.into_std().expect("a socket");
                            let _ = near.shutdown(Shutdown::Both);
                        }
                    }
                });
            }
        }
    });
    let (_, streams, wait) = site.by(docker_at(port)).started(&script("sleep 60")).await;
    gone.send(()).expect("there are connections");
    let said = rest(streams).await;
    assert_eq!(said, Said::new("", ""));
    let error = crate::site::soon("an error", wait.exit()).await.expect_err("nobody says how it ended");
    assert!(matches!(error, Error::Connection { .. }), "{error:?}");
    relay.abort();
}
