//! The body of a request on its way out: pulled from its source as fast as the wire takes it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use http::HeaderMap;
use http_body::Body;
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use tokio::time::Sleep;

use super::connection::Inner;
use crate::transport::Stream;
use crate::{BoxError, Error};

/// Pieces up to this length are copied behind what is queued; larger ones are written from where they are.
const COPY_LEN: usize = 8 * 1024;

/// So many queued bytes are written before more is asked for.
const QUEUE_LEN: usize = 16 * 1024;

/// A request's body that is not sent to its end.
pub(super) struct Upload {
    source: UnsyncBoxBody<Bytes, BoxError>,
    /// What is written uncopied at the moment, behind the head of its chunk.
    piece: Bytes,
    trailers: Option<Box<HeaderMap>>,
    /// The body waits for `100 Continue`, until this is over.
    held: Option<Pin<Box<Sleep>>>,
}

impl Upload {
    /// `hold` is how long to wait for `100 Continue`, if it was asked for.
    pub(super) fn new<B>(body: B, hold: Option<Duration>) -> Self
    where
        B: Body + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let whole = |mut data: B::Data| data.copy_to_bytes(data.remaining());
        Self {
            source: body.map_frame(move |frame| frame.map_data(whole)).map_err(Into::into).boxed_unsync(),
            piece: Bytes::new(),
            trailers: None,
            held: hold.map(|hold| Box::pin(tokio::time::sleep(hold))),
        }
    }

    /// The server wants the body.
    pub(super) fn release(&mut self) {
        self.held = None;
    }

    pub(super) fn is_held(&self) -> bool {
        self.held.is_some()
    }

    /// A piece is on its way that the wire did not take whole.
    pub(super) fn is_writing(&self) -> bool {
        !self.piece.is_empty()
    }

    /// The next data of the body; `None` at its end.
    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Error>> {
        loop {
            let Some(frame) = ready!(Pin::new(&mut self.source).poll_frame(cx)) else {
                return Poll::Ready(Ok(None));
            };
            match frame.map_err(Error::Request)?.into_data() {
                Ok(data) => return Poll::Ready(Ok(Some(data))),
                Err(frame) => self.trailers = frame.into_trailers().ok().map(Box::new),
            }
        }
    }
}

impl<Io: Stream> Inner<Io> {
    /// Writes what is queued and as much of the request's body as its source and the wire allow; ready once
    /// all of both is written.
    pub(super) fn poll_upload(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        while let Some(upload) = &mut self.upload {
            if !upload.piece.is_empty() {
                let len = ready!(self.wire.poll_write(cx, &upload.piece))?;
                upload.piece.advance(len);
                if upload.piece.is_empty() {
                    self.session.close_data(self.wire.out());
                }
                continue;
            }
            if self.wire.queued() >= QUEUE_LEN {
                ready!(self.wire.poll_flush(cx))?;
            }
            let next = match &mut upload.held {
                Some(held) => held.as_mut().poll(cx).map(|()| None),
                None => upload.poll_data(cx).map(Some),
            };
            match next {
                Poll::Ready(None) => upload.release(),
                Poll::Ready(Some(data)) => self.put_piece(data?)?,
                Poll::Pending => {
                    ready!(self.wire.poll_flush(cx))?;
                    return Poll::Pending;
                }
            }
        }
        if self.wire.queued() > 0 {
            self.wire.poll_flush(cx).map_err(Error::from)
        } else {
            Poll::Ready(Ok(()))
        }
    }

    /// Writes `data` with its framing, or the end of the body.
    fn put_piece(&mut self, data: Option<Bytes>) -> Result<(), Error> {
        let Some(data) = data else {
            let trailers = self.upload.take().and_then(|upload| upload.trailers);
            return Ok(self.session.end_request(trailers.as_deref(), self.wire.out())?);
        };
        if data.len() <= COPY_LEN {
            return Ok(self.session.put_data(&data, self.wire.out())?);
        }
        self.session.open_data(data.len(), self.wire.out())?;
        if let Some(upload) = &mut self.upload {
            upload.piece = data;
        }
        Ok(())
    }
}
