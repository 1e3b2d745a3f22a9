//! Messages as a stream and a sink, for the combinators of `futures`.

use std::pin::Pin;
use std::task::{Context, Poll};

use hijack_proto::ws::{Close, CloseCode};

use super::socket::Inner;
use super::{Error, Message, Reader, WebSocket, Writer};
use crate::transport::Stream;

/// As [`recv`](WebSocket::recv). Nothing follows an error.
impl<Io: Stream> futures_core::Stream for WebSocket<Io> {
    type Item = Result<Message, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_recv(cx).map(Result::transpose)
    }
}

/// As [`recv`](Reader::recv). Nothing follows an error.
impl<Io: Stream> futures_core::Stream for Reader<Io> {
    type Item = Result<Message, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_recv(cx).map(Result::transpose)
    }
}

/// As [`feed`](WebSocket::feed) and [`flush`](WebSocket::flush). Closing it sends a Close of 1000; the stream then
/// gives what the peer still says.
impl<Io: Stream> futures_sink::Sink<Message> for WebSocket<Io> {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner().poll_room(cx.waker()).map_err(Error::Io)
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        self.inner().put(message.kind(), message.as_bytes())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner().poll_flush(cx.waker()).map_err(Error::Io)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        close(self.inner())?;
        self.inner().poll_flush(cx.waker()).map_err(Error::Io)
    }
}

/// As [`send`](Writer::send), of which flushing is the second half. Closing it closes the connection for all writers;
/// the reader then gives what the peer still says.
impl<Io: Stream> futures_sink::Sink<Message> for Writer<Io> {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_here(cx, Inner::poll_room).map_err(Error::Io)
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        self.with_inner(|inner| inner.put(message.kind(), message.as_bytes()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_here(cx, Inner::poll_flush).map_err(Error::Io)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.with_inner(close)?;
        self.poll_flush(cx)
    }
}

fn close<Io: Stream>(inner: &mut Inner<Io>) -> Result<(), Error> {
    inner.begin_close(Some(Close::new(CloseCode::NORMAL)))
}
