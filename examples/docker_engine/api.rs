//! The engine: its containers, and the calls that are answered at once.

use std::collections::HashMap;
use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hijack::Body;
use hijack_docker::ApiVersion;
use hijack_docker::server::{Refusal, Target};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use rustix::process::Signal;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::container::{Config, Container, Exec, ExecConfig, Life};
use crate::process::{Process, lock};

/// The newest version that this engine speaks.
pub(crate) const API: ApiVersion = ApiVersion::new(1, 44);

/// Bytes of a request's body that are read.
pub(crate) const BODY_LEN: usize = 1 << 20;

pub(crate) type Reply = Result<Response<Body>, Refusal>;

pub(crate) struct Engine {
    /// The folder with those of all containers.
    folder: PathBuf,
    containers: Mutex<Vec<Arc<Container>>>,
    execs: Mutex<HashMap<String, Arc<Exec>>>,
}

/// What the engine says of itself with every answer.
pub(crate) fn headers() -> HeaderMap {
    let said = [
        ("api-version", API.to_string()),
        ("docker-experimental", "false".to_owned()),
        ("ostype", "linux".to_owned()),
        ("server", "hijack".to_owned()),
    ];
    let pair = |(name, value): (_, String)| {
        (HeaderName::from_static(name), HeaderValue::try_from(value).expect("a header value"))
    };
    said.into_iter().map(pair).collect()
}

/// The head of an answer in JSON.
pub(crate) fn json_head() -> Response<()> {
    let mut head = Response::new(());
    *head.headers_mut() = headers();
    head.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    head
}

fn reply(status: StatusCode, value: &Value) -> Reply {
    let mut response = json_head().map(|()| Body::from(format!("{value}\n")));
    *response.status_mut() = status;
    Ok(response)
}

fn empty(status: StatusCode) -> Reply {
    let mut response = Response::new(Body::empty());
    (*response.status_mut(), *response.headers_mut()) = (status, headers());
    Ok(response)
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body)
        .map_err(|error| Refusal::new(StatusCode::BAD_REQUEST, format!("invalid JSON: {error}")))
}

/// 64 hexadecimal digits, as Docker's are.
fn new_id() -> String {
    (0..4).map(|_| format!("{:016x}", RandomState::new().build_hasher().finish())).collect()
}

