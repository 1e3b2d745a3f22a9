//! Values as messages: what `golang.org/x/net/websocket` calls codecs.

use hijack::ws::{Codec, Error, Json, Message, MessageKind};
use serde_json::{Value, json};

use crate::support::soon;
use crate::wire::{BINARY, TEXT, masked, pair, serving};

/// JSON both ways; what is none is an error behind which the connection goes on.
#[tokio::test]
async fn json_travels_as_text() {
    let (mut socket, mut client) = serving(|_| ()).await;
    socket.send_value(&Json(json!({"a": [1, 2]}))).await.expect("open");
    client.expect_frame(TEXT, r#"{"a":[1,2]}"#).await;
    client.send([masked(TEXT, "{"), masked(BINARY, "[true]"), masked(TEXT, r#""x""#)].concat()).await;
    let error = soon("a value", socket.recv_value::<Json<Value>>()).await.expect_err("no JSON");
    assert!(matches!(error, Error::Codec(_)), "{error:?}");
    assert_eq!(soon("a value", socket.recv_value()).await.expect("JSON"), Some(Json(vec![true])));
    let error = soon("a value", socket.recv_value::<Json<u8>>()).await.expect_err("no number");
    assert!(matches!(error, Error::Codec(_)), "{error:?}");
    socket.send("goes on").await.expect("open");
    client.expect_frame(TEXT, "goes on").await;
}

/// Text, bytes and messages are their own.
#[tokio::test]
async fn plain_values_are_messages() {
    let (mut client, mut server) = pair(|_| (), |_| ()).await;
    client.send_value(&"text".to_owned()).await.expect("open");
    client.send_value(&vec![1_u8, 2]).await.expect("open");
    client.send_value(&Message::from("message")).await.expect("open");
    client.send_value(&vec![0xFF_u8]).await.expect("open");
    assert_eq!(soon("a value", server.recv_value()).await.expect("text"), Some("text".to_owned()));
    assert_eq!(soon("a value", server.recv_value()).await.expect("bytes"), Some(vec![1_u8, 2]));
    assert_eq!(soon("a value", server.recv_value()).await.expect("any"), Some(Message::from("message")));
    assert!(matches!(soon("a value", server.recv_value::<String>()).await, Err(Error::Codec(_))));
    drop(client);
    assert_eq!(soon("the end", server.recv_value::<Message>()).await.expect("in order"), None);
}

#[test]
fn a_message_shows_what_it_is() {
    let (text, bytes) = (Message::from("µ"), Message::from(vec![0xFF]));
    assert_eq!(
        (text.kind(), text.as_text(), text.as_bytes()),
        (MessageKind::Text, Some("µ"), "µ".as_bytes())
    );
    assert_eq!(
        (bytes.kind(), bytes.as_text(), bytes.clone().into_bytes()),
        (MessageKind::Binary, None, vec![0xFF])
    );
    assert_eq!(format!("{text:?} {bytes:?}"), r#"Text("µ") Binary(\xff)"#);
    assert_eq!(String::from_message(Message::from("x")).expect("text"), "x");
}
