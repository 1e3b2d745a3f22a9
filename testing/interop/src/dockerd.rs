//! Docker's daemon: one of our own, on a Unix socket in a folder of its own, with one image that holds nothing but
//! busybox. It needs no network, no registry and no service of the system, but root.
//!
//! What a test asks it for besides the code under test goes through [`Dockerd::call`], which is plain sockets and
//! the reader of [`transcript`](crate::transcript).

use std::ffi::OsString;
use std::io;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{fs, str};

use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};

use crate::peer::{find, missing};
use crate::process::{Folder, Running};
use crate::transcript::{Answer, ask, split};

/// The image that is always there: busybox's applets in `/bin`, and no default command.
pub const IMAGE: &str = "hijack/busybox:test";

/// A running daemon, until it is dropped; its containers end with it.
#[derive(Debug)]
pub struct Dockerd {
    // In the order in which they must go.
    running: Running,
    socket: PathBuf,
    _folder: Folder,
}

impl Dockerd {
    /// Starts it and loads [`IMAGE`]; `None` if dockerd or busybox is missing here, or we are not root.
    ///
    /// # Panics
    /// If it does not start (with what it said), or if something is missing and `CI=true`.
    #[must_use]
    pub fn start() -> Option<Self> {
        Self::start_with(|_| Vec::new())
    }

    /// As [`start`](Self::start), and lets it listen on `127.0.0.1` too, with TLS and for clients that show a certificate.
    /// Tells the port and the folder with `ca.pem`, `cert.pem` and `key.pem` of such a client.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    #[must_use]
    pub fn start_with_tls() -> Option<(Self, u16, PathBuf)> {
        // Free now; whoever takes it meanwhile shows as a daemon that does not start.
        let free =
            TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
        let daemon = Self::start_with(|folder| {
            certificates(folder).expect("certificates are made");
            let at = |name: &str| folder.join("tls").join(name).into_os_string();
            let mut options =
                ["--host", &format!("tcp://{free}"), "--tlsverify"].map(OsString::from).to_vec();
            for (option, name) in
                [("--tlscacert", "ca.pem"), ("--tlscert", "server.pem"), ("--tlskey", "server-key.pem")]
            {
                options.extend([option.into(), at(name)]);
            }
            options
        })?;
        let folder = daemon._folder.path().join("tls");
        Some((daemon, free.port(), folder))
    }

    /// `prepare` puts into the daemon's folder what its further options need.
    fn start_with(prepare: impl FnOnce(&Path) -> Vec<OsString>) -> Option<Self> {
        let dockerd = find("HIJACK_DOCKERD", "dockerd")?;
        let busybox = find("HIJACK_BUSYBOX", "busybox")?;
        if !rustix::process::geteuid().is_root() {
            missing("dockerd", "only root can start it");
            return None;
        }
        let folder = Folder::new("dockerd").expect("a folder is made");
        let image = image(&busybox, folder.path()).expect("busybox packs itself");
        let options = prepare(folder.path());
        let daemon = Self::launch(&dockerd, folder, &options).expect("dockerd is started");
        daemon.load(&image);
        Some(daemon)
    }

    /// The path of its socket.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Its socket as `unix:PATH`.
    #[must_use]
    pub fn base(&self) -> String {
        format!("unix:{}", self.socket.display())
    }

    /// One request with a JSON body (`Value::Null` is none) on a connection of its own, and its answer.
    ///
    /// # Panics
    /// If there is no answer, or the daemon is silent for ten seconds.
    #[must_use]
    pub fn call(&self, method: &str, path: &str, body: &Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send(method, path, "application/json", body.as_bytes())
            .unwrap_or_else(|failure| panic!("{method} {path}: {failure}\n{}", self.log()))
    }

    /// As [`call`](Self::call), for what must succeed: the answer's JSON, `Null` if it has no body.
    ///
    /// # Panics
    /// If there is no answer, its status is none of 2xx, or its body is no JSON.
    #[must_use]
    pub fn succeed(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer = self.call(method, path, body);
        assert!((200..300).contains(&answer.status), "{method} {path}: {answer:?}\n{}", self.log());
        if answer.body.is_empty() {
            return Value::Null;
        }
        serde_json::from_slice(&answer.body).expect("dockerd answers with JSON")
    }

