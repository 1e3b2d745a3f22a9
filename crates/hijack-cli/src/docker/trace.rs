//! `--trace`: what goes over the wire, on stderr, with the seconds since the program started and the connection's number.
//!
//! Heads are shown as they are, but for what is secret in them; bodies, which may hold variables and passwords, by their
//! length; output by its frames; and each direction's end.

use std::io::{self, IsTerminal, Write};
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use hijack::Transport;
use hijack_docker::stream::{Framing, StreamType};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::message::{Event, Message, Side};
use crate::ws::printable;

/// Shows all connections of a run.
#[derive(Clone)]
pub(super) struct Tracer {
    started: Instant,
    connections: Arc<AtomicU32>,
    /// How outputs are framed where the answer does not tell.
    framing: Arc<Mutex<Framing>>,
}

impl Tracer {
    pub(super) fn new() -> Self {
        let framing = Arc::new(Mutex::new(Framing::Multiplexed));
        Self { started: Instant::now(), connections: Arc::default(), framing }
    }

    /// Says whether the process whose streams come next has a terminal.
    pub(super) fn expect(&self, tty: bool) {
        *self.framing.lock().unwrap_or_else(PoisonError::into_inner) = Framing::of_tty(tty);
    }

    /// A stream that shows what goes through it.
    pub(super) fn traced(&self, stream: Transport) -> Transport {
        let number = self.connections.fetch_add(1, Ordering::Relaxed) + 1;
        let line = Line { tracer: self.clone(), number };
        line.show("*", &format!("connected ({})", stream.kind()));
        let requests = Message::new(Side::Client, line.tracer.framing.clone());
        let answers = Message::new(Side::Server, line.tracer.framing.clone());
        Transport::custom(Traced { stream, line, requests, answers })
    }
}

/// Where the lines of one connection come from.
struct Line {
    tracer: Tracer,
    number: u32,
}

impl Line {
    fn show(&self, direction: &str, text: &str) {
        let seconds = self.tracer.started.elapsed().as_secs_f64();
        let mut stderr = io::stderr().lock();
        // A terminal may be raw, and then a new line begins where the last one ended.
        let end = if stderr.is_terminal() { "\r\n" } else { "\n" };
        let _ = write!(stderr, "{seconds:9.6} #{} {direction} {}{end}", self.number, printable(text));
    }

    fn show_all(&self, direction: &str, events: Vec<Event>) {
        for event in events {
            match event {
                Event::Line(line) => self.show(direction, &line),
                Event::Body(len) => self.show(direction, &format!("(body, {len} bytes)")),
                Event::Bytes(len) => self.show(direction, &format!("{len} bytes")),
                Event::Frame(stream, len) => {
                    let stream = match stream {
                        StreamType::Stdin => "stdin",
                        StreamType::Stdout => "stdout",
                        StreamType::Stderr => "stderr",
                        StreamType::SystemError => "error",
                    };
                    self.show(direction, &format!("frame {stream}, {len} bytes"));
                }
                Event::Unframed(error) => self.show(direction, &format!("(no further frame: {error})")),
            }
        }
    }
}

struct Traced {
    stream: Transport,
    line: Line,
    requests: Message,
    answers: Message,
}

impl AsyncRead for Traced {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buf.filled().len();
        let result = ready!(Pin::new(&mut this.stream).poll_read(cx, buf));
        let came = &buf.filled()[before..];
        match &result {
            Ok(()) if came.is_empty() && buf.remaining() > 0 => this.line.show("<", "(end)"),
            Ok(()) => {
                let events = this.answers.feed(came, this.requests.asked());
                this.line.show_all("<", events);
                if this.answers.is_taken() {
                    this.requests.take_over();
                }
            }
            Err(error) => this.line.show("<", &format!("(broken: {error})")),
        }
        Poll::Ready(result)
    }
}

impl AsyncWrite for Traced {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let len = ready!(Pin::new(&mut this.stream).poll_write(cx, data))?;
        let events = this.requests.feed(&data[..len], "");
        this.line.show_all(">", events);
        Poll::Ready(Ok(len))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
        this.line.show(">", "(end)");
        Poll::Ready(Ok(()))
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        self.line.show("*", "closed");
    }
}
