//! Podman's service, which speaks Docker's API: one of our own, on a Unix socket in a folder of its own, with the same one
//! image as [`dockerd`](crate::dockerd). It needs no network, no registry and no service of the system, but root.

use std::fs;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::dockerd::{IMAGE, image};
use crate::peer::{find, missing};
use crate::process::{Folder, Running};

/// A running service, until it is dropped; its containers end with it.
#[derive(Debug)]
pub struct Podman {
    program: PathBuf,
    // In the order in which they must go.
    running: Running,
    folder: Folder,
}

impl Podman {
    /// Starts it and loads [`IMAGE`]; `None` if podman or busybox is missing here, or we are not root.
    ///
    /// # Panics
    /// If it does not start (with what it said), or if something is missing and `CI=true`.
    #[must_use]
    pub fn start() -> Option<Self> {
        let program = find("HIJACK_PODMAN", "podman")?;
        let busybox = find("HIJACK_BUSYBOX", "busybox")?;
        if !rustix::process::geteuid().is_root() {
            missing("podman", "only root can start it as the tests need it");
            return None;
        }
        let folder = Folder::new("podman").expect("a folder is made");
        fs::write(folder.path().join("containers.conf"), configuration()).expect("written");
        let image = image(&busybox, folder.path()).expect("busybox packs itself");
        let archive = folder.path().join("image.tar");
        fs::write(&archive, image).expect("written");
        let imported = command(&program, folder.path()).arg("import").arg(&archive).arg(IMAGE).output();
        let imported = imported.expect("podman runs");
        let said = String::from_utf8_lossy(&imported.stderr);
        assert!(imported.status.success(), "podman import: {said}");
        let running = launch(&program, &folder).expect("podman is started");
        Some(Self { program, running, folder })
    }

    /// The path of its socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        socket(self.folder.path())
    }

    /// What the service said so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.running.log()
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        // Each container has a process beside it that outlives the service, and cleans up behind its end.
        let mut remove = command(&self.program, self.folder.path());
        let _ = remove.args(["rm", "--all", "--force", "--time", "0"]).output();
        let started = Instant::now();
        while started.elapsed() < END_LIMIT && self.processes() > 1 {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Podman {
    /// Programs with our folder in their arguments, the service among them; not the shell that started it.
    fn processes(&self) -> usize {
        let folder = self.folder.path().as_os_str().as_encoded_bytes();
        let is_ours = |line: Vec<u8>| {
            !line.starts_with(b"sh\0") && line.windows(folder.len()).any(|part| part == folder)
        };
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        processes.filter(|it| fs::read(it.path().join("cmdline")).is_ok_and(is_ours)).count()
    }
}

fn socket(folder: &Path) -> PathBuf {
    folder.join("podman.sock")
}

/// Limits that whoever is root in a container may not have are not asked for, and nothing of the machine's is used.
fn configuration() -> String {
    let runtime = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join("runc").is_file()));
    format!(
        "[containers]\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=1024:1024\"]\npids_limit = 0\n\
         [engine]\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\n\
         exit_command_delay = 5\n{}",
        if runtime { "runtime = \"runc\"\n" } else { "" }
    )
}

/// `podman` with all its folders in `folder`.
fn command(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.env("CONTAINERS_CONF", folder.join("containers.conf"));
    for (option, name) in [("--root", "data"), ("--runroot", "run"), ("--tmpdir", "tmp")] {
        command.arg(option).arg(folder.join(name));
    }
    command.args(["--storage-driver", "vfs"]);
    command
}

fn launch(program: &Path, folder: &Folder) -> io::Result<Running> {
    let socket = socket(folder.path());
    let mut service = command(program, folder.path());
    service.args(["system", "service", "--time", "0"]).arg(format!("unix://{}", socket.display()));
    let mut running = Running::start(&service, folder, None)?;
    let started = Instant::now();
    while UnixStream::connect(&socket).is_err() {
        if let Some(status) = running.ended()? {
            return Err(io::Error::other(format!("it ended with {status}:\n{}", running.log())));
        }
        if started.elapsed() > START_LIMIT {
            return Err(io::Error::other(format!("not ready after {START_LIMIT:?}:\n{}", running.log())));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(running)
}

/// How long those may take: a process that was run in a container is kept in mind for the five seconds of the configuration.
const END_LIMIT: Duration = Duration::from_secs(20);

/// It is ready in less than a second on an idle machine.
const START_LIMIT: Duration = Duration::from_secs(60);
