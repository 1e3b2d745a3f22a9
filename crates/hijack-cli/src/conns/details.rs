//! All that is known of one connection, a line for each.

use hijack_gateway::ConnectionView;

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
    if let Some(head) = &view.head {
        lines.0 += &format!("\n{} {}\n", printable(&head.method), printable(&head.target));
        for (name, value) in &head.headers {
            lines.0 += &format!("{}: {}\n", printable(name), printable(value));
        }
    }
    lines.0
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
}
