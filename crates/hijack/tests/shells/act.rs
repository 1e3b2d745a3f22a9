//! What handlers do, said once for both shells: an exchange's handler and a tower service.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hijack::tower::{Hijacker, IncomingBody, NotTaken, TypedHijacker};
use hijack::{BoxError, Conn, Error, Exchange, Outcome, Upgrade};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::ok;

/// Any body, for handlers that answer with several kinds.
pub(crate) type AnyBody = UnsyncBoxBody<Bytes, BoxError>;

pub(crate) fn boxed<B>(body: B) -> AnyBody
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    body.map_err(Into::into).boxed_unsync()
}

/// What a handler does with a request. One for `/ok` is always answered `ok`.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Act {
    /// Answers `ok`, and reads nothing.
    Answer,
    /// Reads the whole body and answers with it and its trailers.
    Echo,
    /// Answers with frames whose number was not known before, and trailers.
    Chunks,
    /// Begins an answer that fails.
    Broken,
    /// Takes over, writing nothing.
    Raw(Talk),
    /// Reads one part of the body and then takes over.
    ReadThen(Talk),
    /// Upgrades to one of these protocols.
    Upgrade(&'static [&'static str], Talk),
    /// Accepts a tunnel.
    Tunnel(Talk),
    /// Writes a head and takes over behind it.
    After(u16, &'static [(&'static str, &'static str)], Talk),
    Panic,
    Fail,
}

/// What a taken-over connection's owner does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Talk {
    /// Sends back what comes, and closes behind the other end's end.
    Echo,
    /// Says `raw: ` and then does the same.
    Greet,
    /// Says this and closes.
    Say(&'static str),
    /// Reads so many bytes, sends them back and closes.
    Return(usize),
    /// Takes the connection apart and sends back what was unread and then everything else.
    Parts,
    /// Waits to be told, and says good-bye.
    Told,
    /// Reads and says nothing.
    Deaf,
    Panic,
    Drop,
}

/// The shells and the ways to take over in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shell {
    /// [`hijack::Server::serve`].
    Exchange,
    /// [`hijack::Server::serve_service`], taking over with the response.
    With,
    /// [`hijack::Server::serve_service`], taking over inside the handler.
    Inside,
}

impl Shell {
    pub(crate) const ALL: [Self; 3] = [Self::Exchange, Self::With, Self::Inside];
}

impl Act {
    /// As the handler of an exchange.
    pub(crate) async fn exchange(self, mut exchange: Exchange) -> Result<Outcome, Error> {
        if exchange.uri().path() == "/ok" {
            return ok(exchange).await;
        }
        let (taken, talk) = match self {
            Self::Answer => return ok(exchange).await,
            Self::Echo => {
                let (data, trailers) = read_exchange(&mut exchange).await?;
                return exchange.respond(Response::new(echoed(data, trailers))).await;
            }
            Self::Chunks => return exchange.respond(Response::new(Frames::chunks())).await,
            Self::Broken => return exchange.respond(Response::new(Frames::broken())).await,
            Self::Panic => panic!("on purpose, in the handler"),
            Self::Fail => return Err(Error::other("on purpose")),
            Self::Raw(talk) => (Ok(exchange.take_over().await?), talk),
            Self::ReadThen(talk) => {
                exchange.body().data().await?;
                (Ok(exchange.take_over().await?), talk)
            }
            Self::Upgrade(protocols, talk) => (exchange.upgrade(Upgrade::to(protocols)).await, talk),
            Self::Tunnel(talk) => (exchange.accept_connect(HeaderMap::new()).await, talk),
            Self::After(status, headers, talk) => (exchange.take_over_after(head(status, headers)), talk),
        };
        match taken {
            Ok(conn) => Ok(conn.hand_off(|conn| talk.run(conn))),
            Err(refused) => refused.answer().await,
        }
    }

    /// As a service, taking over in the way of `shell`.
    pub(crate) async fn service(
        self,
        shell: Shell,
        request: Request<IncomingBody>,
    ) -> Result<Response<AnyBody>, Error> {
        if request.uri().path() == "/ok" {
            return Ok(Response::new(boxed(Full::from("ok"))));
        }
        let (parts, mut body) = request.into_parts();
        let hijacker = parts.extensions.get::<Hijacker>().expect("served by hijack").clone();
        let (typed, talk) = match self {
            Self::Answer => return Ok(Response::new(boxed(Full::from("ok")))),
            Self::Echo => {
                let all = body.collect().await?;
                let trailers = all.trailers().cloned();
                return Ok(Response::new(echoed(all.to_bytes(), trailers)));
            }
            Self::Chunks => return Ok(Response::new(boxed(Frames::chunks()))),
            Self::Broken => return Ok(Response::new(boxed(Frames::broken()))),
            Self::Panic => panic!("on purpose, in the handler"),
            Self::Fail => return Err(Error::other("on purpose")),
            Self::Raw(talk) => return raw(shell, hijacker, talk).await,
            Self::ReadThen(talk) => {
                body.frame().await.transpose()?;
                return raw(shell, hijacker, talk).await;
            }
            Self::Upgrade(protocols, talk) => (hijacker.protocols(protocols), talk),
            Self::Tunnel(talk) => (hijacker.tunnel(), talk),
            Self::After(status, headers, talk) => (hijacker.after(head(status, headers)), talk),
        };
        take(shell, typed, talk).await
    }
}

