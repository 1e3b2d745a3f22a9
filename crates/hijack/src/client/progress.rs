//! Bytes both ways: whatever is awaited on a connection sends what is queued and reads what came.
//!
//! The request's body goes out while the answer comes in, so that neither side waits for the other in vain, and an
//! error of the one direction waits for what the other still tells.

use std::future::poll_fn;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, ready};

use hijack_proto::body::{BodyEvent, BodyLength};
use hijack_proto::h1::{self, AnswerBody, Outgoing, RequestId};
use hijack_proto::{HeadError, ResponseHead};
use http::{HeaderValue, StatusCode, Version, request};

use super::connection::Inner;
use super::target;
use super::upload::Upload;
use super::{Answer, Answered};
use crate::Error;
use crate::incoming::Incoming;
use crate::observe::{State, Timeout};
use crate::transport::Stream;

impl<Io: Stream> Inner<Io> {
    pub(super) fn put_head(
        &mut self,
        head: &request::Parts,
        length: Option<u64>,
        upgrade: Option<&HeaderValue>,
    ) -> Result<RequestId, Error> {
        if self.broken.is_some() || !self.session.can_send() || self.has_unasked() {
            return Err(Error::Closing);
        }
        let host = target::host(head, self.host.as_ref());
        let target = target::of(head, self.absolute_form, host.as_deref());
        let is_old = head.version == Version::HTTP_10;
        let outgoing = Outgoing {
            method: &head.method,
            target: target.as_bytes(),
            version: if is_old { Version::HTTP_10 } else { Version::HTTP_11 },
            host: host.as_deref().filter(|_| !is_old),
            upgrade,
            headers: &head.headers,
            body: length.map_or(AnswerBody::Unknown, AnswerBody::Exact),
        };
        let id = self.session.send(&outgoing, self.wire.out())?;
        if self.session.pending() == 1 {
            self.asked_at = self.bytes_in();
        }
        Ok(id)
    }

    pub(super) fn bytes_in(&self) -> u64 {
        self.wire.lease.record().bytes_in.load(Relaxed)
    }

    /// Whether the server said something between two exchanges. RFC 9112 §9.2: that is no answer to what is asked
    /// later.
    pub(super) fn has_unasked(&self) -> bool {
        let between = self.session.pending() == 0 && !self.session.is_in_body();
        between && !self.session.unread().is_empty()
    }

    /// Whether what comes next was said before the request that it would answer was sent (RFC 9112 §9.2).
    fn is_ahead_of_request(&self) -> bool {
        self.session.pending() > 0 && self.bytes_in() - (self.session.unread().len() as u64) < self.asked_at
    }

    /// Begins to send. That the wire is broken is not said here: the answer may say why.
    pub(super) fn poll_begin(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        match self.poll_upload(cx) {
            Poll::Ready(Err(error)) => self.give_up_sending(error),
            _ => Ok(()),
        }
    }

    /// Sends the request under way to its end, and meanwhile reads ahead, so that a server that answers before
    /// it reads on is not stuck.
    pub(super) fn poll_sent(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        loop {
            if self.broken.is_some() || (self.session.is_sending() && self.upload.is_none()) {
                return Poll::Ready(Err(Error::Closing)); // it was given up half sent
            }
            self.begin_wait();
            match self.poll_upload(cx) {
                Poll::Ready(Err(error)) => self.give_up_sending(error)?,
                Poll::Ready(Ok(())) => return Poll::Ready(Ok(())),
                Poll::Pending if self.session.unread().len() < self.config.read_ahead_len => {
                    match self.poll_fill(cx)? {
                        Poll::Ready(0) => return Poll::Ready(Err(self.unanswered())),
                        Poll::Ready(_) => {}
                        Poll::Pending => return self.wait_on(),
                    }
                }
                Poll::Pending => return self.wait_on(),
            }
        }
    }

    /// Takes note that the request under way cannot be sent to its end; an error of the wire waits for the answer.
    fn give_up_sending(&mut self, error: Error) -> Result<(), Error> {
        self.upload = None;
        self.session.end_requests();
        match error {
            Error::Io(error) if crate::ended_by(&error).is_none() => {
                self.broken = Some(error);
                Ok(())
            }
            error => Err(error),
        }
    }

    pub(super) fn poll_answered(&mut self, cx: &mut Context<'_>) -> Poll<Result<Answered, Error>> {
        if self.is_ahead_of_request() {
            self.session.end_requests();
            return Poll::Ready(Err(HeadError::Unasked.into()));
        }
        loop {
            match self.session.poll_head()? {
                h1::Answered::Interim(head) => {
                    // One for an earlier request says nothing of the body that waits.
                    let is_wanted = head.status() == StatusCode::CONTINUE && self.session.pending() == 1;
                    if let Some(upload) = self.upload.as_mut().filter(|_| is_wanted) {
                        upload.release();
                    }
                    return Poll::Ready(Ok(Answered::Interim(head)));
                }
                h1::Answered::Final { id, head, body, closes } => {
                    return Poll::Ready(Ok(Answered::Final(self.begin_answer(id, head, body, closes))));
                }
                h1::Answered::Ended | h1::Answered::NeedInput if self.session.pending() == 0 => {
                    return Poll::Ready(Err(Error::NothingAsked));
                }
                h1::Answered::Ended => return Poll::Ready(Err(self.unanswered())),
                h1::Answered::NeedInput => {}
            }
            ready!(self.poll_progress(cx))?;
        }
    }

