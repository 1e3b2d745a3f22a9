//! `hijack conns`: an operator's commands, over the admin API of a running gateway.
//!
//! `api` asks and says what went wrong, `sse` finds events in a stream, `table`, `details` and `message` are how things
//! look, `kick`, `send` and `watch` the acts that take more than one step. Here is one function for each command.

mod api;
mod args;
mod details;
mod kick;
mod message;
mod send;
mod sse;
mod table;
mod terminal;
mod units;
mod watch;

use hijack_gateway::{ConnectionView, MessageView};
use http::Method;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::exit::{Failure, Kind};
use api::{Api, Ask, with_query};
use args::{Act, List, Query, Reach, Tag};
use message::Style;
use terminal::Terminal;

pub(crate) use args::Conns;

/// Carries a command out.
pub(crate) async fn run(conns: Conns) -> Result<(), Failure> {
    let gateway = Gateway { api: Api::new(&conns.reach)?, reach: conns.reach, terminal: Terminal::new() };
    match conns.act {
        Act::List(list) => gateway.list(list).await,
        Act::Show(show) => gateway.show(show.id).await,
        Act::Tail(tail) => gateway.tail(tail.id, tail.form).await,
        Act::Send(send) => gateway.send(send.id, &send.message).await,
        Act::Kick(kick) => gateway.kick(&kick).await,
        Act::Broadcast(broadcast) => gateway.broadcast(&broadcast).await,
        Act::Tag(tag) => gateway.tag(&tag).await,
    }
}

/// A gateway, and where its answers are shown.
struct Gateway {
    api: Api,
    reach: Reach,
    terminal: Terminal,
}

impl Gateway {
    async fn list(&self, list: List) -> Result<(), Failure> {
        if list.watch {
            return self.watch(list.filter.as_ref(), list.limit).await;
        }
        let values = self.connections(list.filter.as_ref(), list.limit).await?;
        if self.reach.json {
            return self.print_values(&values);
        }
        let views = self.views(values)?;
        let ended = list.filter.is_some_and(|query| query.filter.asks_for_closed());
        if views.is_empty() {
            self.terminal.note("no connection matches");
            return Ok(());
        }
        self.terminal.print(&table::table(&views, ended, self.terminal.width()))
    }

    async fn show(&self, id: u64) -> Result<(), Failure> {
        let ask = Ask { doing: "show the connection", method: Method::GET, path: path_of(id), body: None };
        let value = self.api.ask(ask).await?;
        if self.reach.json {
            return self.print_values(&[value]);
        }
        self.terminal.print(&details::details(&self.read("show the connection", value)?))
    }

    async fn tail(&self, id: u64, form: args::Form) -> Result<(), Failure> {
        let doing = "look at the connection's messages";
        let style = Style { form, colours: self.terminal.colours() };
        let mut events = self.api.events(doing, format!("{}/messages", path_of(id))).await?;
        while let Some(event) = events.next(doing).await? {
            let value = self.parse(doing, &event.data)?;
            match event.name.as_str() {
                "closed" => {
                    let view: ConnectionView = self.read(doing, value)?;
                    self.terminal.note(&format!("connection {id} {}", how_it_ended(&view)));
                    return Ok(());
                }
                "message" if self.reach.json => self.print_values(&[value])?,
                "message" => self.terminal.print(&style.show(&self.read::<MessageView>(doing, value)?))?,
                "skipped" => self.terminal.note(&skipped(&value, "messages")),
                // A later version may tell more.
                _ => {}
            }
        }
        let text = format!("cannot {doing} any longer: the gateway ended the stream (did it restart?)");
        Err(Failure::new(Kind::Broken, text))
    }

    async fn tag(&self, tag: &Tag) -> Result<(), Failure> {
        let doing = "tag the connection";
        let path = format!("{}/tags", path_of(tag.id));
        let body = Some(json!({ "tags": tag.tags }));
        let value = self.api.ask(Ask { doing, method: Method::PUT, path, body }).await?;
        if self.reach.json {
            return self.print_values(&[value]);
        }
        let view: ConnectionView = self.read(doing, value)?;
        let tags = if view.tags.is_empty() { "none".to_owned() } else { view.tags.join(", ") };
        self.terminal.print(&format!("tags of connection {}: {}\n", view.id, crate::ws::printable(&tags)))
    }

    /// The connections that match, page by page.
    async fn connections(&self, query: Option<&Query>, limit: Option<usize>) -> Result<Vec<Value>, Failure> {
        let doing = "list the connections";
        let most = limit.unwrap_or(usize::MAX);
        let mut found: Vec<Value> = Vec::new();
        let mut cursor = None;
        while found.len() < most {
            let parameters = [
                ("filter", query.map(|query| query.text.clone())),
                ("limit", Some(PAGE.min(most - found.len()).to_string())),
                ("cursor", cursor.take()),
            ];
            let path = with_query("/api/connections", &parameters);
            let page = self.api.ask(Ask { doing, method: Method::GET, path, body: None }).await?;
            let Some(Value::Array(connections)) = page.get("connections") else {
                return Err(self.api.strange(doing, &"it has no connections"));
            };
            found.extend(connections.iter().cloned());
            cursor = page.get("next_cursor").and_then(Value::as_str).map(str::to_owned);
            if cursor.is_none() || connections.is_empty() {
                break;
            }
        }
        found.truncate(most);
        Ok(found)
    }

    fn views(&self, values: Vec<Value>) -> Result<Vec<ConnectionView>, Failure> {
        values.into_iter().map(|value| self.read("list the connections", value)).collect()
    }

    fn read<T: DeserializeOwned>(&self, doing: &str, value: Value) -> Result<T, Failure> {
        serde_json::from_value(value).map_err(|error| self.api.strange(doing, &error))
    }

    fn parse(&self, doing: &str, data: &str) -> Result<Value, Failure> {
        serde_json::from_str(data).map_err(|error| self.api.strange(doing, &error))
    }

    /// JSON, a value a line.
    fn print_values(&self, values: &[Value]) -> Result<(), Failure> {
        let lines: Vec<String> = values.iter().map(|value| format!("{value}\n")).collect();
        self.terminal.print(&lines.concat())
    }
}

/// Connections that are asked for at once.
const PAGE: usize = 500;

fn path_of(id: u64) -> String {
    format!("/api/connections/{id}")
}

/// How many, in an answer to an act.
fn count(value: &Value, name: &str) -> u64 {
    value.get(name).and_then(Value::as_u64).unwrap_or_default()
}

/// `3 connections`, `1 connection`.
fn connections(count: u64) -> String {
    format!("{count} connection{}", if count == 1 { "" } else { "s" })
}

fn skipped(value: &Value, what: &str) -> String {
    format!("{} {what} were skipped: they came faster than they could be shown", count(value, "count"))
}

fn how_it_ended(view: &ConnectionView) -> String {
    let by = view.closed_by.as_deref().map(|by| format!(" by the {by}")).unwrap_or_default();
    let code = view.code.map(|code| format!(" with {code}")).unwrap_or_default();
    let reason = view.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
    format!("was closed{by}{code}{reason}")
}
