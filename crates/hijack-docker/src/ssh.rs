//! A stream through the command `ssh`: over there `docker system dial-stdio` joins it to the daemon's socket, and
//! passes the end of each direction on.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::watch;

use crate::host::Ssh;

/// The process, which ends when this is dropped.
#[derive(Debug)]
pub(crate) struct SshStream {
    _child: Child,
    /// Gone once our direction has ended.
    stdin: Option<ChildStdin>,
    stdout: ChildStdout,
}

/// What the command says beside the stream: why it does not work.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    text: Arc<Mutex<String>>,
    ended: watch::Receiver<bool>,
}

impl SshStream {
    /// Starts the command.
    pub(crate) fn start(program: &Path, to: &Ssh) -> io::Result<(Self, Said)> {
        let mut command = Command::new(program);
        command.args(arguments(to)).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(io::Error::other("a process without pipes"));
        };
        Ok((Self { _child: child, stdin: Some(stdin), stdout }, Said::by(stderr)))
    }
}

fn arguments(to: &Ssh) -> Vec<String> {
    let mut arguments = vec!["-o".to_owned(), "ConnectTimeout=30".to_owned(), "-T".to_owned()];
    if let Some(user) = &to.user {
        arguments.extend(["-l".to_owned(), user.clone()]);
    }
    if let Some(port) = to.port {
        arguments.extend(["-p".to_owned(), port.to_string()]);
    }
    arguments.extend(["--".to_owned(), to.host.clone(), "docker".to_owned()]);
    if let Some(path) = &to.path {
        arguments.extend(["--host".to_owned(), quoted(&format!("unix://{path}"))]);
    }
    arguments.extend(["system".to_owned(), "dial-stdio".to_owned()]);
    arguments
}

/// `ssh` gives its arguments to a shell over there.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

impl Said {
    fn by(mut stderr: ChildStderr) -> Self {
        let text = Arc::<Mutex<String>>::default();
        let (end, ended) = watch::channel(false);
        let said = Arc::clone(&text);
        // It ends with the command.
        tokio::spawn(async move {
            let mut buffer = [0; 1024];
            while let Ok(len @ 1..) = stderr.read(&mut buffer).await {
                let mut text = said.lock().unwrap_or_else(PoisonError::into_inner);
                if text.len() < SAID_LEN {
                    text.push_str(&String::from_utf8_lossy(&buffer[..len]));
                }
            }
            end.send_replace(true);
        });
        Self { text, ended }
    }

    /// All that it said, if it has ended or does so soon.
    pub(crate) async fn text(mut self) -> String {
        let _ = tokio::time::timeout(Duration::from_secs(1), self.ended.wait_for(|ended| *ended)).await;
        let text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        text.trim().replace(|c: char| c.is_control() && c != '\n', " ")
    }
}

/// Of what the command says, the bytes that are kept.
const SAID_LEN: usize = 4096;

impl AsyncRead for SshStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stdout).poll_read(cx, buf)
    }
}

impl AsyncWrite for SshStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.stdin {
            Some(stdin) => Pin::new(stdin).poll_write(cx, data),
            None => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stdin {
            Some(stdin) => Pin::new(stdin).poll_flush(cx),
            None => Poll::Ready(Ok(())),
        }
    }

    /// Closes the command's standard input; nothing less is an end to it.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.as_mut().poll_flush(cx))?;
        self.stdin = None;
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{Host, Place};

    #[test]
    fn the_command_is_dockers() {
        let table = [
            ("ssh://host", "-o ConnectTimeout=30 -T -- host docker system dial-stdio"),
            (
                "ssh://me@host:22/run/a'b.sock",
                r"-o ConnectTimeout=30 -T -l me -p 22 -- host docker --host 'unix:///run/a'\''b.sock' system dial-stdio",
            ),
        ];
        for (text, expected) in table {
            let Host(Place::Ssh(to)) = text.parse().expect("a host") else { panic!("no ssh") };
            assert_eq!(arguments(&to).join(" "), expected);
        }
    }
}
