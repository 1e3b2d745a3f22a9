//! The WebSocket client: stdin becomes messages, messages become lines.
//!
//! `dial` opens the connection and says what hindered it, `send` reads stdin, `receive` prints, `screen` is how things
//! look on a terminal, `progress` the line that counts. Here they run side by side, until the server has closed.

mod dial;
mod insecure;
mod progress;
mod receive;
mod screen;
mod send;

use std::convert::Infallible;
use std::pin::pin;

use hijack::ws::{CloseCode, CloseFrame, Error, Reader, Writer};
use tokio::signal::unix::{SignalKind, signal};

use crate::args::Ws;
use crate::exit::{Failure, Kind};
use progress::Meter;
use receive::Received;
use screen::Screen;
use send::Sent;

pub(crate) use screen::printable;

/// Runs the client until the connection has ended.
pub(crate) async fn run(args: Ws) -> Result<(), Failure> {
    let url = args.url.text.clone();
    let socket = dial::open(&args).await?;
    let screen = Screen::new(args.binary);
    screen.tell_opened(&url, socket.subprotocol(), socket.is_compressed());
    let (reader, writer) = socket.split();
    let meter = Meter::default();
    let mut failed = None;
    let talk = talk(&args, &screen, &meter, reader, &writer, &mut failed);
    let ended = meter.show_while(screen.shows_progress(), talk).await;
    // What was wrong with stdin is the cause of the end that followed.
    failed.map_or_else(|| judge(&url, &screen, ended), Err)
}

/// Sends and receives side by side, until the connection has ended.
async fn talk(
    args: &Ws,
    screen: &Screen,
    meter: &Meter,
    reader: Reader,
    writer: &Writer,
    failed: &mut Option<Failure>,
) -> Result<Received, Failure> {
    let mut receiving = pin!(receive::print_all(reader, screen, meter));
    tokio::select! {
        ended = &mut receiving => ended,
        never = send_all(args, screen, meter, writer, failed) => match never {},
    }
}

/// Sends stdin until it ends or a signal says to stop, and stays to close and to watch for signals.
async fn send_all(
    args: &Ws,
    screen: &Screen,
    meter: &Meter,
    writer: &Writer,
    failed: &mut Option<Failure>,
) -> Infallible {
    let sent = tokio::select! {
        sent = send::stdin(args.binary, screen, meter, writer) => sent,
        () = signalled() => Ok(Sent::Stopped),
    };
    let closes = match &sent {
        Ok(Sent::All) => args.exit_on_close,
        Ok(Sent::Broken) => false,
        Ok(Sent::Stopped) | Err(_) => true,
    };
    *failed = sent.err();
    if !closes {
        signalled().await;
    }
    close_or_leave(writer).await
}

/// Sends a Close, which the receiving side sees through; a further signal ends the program.
async fn close_or_leave(writer: &Writer) -> Infallible {
    let closing = async {
        // Where this fails there is nothing to close, which the receiving side tells.
        let _ = writer.close(CloseCode::NORMAL, "").await;
        std::future::pending().await
    };
    tokio::select! {
        never = closing => never,
        () = signalled() => std::process::exit(INTERRUPTED),
    }
}

/// What shells say of a program that ^C ended.
const INTERRUPTED: i32 = 130;

/// Completes with SIGINT or SIGTERM; never where signals cannot be waited for, and then they do what they always do.
async fn signalled() {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

/// The end of the connection as an end of the program.
fn judge(url: &str, screen: &Screen, ended: Result<Received, Failure>) -> Result<(), Failure> {
    let broken =
        |why: String| Err(Failure::new(Kind::Broken, format!("the connection to {url} broke: {why}")));
    match ended? {
        Received::Unread => Ok(()),
        Received::Closed(Some(close)) if close.code != CloseCode::ABNORMAL => {
            screen.tell_closed(&close);
            if is_ordinary(close.code) { Ok(()) } else { Err(closed(url, &close)) }
        }
        Received::Closed(_) => {
            broken("the server ended it without a Close (has it crashed, or a proxy cut it?)".into())
        }
        Received::Failed(Error::Peer(error)) => broken(format!(
            "the server broke the protocol: {error}, which was told to it as {}",
            error.close_code().get()
        )),
        Received::Failed(error) => broken(format!("{error} (is the network up, and the server running?)")),
    }
}

fn is_ordinary(code: CloseCode) -> bool {
    [CloseCode::NORMAL, CloseCode::GOING_AWAY, CloseCode::NO_STATUS].contains(&code)
}

fn closed(url: &str, close: &CloseFrame) -> Failure {
    let reason = screen::printable(&close.reason);
    let reason = if reason.is_empty() { String::new() } else { format!(": {reason}") };
    let text = format!("the server at {url} closed with {}{}{reason}", close.code.get(), meaning(close.code));
    Failure::new(Kind::Closed, text)
}

/// What a code says (RFC 6455 §7.4.1), and what helps.
fn meaning(code: CloseCode) -> &'static str {
    match code {
        CloseCode::PROTOCOL_ERROR => " (it says that this client broke the protocol)",
        CloseCode::UNSUPPORTED => " (it does not take this kind of message: try with or without --binary)",
        CloseCode::INVALID_PAYLOAD => " (it says that a message was not what its type says: try --binary)",
        CloseCode::POLICY => " (against its policy: does it want credentials, by --header?)",
        CloseCode::TOO_BIG => " (a message was larger than it takes)",
        CloseCode::EXTENSION_NEEDED => " (it needs an extension: try --compress)",
        CloseCode::INTERNAL_ERROR => " (it failed)",
        CloseCode::RESTART | CloseCode::TRY_LATER => " (try again later)",
        CloseCode::BAD_GATEWAY => " (a gateway could not reach what is behind it)",
        _ => "",
    }
}