    /// Creates a container of [`IMAGE`] that runs `command`, and tells its id. `options` are keys of the API's
    /// container configuration, such as `{"OpenStdin": true, "StdinOnce": true}`.
    ///
    /// # Panics
    /// If the daemon refuses.
    #[must_use]
    pub fn create(&self, command: &[&str], options: &Value) -> String {
        // One that is deaf to TERM, as every first process without a handler is, is not waited for.
        let mut config = json!({
            "Image": IMAGE, "Cmd": command, "StopTimeout": 1, "HostConfig": { "NetworkMode": "none" }
        });
        for (key, value) in options.as_object().into_iter().flatten() {
            config[key] = value.clone();
        }
        let created = self.succeed("POST", "/containers/create", &config);
        created["Id"].as_str().expect("a container has an id").to_owned()
    }

    /// Starts a container.
    ///
    /// # Panics
    /// If the daemon refuses.
    pub fn start_container(&self, id: &str) {
        let _ = self.succeed("POST", &format!("/containers/{id}/start"), &Value::Null);
    }

    /// Waits, at most ten seconds, until a container runs no more, and tells its exit code.
    ///
    /// # Panics
    /// If it runs on, or the daemon refuses.
    #[must_use]
    pub fn exit_code(&self, id: &str) -> i64 {
        let waited = self.succeed("POST", &format!("/containers/{id}/wait"), &Value::Null);
        waited["StatusCode"].as_i64().expect("an exit code")
    }

    /// What is known of a container.
    ///
    /// # Panics
    /// If the daemon refuses.
    #[must_use]
    pub fn inspect(&self, id: &str) -> Value {
        self.succeed("GET", &format!("/containers/{id}/json"), &Value::Null)
    }

    /// Ends a container, if it runs, and removes it.
    ///
    /// # Panics
    /// If the daemon refuses.
    pub fn remove(&self, id: &str) {
        let _ = self.succeed("DELETE", &format!("/containers/{id}?force=1"), &Value::Null);
    }

    /// What the daemon said so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.running.log()
    }

    fn launch(dockerd: &Path, folder: Folder, options: &[OsString]) -> io::Result<Self> {
        let at = |name: &str| folder.path().join(name);
        // Ours, so that the one in /etc has no say.
        fs::write(at("daemon.json"), "{}")?;
        let socket = at("docker.sock");
        let ready = Readiness::bind(&at("ready"))?;
        let mut command = Command::new(dockerd);
        command.arg("--host").arg(format!("unix://{}", socket.display())).args(options);
        for (option, name) in [
            ("--config-file", "daemon.json"),
            ("--data-root", "data"),
            ("--exec-root", "exec"),
            ("--pidfile", "pid"),
        ] {
            command.arg(option).arg(at(name));
        }
        // Nothing of the machine is touched: no firewall, no bridge, no file system but copies of folders.
        command.args(["--iptables=false", "--ip6tables=false", "--bridge=none", "--storage-driver=vfs"]);
        command.env("NOTIFY_SOCKET", at("ready"));
        let mut running = Running::start(&command, &folder, None)?;
        ready.wait(&mut running)?;
        Ok(Self { running, socket, _folder: folder })
    }

    fn load(&self, image: &[u8]) {
        let (repository, tag) = IMAGE.split_once(':').expect("a tag");
        let path = format!("/images/create?fromSrc=-&repo={repository}&tag={tag}");
        let loaded = self.send("POST", &path, "application/x-tar", image).expect("dockerd answers");
        let said = String::from_utf8_lossy(&loaded.body);
        assert!(loaded.status == 200 && said.contains("sha256:"), "the image: {said}\n{}", self.log());
    }

    fn send(&self, method: &str, path: &str, media_type: &str, body: &[u8]) -> Result<Answer, String> {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: docker\r\nConnection: close\r\nContent-Type: {media_type}\r\n\
             Content-Length: {}\r\n\r\n",
            body.len()
        );
        let said = ask(&self.base(), &[head.as_bytes(), body].concat(), false)
            .map_err(|failure| failure.to_string())?;
        split(&said, &[method])?.pop().ok_or_else(|| "no answer".to_owned())
    }

    /// Ids of all containers, also of those that ended.
    fn containers(&self) -> Result<Vec<String>, String> {
        let answer = self.send("GET", "/containers/json?all=1", "application/json", b"")?;
        let listed: Value = serde_json::from_slice(&answer.body).map_err(|failure| failure.to_string())?;
        let ids = listed.as_array().into_iter().flatten().filter_map(|container| container["Id"].as_str());
        Ok(ids.map(str::to_owned).collect())
    }
}

