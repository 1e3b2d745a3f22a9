//! `hijack conns send` and `broadcast`: what was typed, or stdin, as a message.

use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::{Map, Value, json};

use super::api::Ask;
use super::args::{Broadcast, Message, To};
use super::{Gateway, connections, count, path_of};
use crate::exit::{Failure, Kind};

/// Bytes of a message from stdin.
const MESSAGE_LEN: u64 = 16 << 20;

impl Gateway {
    pub(super) async fn send(&self, id: u64, message: &Message) -> Result<(), Failure> {
        let body = Some(Value::Object(body(message)?));
        let path = format!("{}/messages", path_of(id));
        let value = self.api.ask(Ask { doing: "send the message", method: Method::POST, path, body }).await?;
        self.tell(&value, message.to)
    }

    pub(super) async fn broadcast(&self, broadcast: &Broadcast) -> Result<(), Failure> {
        let mut body = body(&broadcast.message)?;
        body.insert("filter".into(), broadcast.filter.text.clone().into());
        let (path, body) = ("/api/broadcast".to_owned(), Some(Value::Object(body)));
        let value = self.api.ask(Ask { doing: "send the message", method: Method::POST, path, body }).await?;
        self.tell(&value, broadcast.message.to)
    }

    /// How many got it. It is a failure if nobody did.
    fn tell(&self, value: &Value, to: To) -> Result<(), Failure> {
        let (matched, delivered) = (count(value, "matched"), count(value, "delivered"));
        if self.reach.json {
            self.print_values(&[json!({ "matched": matched, "delivered": delivered })])?;
        } else if delivered > 0 {
            let of = if delivered < matched { format!(" of {matched}") } else { String::new() };
            self.terminal.print(&format!("sent to the {} of {}{of}\n", name(to), connections(delivered)))?;
        }
        match (matched, delivered) {
            (0, _) => Err(Failure::new(Kind::Unmatched, "no connection matches (see `hijack conns list`)")),
            (_, 0) => {
                let text = format!(
                    "cannot send the message: {} matched, and none took it (do they end, or read too slowly?)",
                    connections(matched)
                );
                Err(Failure::new(Kind::Refused, text))
            }
            _ => Ok(()),
        }
    }
}

fn name(to: To) -> &'static str {
    match to {
        To::Client => "client",
        To::Upstream => "upstream",
    }
}

/// The message as the API wants it.
fn body(message: &Message) -> Result<Map<String, Value>, Failure> {
    let mut body = Map::new();
    body.insert("to".into(), name(message.to).into());
    let (key, payload) = match (&message.text, &message.base64) {
        (Some(text), _) => ("text", text.clone()),
        (None, Some(base64)) => ("base64", checked(base64)?),
        (None, None) => from_stdin(message.binary)?,
    };
    body.insert(key.into(), payload.into());
    Ok(body)
}

fn checked(base64: &str) -> Result<String, Failure> {
    match STANDARD.decode(base64) {
        Ok(_) => Ok(base64.to_owned()),
        Err(error) => {
            let text = format!(
                "cannot send the message: --base64 is no base64: {error} (the standard alphabet, padded)"
            );
            Err(Failure::new(Kind::Other, text))
        }
    }
}

/// Stdin to its end; a text without the newline that ends it.
fn from_stdin(binary: bool) -> Result<(&'static str, String), Failure> {
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().take(MESSAGE_LEN + 1).read_to_end(&mut bytes);
    read.map_err(|error| Failure::system("read stdin", &error))?;
    if bytes.len() as u64 > MESSAGE_LEN {
        let text = format!("cannot send the message: stdin exceeds limit {MESSAGE_LEN} bytes");
        return Err(Failure::new(Kind::Other, text));
    }
    if binary {
        return Ok(("base64", STANDARD.encode(bytes)));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(("text", text.strip_suffix('\n').unwrap_or(&text).to_owned())),
        Err(_) => {
            let text = "cannot send the message: stdin is not UTF-8 (--binary sends bytes as they are)";
            Err(Failure::new(Kind::Other, text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_text_or_base64() {
        let message = |text: Option<&str>, base64: Option<&str>, to| Message {
            text: text.map(str::to_owned),
            base64: base64.map(str::to_owned),
            binary: false,
            to,
        };
        let value = Value::Object(body(&message(Some("hi"), None, To::Client)).expect("text"));
        assert_eq!(value, json!({ "to": "client", "text": "hi" }));
        let value = Value::Object(body(&message(None, Some("AP8="), To::Upstream)).expect("base64"));
        assert_eq!(value, json!({ "to": "upstream", "base64": "AP8=" }));
        let error = body(&message(None, Some("?"), To::Client)).expect_err("no base64");
        assert!(error.to_string().contains("--base64 is no base64"), "{error}");
    }
}