impl Engine {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, containers: Mutex::default(), execs: Mutex::default() }
    }

    /// The container of this id, name, or beginning of an id.
    pub(crate) fn container(&self, id: &str) -> Result<Arc<Container>, Refusal> {
        let containers = lock(&self.containers);
        let exact = containers.iter().find(|container| container.id == id || container.name == id);
        let found = exact.or_else(|| containers.iter().find(|container| container.id.starts_with(id)));
        found.cloned().ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, format!("No such container: {id}")))
    }

    pub(crate) fn exec(&self, id: &str) -> Result<Arc<Exec>, Refusal> {
        let found = lock(&self.execs).get(id).cloned();
        found.ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, format!("No such exec instance: {id}")))
    }

    fn running(&self, id: &str) -> Result<Arc<Container>, Refusal> {
        let container = self.container(id)?;
        let text = || format!("container {} is not running", container.name);
        if container.is_running() { Ok(container) } else { Err(Refusal::new(StatusCode::CONFLICT, text())) }
    }

    /// Every call that is answered at once, or nearly.
    pub(crate) async fn call(self: &Arc<Self>, method: &str, target: &Target, body: &[u8]) -> Reply {
        match (method, &target.path()[..]) {
            ("GET" | "HEAD", ["_ping"]) => {
                let mut response = Response::new(Body::from("OK"));
                *response.headers_mut() = headers();
                Ok(response)
            }
            ("GET", ["version"]) => reply(StatusCode::OK, &version()),
            // Whatever it is called: every container has what is on this machine.
            ("GET", ["images", name @ .., "json"]) => {
                let image =
                    json!({ "Id": "sha256:0", "RepoTags": [name.join("/")], "Os": "linux", "Config": {} });
                reply(StatusCode::OK, &image)
            }
            ("GET", ["containers", "json"]) => self.list(target),
            ("POST", ["containers", "create"]) => self.create(target, body),
            ("GET", ["containers", id, "json"]) => reply(StatusCode::OK, &self.container(id)?.details()),
            ("POST", ["containers", id, "start"]) => self.start(id),
            ("POST", ["containers", id, "kill"]) => self.kill(target, id),
            ("POST", ["containers", id, "stop"]) => self.stop(target, id).await,
            ("POST", ["containers", id, "resize"]) => resize(target, &self.running(id)?.process()),
            ("DELETE", ["containers", id]) => self.remove(target, id).await,
            ("POST", ["containers", id, "exec"]) => self.create_exec(id, body),
            ("GET", ["exec", id, "json"]) => reply(StatusCode::OK, &self.exec(id)?.details()),
            ("POST", ["exec", id, "resize"]) => resize(target, &self.exec(id)?.process),
            _ => Err(Refusal::new(StatusCode::NOT_FOUND, "page not found")),
        }
    }

    fn list(&self, target: &Target) -> Reply {
        let all = target.flag("all");
        let containers = lock(&self.containers);
        let shown = containers.iter().rev().filter(|container| all || container.is_running());
        reply(StatusCode::OK, &shown.map(|container| container.summary()).collect())
    }

    fn create(&self, target: &Target, body: &[u8]) -> Reply {
        let config: Config = parse(body)?;
        if !config.has_command() {
            return Err(Refusal::new(StatusCode::BAD_REQUEST, "no command specified"));
        }
        let id = new_id();
        let name = target.query("name").filter(|name| !name.is_empty()).unwrap_or(&id[..12]).to_owned();
        if lock(&self.containers).iter().any(|container| container.name == name) {
            return Err(Refusal::new(StatusCode::CONFLICT, format!("the name {name:?} is in use")));
        }
        let folder = self.folder.join(&id);
        let container = Container::new(id.clone(), name, config, folder).map_err(internal)?;
        lock(&self.containers).push(Arc::new(container));
        reply(StatusCode::CREATED, &json!({ "Id": id, "Warnings": [] }))
    }

    fn start(self: &Arc<Self>, id: &str) -> Reply {
        let container = self.container(id)?;
        let process = container.process();
        let started = process.start();
        let Some(started) = started else { return empty(StatusCode::NOT_MODIFIED) };
        container.life.send_modify(|life| life.running = started.is_ok());
        let engine = Arc::clone(self);
        let ended = Arc::clone(&container);
        tokio::spawn(async move {
            let code = process.exited().await;
            engine.ended(&ended, code);
        });
        match started {
            Ok(()) => empty(StatusCode::NO_CONTENT),
            Err(error) => {
                // By these words the client knows that it is to end with 127.
                let text = match error.kind() {
                    std::io::ErrorKind::NotFound => "executable file not found in $PATH".to_owned(),
                    _ => error.to_string(),
                };
                let program = &container.process().spec.argv[0];
                Err(Refusal::new(StatusCode::BAD_REQUEST, format!("exec: {program:?}: {text}")))
            }
        }
    }

    /// What runs in a container ends with it.
    fn ended(&self, container: &Arc<Container>, code: i64) {
        for exec in lock(&self.execs).values().filter(|exec| exec.container == container.id) {
            exec.process.signal(Signal::KILL);
        }
        container.ended(code);
        if container.removes_itself() {
            self.forget(container);
        }
    }

    fn forget(&self, container: &Arc<Container>) {
        let mut containers = lock(&self.containers);
        let Some(index) = containers.iter().position(|other| Arc::ptr_eq(other, container)) else { return };
        containers.remove(index);
        drop(containers);
        lock(&self.execs).retain(|_, exec| exec.container != container.id);
        container.removed();
    }

    fn kill(&self, target: &Target, id: &str) -> Reply {
        let name = target.query("signal").filter(|name| !name.is_empty()).unwrap_or("KILL");
        let signal = signal(name)
            .ok_or_else(|| Refusal::new(StatusCode::BAD_REQUEST, format!("invalid signal: {name}")))?;
        self.running(id)?.process().signal(signal);
        empty(StatusCode::NO_CONTENT)
    }

    async fn stop(&self, target: &Target, id: &str) -> Reply {
        let container = self.container(id)?;
        if !container.is_running() {
            return empty(StatusCode::NOT_MODIFIED);
        }
        let patience = target.query("t").and_then(|seconds| seconds.parse().ok()).unwrap_or(10);
        let mut life = container.life.subscribe();
        container.process().signal(Signal::TERM);
        let ended = life.wait_for(|life| !life.running);
        if tokio::time::timeout(Duration::from_secs(patience), ended).await.is_err() {
            end(&container).await;
        }
        empty(StatusCode::NO_CONTENT)
    }

    async fn remove(&self, target: &Target, id: &str) -> Reply {
        let container = self.container(id)?;
        if container.is_running() {
            if !target.flag("force") {
                let text = format!("cannot remove container {:?}: container is running", container.name);
                return Err(Refusal::new(StatusCode::CONFLICT, text));
            }
            end(&container).await;
        }
        self.forget(&container);
        empty(StatusCode::NO_CONTENT)
    }

    fn create_exec(&self, id: &str, body: &[u8]) -> Reply {
        let container = self.running(id)?;
        let config: ExecConfig = parse(body)?;
        let id = new_id();
        let exec = Exec::new(id.clone(), &container, config)
            .map_err(|text| Refusal::new(StatusCode::BAD_REQUEST, text))?;
        lock(&self.execs).insert(id.clone(), Arc::new(exec));
        reply(StatusCode::CREATED, &json!({ "Id": id }))
    }

    /// Ends everything, and removes what there is of it.
    pub(crate) async fn shut_down(&self) {
        let containers = lock(&self.containers).clone();
        for container in containers {
            if container.is_running() {
                end(&container).await;
            }
        }
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            eprintln!("left behind: {}: {error}", self.folder.display());
        }
    }
}