impl Drop for Dockerd {
    fn drop(&mut self) {
        // A container whose first process is deaf to TERM would hold the daemon up for ten seconds. No failure
        // counts: the test may be failing already, and the daemon ends anyway.
        for id in self.containers().unwrap_or_default() {
            let _ = self.send("DELETE", &format!("/containers/{id}?force=1"), "application/json", b"");
        }
    }
}

/// The daemon tells that it is ready as it would tell systemd: by a datagram.
struct Readiness(UnixDatagram);

impl Readiness {
    fn bind(path: &Path) -> io::Result<Self> {
        let socket = UnixDatagram::bind(path)?;
        socket.set_read_timeout(Some(Duration::from_millis(100)))?;
        Ok(Self(socket))
    }

    fn wait(self, running: &mut Running) -> io::Result<()> {
        let started = Instant::now();
        let mut message = [0; 1024];
        while started.elapsed() < START_LIMIT {
            match self.0.recv(&mut message) {
                Ok(len) if str::from_utf8(&message[..len]).is_ok_and(|text| text.contains("READY=1")) => {
                    return Ok(());
                }
                Ok(_) => {}
                Err(silent) if silent.kind() == io::ErrorKind::WouldBlock => {}
                Err(failure) => return Err(failure),
            }
            if let Some(status) = running.ended()? {
                return Err(io::Error::other(format!("it ended with {status}:\n{}", running.log())));
            }
        }
        Err(io::Error::other(format!("not ready after {START_LIMIT:?}:\n{}", running.log())))
    }
}

/// In a folder `tls`: an authority, a server at `127.0.0.1` and a client; and what they are not, another authority.
fn certificates(folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let folder = folder.join("tls");
    fs::create_dir(&folder)?;
    let authority = || -> Result<_, rcgen::Error> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?;
        Ok((certificate, Issuer::new(params, key)))
    };
    let (certificate, issuer) = authority()?;
    fs::write(folder.join("ca.pem"), certificate.pem())?;
    fs::write(folder.join("other-ca.pem"), authority()?.0.pem())?;
    for (name, key_name, place, purpose) in [
        ("server.pem", "server-key.pem", "127.0.0.1", ExtendedKeyUsagePurpose::ServerAuth),
        ("cert.pem", "key.pem", "client", ExtendedKeyUsagePurpose::ClientAuth),
    ] {
        let mut params = CertificateParams::new(vec![place.to_owned()])?;
        params.extended_key_usages = vec![purpose];
        let key = KeyPair::generate()?;
        fs::write(folder.join(name), params.signed_by(&key, &issuer)?.pem())?;
        fs::write(folder.join(key_name), key.serialize_pem())?;
    }
    Ok(())
}

/// The image's layer: a tar archive, written by the busybox that is in it.
pub(crate) fn image(busybox: &Path, folder: &Path) -> io::Result<Vec<u8>> {
    let root = folder.join("image");
    let bin = root.join("bin");
    fs::create_dir_all(&bin)?;
    fs::copy(busybox, bin.join("busybox"))?;
    let applets = Command::new(busybox).arg("--list").output()?;
    for applet in String::from_utf8_lossy(&applets.stdout).lines().filter(|name| *name != "busybox") {
        symlink("busybox", bin.join(applet))?;
    }
    let packed = Command::new(busybox).args(["tar", "-c", "-f", "-", "-C"]).arg(&root).arg(".").output()?;
    if !packed.status.success() {
        return Err(io::Error::other(String::from_utf8_lossy(&packed.stderr).into_owned()));
    }
    Ok(packed.stdout)
}

/// It is ready in less than a second on an idle machine.
const START_LIMIT: Duration = Duration::from_secs(60);