async fn raw(shell: Shell, hijacker: Hijacker, talk: Talk) -> Result<Response<AnyBody>, Error> {
    if shell == Shell::With {
        return Ok(hijacker.take_over_with(move |conn| talk.run(conn)).map(boxed));
    }
    spoken(hijacker.take_over().await, talk).await
}

async fn take(shell: Shell, typed: TypedHijacker, talk: Talk) -> Result<Response<AnyBody>, Error> {
    if shell == Shell::With {
        return Ok(typed.take_over_with(move |conn| talk.run(conn)).map(boxed));
    }
    spoken(typed.take_over().await, talk).await
}

/// Talks inside the handler; what it answers afterwards must not be seen.
async fn spoken(taken: Result<Conn, NotTaken>, talk: Talk) -> Result<Response<AnyBody>, Error> {
    match taken {
        Ok(conn) => {
            talk.run(conn).await?;
            Ok(Response::new(boxed(Full::from("behind the conversation"))))
        }
        Err(not_taken) => Ok(not_taken.into_response().map(boxed)),
    }
}

async fn read_exchange(exchange: &mut Exchange) -> Result<(Bytes, Option<HeaderMap>), Error> {
    let mut body = exchange.body();
    let mut all = Vec::new();
    while let Some(data) = body.data().await? {
        all.extend_from_slice(&data);
    }
    Ok((all.into(), body.trailers().cloned()))
}

/// `data` with a length, or with the trailers behind it.
fn echoed(data: Bytes, trailers: Option<HeaderMap>) -> AnyBody {
    match trailers {
        None => boxed(Full::from(data)),
        Some(trailers) => boxed(Frames::of([Ok(Frame::data(data)), Ok(Frame::trailers(trailers))])),
    }
}

fn head(status: u16, headers: &[(&'static str, &'static str)]) -> Response<()> {
    let mut head = Response::builder().status(status);
    for (name, value) in headers {
        head = head.header(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    head.body(()).expect("a head")
}

impl Talk {
    pub(crate) async fn run(self, mut conn: Conn) -> Result<(), Error> {
        match self {
            Self::Echo => return echo(conn).await,
            Self::Greet => {
                conn.write_all(b"raw: ").await?;
                return echo(conn).await;
            }
            Self::Say(words) => conn.write_all(words.as_bytes()).await?,
            Self::Return(len) => {
                let mut data = vec![0; len];
                conn.read_exact(&mut data).await?;
                conn.write_all(&data).await?;
            }
            Self::Parts => return parts(conn).await,
            Self::Told => {
                conn.flush().await?;
                conn.told().await;
                conn.write_all(b"bye").await?;
            }
            Self::Deaf => {
                conn.flush().await?;
                conn.read_to_end(&mut Vec::new()).await?;
            }
            Self::Panic => panic!("on purpose, holding {conn:?}"),
            Self::Drop => return Ok(()),
        }
        conn.close().await.map(drop)
    }
}

async fn echo(mut conn: Conn) -> Result<(), Error> {
    conn.flush().await?;
    let mut data = vec![0; 16 << 10];
    loop {
        match conn.read(&mut data).await? {
            0 => return conn.close().await.map(drop),
            len => conn.write_all(&data[..len]).await?,
        }
    }
}

async fn parts(conn: Conn) -> Result<(), Error> {
    let mut parts = conn.into_parts();
    parts.io.write_all(&parts.unsent).await?;
    parts.io.write_all(&parts.unread).await?;
    let mut later = Vec::new();
    parts.io.read_to_end(&mut later).await?;
    parts.io.write_all(&later).await?;
    Ok(parts.io.shutdown().await?)
}

/// A body of frames that are made one by one.
#[derive(Debug)]
pub(crate) struct Frames(VecDeque<Result<Frame<Bytes>, BoxError>>);

impl Frames {
    pub(crate) fn of(frames: impl IntoIterator<Item = Result<Frame<Bytes>, BoxError>>) -> Self {
        Self(frames.into_iter().collect())
    }

    fn chunks() -> Self {
        let mut trailers = HeaderMap::new();
        trailers.insert("x-sum", HeaderValue::from_static("7"));
        let data = ["one", "three"].map(|data| Ok(Frame::data(data.into())));
        Self::of(data.into_iter().chain([Ok(Frame::trailers(trailers))]))
    }

    fn broken() -> Self {
        Self::of([Ok(Frame::data("some".into())), Err("on purpose".into())])
    }
}

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Poll::Ready(self.0.pop_front())
    }
}
