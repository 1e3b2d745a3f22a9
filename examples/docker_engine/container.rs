//! Containers and the processes executed in them. A container is a folder, and a process that runs in it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;
use std::{fs, io};

use hijack::stream::{DetachKeys, Wanted};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::sync::watch;

use crate::process::{Log, Process, Spec, State, lock};

/// The body of `containers/create`, as far as it means something here.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Config {
    pub(crate) image: String,
    entrypoint: Option<Vec<String>>,
    cmd: Option<Vec<String>>,
    env: Option<Vec<String>>,
    pub(crate) tty: bool,
    open_stdin: bool,
    pub(crate) stdin_once: bool,
    host_config: HostConfig,
    /// What else there is, shown as it came.
    #[serde(flatten)]
    more: Map<String, Value>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct HostConfig {
    auto_remove: bool,
}

impl Config {
    fn argv(&self) -> Vec<String> {
        [&self.entrypoint, &self.cmd].into_iter().flatten().flatten().cloned().collect()
    }

    pub(crate) fn has_command(&self) -> bool {
        !self.argv().is_empty()
    }
}

/// What those who wait for a container look at.
#[derive(Clone, Copy, Default)]
pub(crate) struct Life {
    pub(crate) running: bool,
    /// How often it has ended.
    pub(crate) exits: u64,
    pub(crate) code: i64,
    pub(crate) removed: bool,
}

pub(crate) struct Container {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) config: Config,
    created: SystemTime,
    folder: PathBuf,
    /// The run that is, or the next one: clients are attached to it before it is started.
    process: Mutex<Arc<Process>>,
    pub(crate) log: Arc<Mutex<Log>>,
    pub(crate) life: watch::Sender<Life>,
}

impl Container {
    pub(crate) fn new(id: String, name: String, config: Config, folder: PathBuf) -> io::Result<Self> {
        fs::create_dir(&folder)?;
        let spec = Spec {
            argv: config.argv(),
            env: config.env.clone().unwrap_or_default(),
            folder: folder.clone(),
            tty: config.tty,
            stdin: config.open_stdin,
        };
        let log = Arc::<Mutex<Log>>::default();
        let process = Mutex::new(Process::new(spec, Some(Arc::clone(&log)))?);
        let (created, life) = (SystemTime::now(), watch::Sender::default());
        Ok(Self { id, name, config, created, folder, process, log, life })
    }

    pub(crate) fn process(&self) -> Arc<Process> {
        Arc::clone(&lock(&self.process))
    }

    pub(crate) fn is_running(&self) -> bool {
        self.life.borrow().running
    }

    pub(crate) fn removes_itself(&self) -> bool {
        self.config.host_config.auto_remove
    }

    /// The run has ended; the next one is made ready.
    pub(crate) fn ended(&self, code: i64) {
        {
            let mut process = lock(&self.process);
            match process.renewed() {
                Ok(next) => *process = next,
                Err(error) => eprintln!("container {}: no further run: {error}", self.name),
            }
        }
        self.life.send_modify(|life| (life.running, life.exits, life.code) = (false, life.exits + 1, code));
    }

    /// It is gone; those who wait for that are told.
    pub(crate) fn removed(&self) {
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            eprintln!("container {}: left behind: {error}", self.name);
        }
        self.life.send_modify(|life| life.removed = true);
    }

    fn status(&self) -> &'static str {
        match *self.life.borrow() {
            Life { running: true, .. } => "running",
            Life { exits: 0, .. } => "created",
            _ => "exited",
        }
    }

    /// What `containers/{id}/json` says.
    pub(crate) fn details(&self) -> Value {
        let Config { image, tty, open_stdin, stdin_once, more, .. } = &self.config;
        let process = self.process();
        let pid = match process.state() {
            State::Running(pid) => pid.as_raw_nonzero().get(),
            _ => 0,
        };
        let mut config = more.clone();
        config.extend([
            ("Image".to_owned(), json!(image)),
            ("Cmd".to_owned(), json!(process.spec.argv)),
            ("Env".to_owned(), json!(process.spec.env)),
            ("Tty".to_owned(), json!(tty)),
            ("OpenStdin".to_owned(), json!(open_stdin)),
            ("StdinOnce".to_owned(), json!(stdin_once)),
        ]);
        json!({
            "Id": self.id, "Name": format!("/{}", self.name), "Image": image,
            "Path": process.spec.argv[0], "Args": process.spec.argv[1..],
            "State": {
                "Status": self.status(), "Running": self.is_running(), "Pid": pid, "ExitCode": self.life.borrow().code,
            },
            "Config": config,
            "HostConfig": { "AutoRemove": self.removes_itself() },
            "NetworkSettings": {}, "Mounts": [],
        })
    }

    /// Its line in `containers/json`.
    pub(crate) fn summary(&self) -> Value {
        let seconds = self.created.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |age| age.as_secs());
        let status = match self.status() {
            "running" => "Up".to_owned(),
            "created" => "Created".to_owned(),
            _ => format!("Exited ({})", self.life.borrow().code),
        };
        json!({
            "Id": self.id, "Names": [format!("/{}", self.name)], "Image": self.config.image,
            "Command": self.process().spec.argv.join(" "), "Created": seconds,
            "State": self.status(), "Status": status, "Ports": [], "Labels": {},
        })
    }
}

/// The body of `containers/{id}/exec`.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct ExecConfig {
    cmd: Vec<String>,
    env: Option<Vec<String>>,
    tty: bool,
    attach_stdin: bool,
    attach_stdout: bool,
    attach_stderr: bool,
    detach_keys: String,
}

/// A process beside that of a container.
pub(crate) struct Exec {
    pub(crate) id: String,
    pub(crate) container: String,
    pub(crate) process: Arc<Process>,
    pub(crate) wanted: Wanted,
    pub(crate) detach_keys: DetachKeys,
}

impl Exec {
    pub(crate) fn new(id: String, container: &Container, config: ExecConfig) -> Result<Self, String> {
        let ExecConfig { cmd: argv, env, tty, attach_stdin: stdin, .. } = config;
        if argv.is_empty() {
            return Err("No exec command specified".to_owned());
        }
        let detach_keys = match &*config.detach_keys {
            "" => DetachKeys::default(),
            keys => keys.parse().map_err(|error| format!("invalid detach keys: {error}"))?,
        };
        let mut variables = container.config.env.clone().unwrap_or_default();
        variables.extend(env.unwrap_or_default());
        let spec = Spec { argv, env: variables, folder: container.folder.clone(), tty, stdin };
        let process = Process::new(spec, None).map_err(|error| error.to_string())?;
        let wanted = Wanted { stdout: config.attach_stdout, stderr: config.attach_stderr };
        Ok(Self { id, container: container.id.clone(), process, wanted, detach_keys })
    }

    /// What `exec/{id}/json` says.
    pub(crate) fn details(&self) -> Value {
        let (running, pid, code) = match self.process.state() {
            State::Created => (false, 0, None),
            State::Running(pid) => (true, pid.as_raw_nonzero().get(), None),
            State::Exited(code) => (false, 0, Some(code)),
        };
        json!({
            "ID": self.id, "ContainerID": self.container, "Running": running, "Pid": pid, "ExitCode": code,
            "ProcessConfig": { "tty": self.process.spec.tty, "arguments": self.process.spec.argv },
        })
    }
}
