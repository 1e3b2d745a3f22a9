//! All that is known of one connection, a line for each.

use hijack_gateway::{CallView, CallsView, ConnectionView};

use super::units::{short_ms, short_size, time_of_day};
use crate::ws::printable;

/// The lines of a connection, with its head where it is known.
pub(super) fn details(view: &ConnectionView) -> String {
    let mut lines = Lines(String::new());
    lines.say("id", &view.id.to_string());
    lines.say("state", &format!("{}, {}", view.state, view.gear));
    lines.say("route", &view.route);
    lines.say("peer", &view.peer);
    lines.say("upstream", &view.upstream);
    lines.say("request", &view.request);
    lines.say("protocol", &view.protocol);
    lines.say_some("subprotocol", view.subprotocol.as_deref());
    lines.say_some("extensions", view.extensions.as_deref());
    lines.say_some("subject", view.subject.as_deref());
    lines.say("tags", &view.tags.join(", "));
    lines.say("opened", &time_of_day(view.opened_at_ms));
    lines.say("age", &format!("{}, idle {}", short_ms(view.age_ms), short_ms(view.idle_ms)));
    lines.say("in", &direction(view.bytes_in, view.messages_in, view.illegal_in));
    lines.say("out", &direction(view.bytes_out, view.messages_out, view.illegal_out));
    match (&view.not_movable, view.movable) {
        (Some(why), _) => lines.say("movable", &format!("no: {why}")),
        (None, movable) => lines.say("movable", if movable { "yes" } else { "no" }),
    }
    lines.say("looked at", &format!("by {}", view.taps));
    if let Some(at) = view.closed_at_ms {
        lines.say("closed", &time_of_day(at));
    }
    lines.say_some("closed by", view.closed_by.as_deref());
    lines.say_some("code", view.code.map(|code| code.to_string()).as_deref());
    lines.say_some("reason", view.reason.as_deref());
    if let Some(calls) = &view.calls {
        lines.say("calls", &counts(calls));
        lines.say_some("not followed", calls.lost.as_deref());
    }
    if let Some(head) = &view.head {
        lines.0 += &format!("\n{} {}\n", printable(&head.method), printable(&head.target));
        for (name, value) in &head.headers {
            lines.0 += &format!("{}: {}\n", printable(name), printable(value));
        }
    }
    for (i, call) in view.calls.iter().flat_map(|calls| &calls.list).enumerate() {
        if i == 0 {
            lines.0 += &format!(
                "\n{:>8}  {:<19}  {:>6}  {:>8}  {:>8}  CALL\n",
                "STREAM", "STATUS", "TOOK", "MSGS IN", "MSGS OUT"
            );
        }
        lines.0 += &line(call);
    }
    lines.0
}

/// How many calls of gRPC there were, and how they ended.
fn counts(calls: &CallsView) -> String {
    let by = calls.from.as_deref().map(|from| format!(" by the {from}")).unwrap_or_default();
    let mut text = format!("{} begun{by}, {} open", calls.begun, calls.open);
    for (status, count) in &calls.ended {
        text += &format!(", {count} {status}");
    }
    if calls.not_followed > 0 {
        text += &format!(", {} too many to be followed", calls.not_followed);
    }
    text
}

/// One call of gRPC.
fn line(call: &CallView) -> String {
    let status = printable(call.status.as_deref().unwrap_or("open"));
    let took = short_ms(call.duration_ms);
    let reset = call.reset_by.as_deref().map(|by| format!(" (reset by the {by})")).unwrap_or_default();
    let message = call.message.as_deref().filter(|message| !message.is_empty());
    let message = message.map(|message| format!(": {}", printable(message))).unwrap_or_default();
    let CallView { stream, messages_in, messages_out, .. } = call;
    let method = printable(&call.method);
    format!(
        "{stream:>8}  {status:<19}  {took:>6}  {messages_in:>8}  {messages_out:>8}  {method}{reset}{message}\n"
    )
}

fn direction(bytes: u64, messages: u64, illegal: u64) -> String {
    let illegal = if illegal > 0 { format!(", {illegal} illegal frames") } else { String::new() };
    format!("{} in {messages} messages{illegal}", short_size(bytes))
}

struct Lines(String);

impl Lines {
    fn say(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.0 += &format!("{name:<12} {}\n", printable(value));
        }
    }

    fn say_some(&mut self, name: &str, value: Option<&str>) {
        self.say(name, value.unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_for_each_thing_that_is_known() {
        let json = r#"{"id":7,"route":"chat","peer":"unix","upstream":"http://h:1","protocol":"websocket",
            "subject":"al\u001bice","state":"closed","gear":"framed","request":"GET /ws","opened_at_ms":1700000000123,
            "age_ms":1000,"idle_ms":10,"bytes_in":1,"bytes_out":2048,"messages_in":1,"messages_out":2,"illegal_in":1,
            "illegal_out":0,"movable":false,"not_movable":"TLS","taps":0,"tags":["a","b"],"closed_at_ms":1700000001123,
            "closed_by":"client","reason":"reset","code":1006,
            "head":{"method":"GET","target":"/ws","headers":[["Host","h"],["X","\u001b[2J"]]}}"#;
        let view: ConnectionView = serde_json::from_str(json).expect("a connection");
        let expected = "\
id           7
state        closed, framed
route        chat
peer         unix
upstream     http://h:1
request      GET /ws
protocol     websocket
subject      al\\u{1b}ice
tags         a, b
opened       22:13:20.123Z
age          1.0s, idle 0.0s
in           1B in 1 messages, 1 illegal frames
out          2KiB in 2 messages
movable      no: TLS
looked at    by 0
closed       22:13:21.123Z
closed by    client
code         1006
reason       reset

GET /ws
Host: h
X: \\u{1b}[2J
";
        assert_eq!(details(&view), expected);
    }

    #[test]
    fn calls_of_grpc_are_lines_of_their_own() {
        let json = r#"{"id":7,"calls":{"from":"client","begun":3,"open":1,"not_followed":2,"lost":null,"ended":{"OK":1,"NOT_FOUND":1},
            "list":[{"stream":1,"method":"/a.B/One","began_at_ms":0,"duration_ms":1500,"messages_in":1,"messages_out":20,"status":"NOT_FOUND","message":"no\u001bsuch"},
            {"stream":3,"method":"/a.B/Two","began_at_ms":0,"duration_ms":10,"messages_in":0,"messages_out":0,"status":null},
            {"stream":5,"method":"/a.B/Two","began_at_ms":0,"duration_ms":10,"messages_in":0,"messages_out":0,"status":"CANCELLED","reset_by":"client"}]}}"#;
        let whole: serde_json::Value = serde_json::from_str(json).expect("JSON");
        let mut view = serde_json::to_value(ConnectionView::default()).expect("JSON");
        view["calls"] = whole["calls"].clone();
        let view: ConnectionView = serde_json::from_value(view).expect("a connection");
        let shown = details(&view);
        let expected =
            "calls        3 begun by the client, 1 open, 1 NOT_FOUND, 1 OK, 2 too many to be followed
";
        assert!(shown.contains(expected), "{shown}");
        let expected = "
  STREAM  STATUS                 TOOK   MSGS IN  MSGS OUT  CALL
       1  NOT_FOUND              1.5s         1        20  /a.B/One: no\\u{1b}such
       3  open                   0.0s         0         0  /a.B/Two
       5  CANCELLED              0.0s         0         0  /a.B/Two (reset by the client)
";
        assert!(shown.ends_with(expected), "{shown}");
    }
}
