//! What foreign servers live in: a folder of their own, and a process that ends with whoever started it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder under the system's temporary one, removed when this is dropped.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Makes it; `name` says whose it is.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn new(name: &str) -> io::Result<Self> {
        // Another process has another id, another call here another number.
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        // Short: paths of Unix sockets, which are below, end at 108 bytes.
        let path = std::env::temp_dir().join(format!("hijack-{name}-{}-{number}", std::process::id()));
        fs::create_dir(&path)?;
        Ok(Self(path))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(failure) = fs::remove_dir_all(&self.0) {
            eprintln!("left behind: {}: {failure}", self.0.display());
        }
    }
}

/// A program that runs until this is dropped: it is told to end by its process id, and waited for.
/// What it says goes to a file `log` in its folder.
#[derive(Debug)]
pub struct Running {
    /// A shell with `servers/until-eof.sh`, the program's parent. It ends the program when our end of its
    /// standard input closes, be it that this is dropped or that this whole process is killed.
    guard: Child,
    log: PathBuf,
}

impl Running {
    /// Starts `program` in `folder`. `stdout` is its standard output; `None` is the log.
    ///
    /// # Errors
    /// If the shell or the log's file cannot be had. A program that cannot be started shows as [`ended`].
    ///
    /// [`ended`]: Self::ended
    pub fn start(program: &Command, folder: &Folder, stdout: Option<Stdio>) -> io::Result<Self> {
        let log = folder.path().join("log");
        let file = File::create(&log)?;
        let stdout = match stdout {
            Some(stdout) => stdout,
            None => file.try_clone()?.into(),
        };
        let mut guard = Command::new("sh");
        guard.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("servers/until-eof.sh"));
        guard.arg(program.get_program()).args(program.get_args()).current_dir(folder.path());
        guard.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let guard = guard.stdin(Stdio::piped()).stdout(stdout).stderr(file).spawn()?;
        Ok(Self { guard, log })
    }

    /// How it ended, if it did.
    ///
    /// # Errors
    /// Those of the system's question.
    pub fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.guard.try_wait()
    }

    /// What it said so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read(&self.log)
            .map_or_else(|failure| failure.to_string(), |log| String::from_utf8_lossy(&log).into_owned())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}
