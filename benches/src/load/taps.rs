//! Operators who look at connections of a gateway while they are loaded: nothing that passed may be missing.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::framed::MESSAGE_LEN;
use crate::launch::Operators;

/// Streams of messages, one for each connection that is looked at.
#[derive(Debug)]
pub(super) struct Taps {
    looking: JoinSet<io::Result<()>>,
    seen: Arc<Seen>,
    /// Messages that passed while they were looked at.
    due: u64,
}

/// Messages that were shown, or that the gateway said it skipped.
#[derive(Debug, Default)]
struct Seen {
    messages: AtomicU64,
    changed: Notify,
}

impl Taps {
    /// Looks at the `count` connections that were opened first.
    pub(super) async fn open(operators: &Operators, count: u64) -> io::Result<Self> {
        let mut taps = Self { looking: JoinSet::new(), seen: Arc::default(), due: 0 };
        let mut list = String::new();
        ask(operators, &format!("/api/connections?limit={count}")).await?.read_to_string(&mut list).await?;
        let list: Value = serde_json::from_str(&list).map_err(io::Error::other)?;
        let ids: Vec<u64> = list["connections"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|connection| connection["id"].as_u64())
            .collect();
        if ids.len() as u64 != count {
            return Err(io::Error::other(format!("{count} connections expected in the list, got {ids:?}")));
        }
        for id in ids {
            let mut events = ask(operators, &format!("/api/connections/{id}/messages")).await?;
            // The sign of life behind which nothing is missed.
            events.read_line(&mut String::new()).await?;
            taps.looking.spawn(look(events, Arc::clone(&taps.seen)));
        }
        Ok(taps)
    }

    /// Waits until all of `messages` more have been shown.
    pub(super) async fn see(&mut self, messages: u64) -> io::Result<()> {
        self.due += messages;
        loop {
            let seen = self.seen.messages.load(Relaxed);
            if seen == self.due {
                return Ok(());
            }
            if seen > self.due {
                return Err(io::Error::other(format!("{} messages passed, {seen} were shown", self.due)));
            }
            tokio::select! {
                () = self.seen.changed.notified() => {}
                Some(ended) = self.looking.join_next() => ended??,
            }
        }
    }
}

/// Counts what one stream of events tells.
async fn look(events: BufReader<TcpStream>, seen: Arc<Seen>) -> io::Result<()> {
    let (mut lines, mut event) = (events.lines(), String::new());
    while let Some(line) = lines.next_line().await? {
        if let Some(name) = line.strip_prefix("event: ") {
            event = name.to_owned();
        } else if let Some(data) = line.strip_prefix("data: ") {
            seen.messages.fetch_add(count(&event, data)?, Relaxed);
            seen.changed.notify_one();
        }
    }
    Err(io::Error::other("a stream of messages ended"))
}

/// How many messages an event stands for.
fn count(event: &str, data: &str) -> io::Result<u64> {
    let strange = || io::Error::other(format!("a message or a gap expected, got {event}: {data}"));
    match event {
        "message" if data.contains(&format!("\"size\":{MESSAGE_LEN}")) => Ok(1),
        "skipped" => {
            let gap: Value = serde_json::from_str(data).map_err(io::Error::other)?;
            gap["count"].as_u64().ok_or_else(strange)
        }
        _ => Err(strange()),
    }
}

/// Asks as HTTP/1.0 does, so that the body comes in one piece; the answer is read up to it.
async fn ask(operators: &Operators, target: &str) -> io::Result<BufReader<TcpStream>> {
    let Operators { address, token } = operators;
    let mut stream = BufReader::new(TcpStream::connect(address).await?);
    let request =
        format!("GET {target} HTTP/1.0\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await? == 0 {
            return Err(io::Error::other(format!("{target}: the answer ends with {head:?}")));
        }
    }
    let status = head.split(' ').nth(1).unwrap_or_default();
    if status == "200" { Ok(stream) } else { Err(io::Error::other(format!("{target}: {head}"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_and_gaps_count_and_nothing_else_passes() {
        assert_eq!(count("message", "{\"seq\":1,\"size\":64}").expect("a message"), 1);
        assert_eq!(count("skipped", "{\"count\":7}").expect("a gap"), 7);
        for (event, data) in [("message", "{\"size\":63}"), ("closed", "{}"), ("skipped", "{}")] {
            assert!(count(event, data).is_err(), "{event}");
        }
    }
}