/// Kills a container, and waits for its end.
async fn end(container: &Container) {
    container.process().signal(Signal::KILL);
    let _ = container.life.subscribe().wait_for(|life: &Life| !life.running).await;
}

fn resize(target: &Target, process: &Process) -> Reply {
    let number = |name: &str| {
        let told = target.query(name).and_then(|number| number.parse().ok());
        told.ok_or_else(|| Refusal::new(StatusCode::BAD_REQUEST, format!("{name} is no size")))
    };
    if process.resize(number("h")?, number("w")?) {
        empty(StatusCode::OK)
    } else {
        Err(Refusal::new(StatusCode::NOT_FOUND, "it is not running"))
    }
}

fn version() -> Value {
    let version = env!("CARGO_PKG_VERSION");
    let details = json!({
        "ApiVersion": API.to_string(), "MinAPIVersion": "1.30",
        "Os": std::env::consts::OS, "Arch": std::env::consts::ARCH,
    });
    let mut said = details.clone();
    said["Version"] = json!(version);
    said["Platform"] = json!({ "Name": "hijack, an example" });
    said["Components"] = json!([{ "Name": "Engine", "Version": version, "Details": details }]);
    said
}

/// A signal by its name, with or without `SIG`, or by its number.
fn signal(name: &str) -> Option<Signal> {
    const NAMED: [(&str, Signal); 10] = [
        ("HUP", Signal::HUP),
        ("INT", Signal::INT),
        ("QUIT", Signal::QUIT),
        ("KILL", Signal::KILL),
        ("USR1", Signal::USR1),
        ("USR2", Signal::USR2),
        ("TERM", Signal::TERM),
        ("CONT", Signal::CONT),
        ("STOP", Signal::STOP),
        ("WINCH", Signal::WINCH),
    ];
    let name = name.to_ascii_uppercase();
    let name = name.strip_prefix("SIG").unwrap_or(&name);
    let is_it = |(other, signal): &&(&str, Signal)| *other == name || signal.as_raw().to_string() == name;
    NAMED.iter().find(is_it).map(|(_, signal)| *signal)
}

#[allow(clippy::needless_pass_by_value, reason = "it is the end of the error")]
fn internal(error: std::io::Error) -> Refusal {
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}
