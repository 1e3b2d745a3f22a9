//! Messages as values.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Error, Message, WebSocket};
use crate::transport::Stream;

/// A value that travels as a message: what `golang.org/x/net/websocket` calls a codec.
///
/// `Message`, `String` and `Vec<u8>` are their own; [`Json`] is any value that serde knows.
pub trait Codec: Sized {
    /// The message that stands for this value.
    ///
    /// # Errors
    ///
    /// [`Error::Codec`] if there is none.
    fn to_message(&self) -> Result<Message, Error>;

    /// The value that `message` stands for.
    ///
    /// # Errors
    ///
    /// [`Error::Codec`] if there is none.
    fn from_message(message: Message) -> Result<Self, Error>;
}

/// A value as JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T: Serialize + DeserializeOwned> Codec for Json<T> {
    fn to_message(&self) -> Result<Message, Error> {
        let text = serde_json::to_string(&self.0).map_err(|error| Error::Codec(error.into()))?;
        Ok(Message::Text(text))
    }

    fn from_message(message: Message) -> Result<Self, Error> {
        serde_json::from_slice(message.as_bytes()).map(Self).map_err(|error| Error::Codec(error.into()))
    }
}

impl Codec for Message {
    fn to_message(&self) -> Result<Message, Error> {
        Ok(self.clone())
    }

    fn from_message(message: Message) -> Result<Self, Error> {
        Ok(message)
    }
}

impl Codec for String {
    fn to_message(&self) -> Result<Message, Error> {
        Ok(Message::Text(self.clone()))
    }

    fn from_message(message: Message) -> Result<Self, Error> {
        match message {
            Message::Text(text) => Ok(text),
            Message::Binary(bytes) => Self::from_utf8(bytes).map_err(|error| Error::Codec(error.into())),
        }
    }
}

impl Codec for Vec<u8> {
    fn to_message(&self) -> Result<Message, Error> {
        Ok(Message::Binary(self.clone()))
    }

    fn from_message(message: Message) -> Result<Self, Error> {
        Ok(message.into_bytes())
    }
}

impl<Io: Stream> WebSocket<Io> {
    /// Sends a value as a message.
    ///
    /// # Errors
    ///
    /// [`Error::Codec`], and those of [`send`](Self::send).
    ///
    /// # Cancel safety
    ///
    /// As [`send`](Self::send).
    pub async fn send_value<T: Codec>(&mut self, value: &T) -> Result<(), Error> {
        self.send(value.to_message()?).await
    }

    /// Receives the next message as a value; nothing at the end. After [`Error::Codec`] the connection goes on.
    ///
    /// # Errors
    ///
    /// [`Error::Codec`], and those of [`recv`](Self::recv).
    ///
    /// # Cancel safety
    ///
    /// Safe.
    pub async fn recv_value<T: Codec>(&mut self) -> Result<Option<T>, Error> {
        self.recv().await?.map(T::from_message).transpose()
    }
}