    fn begin_answer(
        &mut self,
        id: RequestId,
        head: ResponseHead,
        length: BodyLength,
        closes: bool,
    ) -> Answer {
        self.wire.lease.end_wait();
        let early = self.session.is_sending() && self.session.pending() == 0;
        let unwanted = early && self.upload.as_ref().is_some_and(Upload::is_held);
        // A server that closes reads no further; one that was to say `100 Continue` and did not wants no body.
        if self.session.is_sending() && (closes || unwanted) {
            self.upload = None;
            self.session.end_requests();
        }
        self.last_head = head.raw().clone();
        if length.is_empty() && !closes {
            self.end_exchange();
        }
        let closes = closes || !self.session.keeps_alive();
        Answer { id, head, length, closes, early }
    }

    /// The server ended its direction with requests under way.
    fn unanswered(&mut self) -> Error {
        self.session.end_requests();
        match self.broken.take() {
            Some(error) => Error::Io(error),
            None => Error::Unanswered(self.session.pending()),
        }
    }

    /// Moves bytes both ways; ready when some came in, or the server's end did.
    fn poll_progress(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.begin_wait();
        if self.upload.is_some() || self.wire.queued() > 0 {
            if let Poll::Ready(Err(error)) = self.poll_upload(cx) {
                self.give_up_sending(error)?;
            }
            self.begin_wait();
        }
        match self.poll_fill(cx) {
            Poll::Ready(Ok(_)) => Poll::Ready(Ok(())),
            Poll::Ready(Err(error)) => Poll::Ready(Err(self.broken.take().map_or(error, Error::Io))),
            Poll::Pending => self.wait_on(),
        }
    }

    /// What the connection waits for, and for how long.
    fn waits_for(&self) -> Option<(Timeout, std::time::Duration)> {
        let config = &*self.config;
        let writes = self.wire.queued() > 0 || self.upload.as_ref().is_some_and(Upload::is_writing);
        if writes && self.broken.is_none() {
            Some((Timeout::Write, config.write_timeout))
        } else if self.session.is_in_body() {
            config.body_timeout.map(|limit| (Timeout::Body, limit))
        } else if self.upload.is_some() {
            None // for our own side
        } else {
            config.answer_timeout.map(|limit| (Timeout::Answer, limit))
        }
    }

    /// Ends a wait for something else that was left over.
    fn begin_wait(&self) {
        match self.waits_for() {
            Some((what, _)) => self.wire.lease.end_other_waits(what),
            None => self.wire.lease.end_wait(),
        }
    }

    fn wait_on<T>(&self) -> Poll<T> {
        if let Some((what, limit)) = self.waits_for() {
            self.wire.lease.wait(what, limit);
        }
        Poll::Pending
    }

    /// Reads once and feeds the session.
    pub(super) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize, Error>> {
        let Self { wire, session, .. } = self;
        let read = wire.poll_read_with(cx, |bytes| {
            match bytes {
                [] => session.feed_eof(),
                bytes => session.feed(bytes),
            }
            bytes.len()
        });
        read.map_err(Error::from)
    }

    /// Reads what is left of the last answer's body and throws it away.
    pub(super) async fn skip_body(&mut self) -> Result<(), Error> {
        let (limit, mut drained) = (self.config.drain_len, 0);
        while self.session.is_in_body() {
            match poll_fn(|cx| self.poll_body(cx, limit)).await? {
                BodyEvent::Data(data) => drained += data.len(),
                _ => break,
            }
            if drained > limit {
                self.session.end_requests();
                return Err(Error::BodyTooLong { limit });
            }
        }
        Ok(())
    }

    /// Makes ready for the next exchange if this answer's body is read to its end.
    pub(super) fn end_exchange(&mut self) {
        if self.session.finish() {
            self.note_idle();
        }
    }

    /// Between two exchanges.
    fn note_idle(&self) {
        if self.session.pending() == 0 && !self.session.is_sending() {
            self.wire.lease.set_state(State::Idle);
        }
    }
}

impl<Io: Stream> Incoming for Inner<Io> {
    fn poll_body(&mut self, cx: &mut Context<'_>, max: usize) -> Poll<Result<BodyEvent, Error>> {
        loop {
            match self.session.poll_body(max)? {
                BodyEvent::NeedInput => {}
                BodyEvent::End(trailers) => {
                    self.wire.lease.end_wait();
                    self.end_exchange();
                    return Poll::Ready(Ok(BodyEvent::End(trailers)));
                }
                event => {
                    self.wire.lease.end_wait();
                    return Poll::Ready(Ok(event));
                }
            }
            ready!(self.poll_progress(cx))?;
        }
    }

    fn end_wait(&mut self) {
        self.wire.lease.end_wait();
    }
}
