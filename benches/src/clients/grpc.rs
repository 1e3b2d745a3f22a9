//! A client of the official test service: over takeovers, or tonic's own over TCP.

use std::io::{self, Write};
use std::net::SocketAddr;

use hijack_tonic::interop::test_service_client::TestServiceClient;
use hijack_tonic::interop::{
    Payload, ResponseParameters, SimpleRequest, StreamingOutputCallRequest, StreamingOutputCallResponse,
};
use hijack_tonic::{Dialer, Mode};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic::body::Body;
use tonic::client::GrpcService;
use tonic::codegen::{Body as HttpBody, Bytes, StdError};
use tonic::transport::Endpoint;

use super::orders;
use crate::grpc::{Way, Work};
use crate::lanes::{all, share};
use crate::order::{DONE, Order};

/// Carries out the orders on stdin until it ends.
///
/// # Errors
/// When a call fails, or an answer is not as it must be.
pub fn run(way: Way, work: Work, callers: u64) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut orders = orders();
        let Some(line) = orders.recv().await else { return Ok(()) };
        let Order::Requests(server) = line.parse().map_err(io::Error::other)? else {
            return Err(io::Error::other(format!("not the first order: {line}")));
        };
        done()?;
        match way {
            Way::Plain => obey(orders, || plain(server), work, callers).await,
            Way::Token => obey(orders, || taken(server, Mode::Token), work, callers).await,
            Way::WebSocket => obey(orders, || taken(server, Mode::WebSocket), work, callers).await,
        }
    })
}

fn done() -> io::Result<()> {
    println!("{DONE}");
    io::stdout().flush()
}

/// tonic's own channel, which connects at the first call.
fn plain(server: SocketAddr) -> io::Result<tonic::transport::Channel> {
    let endpoint = Endpoint::from_shared(format!("http://{server}")).map_err(io::Error::other)?;
    Ok(endpoint.tcp_nodelay(true).connect_lazy())
}

/// Ours, which connects at the first call.
fn taken(server: SocketAddr, mode: Mode) -> io::Result<hijack_tonic::Channel> {
    let dialer = Dialer::to(&format!("http://{server}/grpc")).map_err(io::Error::other)?;
    Ok(dialer.mode(mode).channel())
}

/// What clients call over.
pub trait Calls:
    GrpcService<
        Body,
        ResponseBody: HttpBody<Data = Bytes, Error: Into<StdError> + Send> + Send + 'static,
        Error: Into<StdError>,
        Future: Send,
    > + Clone
    + Send
    + Sync
    + 'static
{
}

impl<C> Calls for C where
    C: GrpcService<
            Body,
            ResponseBody: HttpBody<Data = Bytes, Error: Into<StdError> + Send> + Send + 'static,
            Error: Into<StdError>,
            Future: Send,
        > + Clone
        + Send
        + Sync
        + 'static
{
}

async fn obey<C: Calls>(
    mut orders: mpsc::UnboundedReceiver<String>,
    open: impl Fn() -> io::Result<C>,
    work: Work,
    callers: u64,
) -> io::Result<()> {
    let client = TestServiceClient::new(open()?);
    while let Some(line) = orders.recv().await {
        let Order::Run(ops) = line.parse().map_err(io::Error::other)? else {
            return Err(io::Error::other(format!("unknown order: {line}")));
        };
        match work {
            Work::Unary => unary_calls(&client, callers, ops).await?,
            Work::Stream => stream(client.clone(), SMALL, ops).await?,
            Work::Bulk => stream(client.clone(), LARGE, ops).await?,
            Work::PingPong => ping_pong(client.clone(), ops).await?,
            Work::Open => {
                for _ in 0..ops {
                    unary(&mut TestServiceClient::new(open()?)).await?;
                }
            }
        }
        done()?;
    }
    Ok(())
}

async fn unary_calls<C: Calls>(client: &TestServiceClient<C>, callers: u64, ops: u64) -> io::Result<()> {
    let mut tasks = JoinSet::new();
    for caller in 0..callers {
        let mut client = client.clone();
        tasks.spawn(async move {
            for _ in 0..share(ops, caller, callers) {
                unary(&mut client).await?;
            }
            Ok(())
        });
    }
    all(tasks).await.map(drop)
}

async fn unary<C: Calls>(client: &mut TestServiceClient<C>) -> io::Result<()> {
    let request = SimpleRequest { response_size: SMALL, payload: payload(SMALL), ..Default::default() };
    let answer = client.unary_call(request).await.map_err(io::Error::other)?;
    check(answer.into_inner().payload.as_ref(), SMALL)
}

/// So many messages of one size, some thousand asked for by each call.
async fn stream<C: Calls>(mut client: TestServiceClient<C>, size: i32, mut ops: u64) -> io::Result<()> {
    while ops > 0 {
        let count = ops.min(PER_CALL);
        let asked = outputs(size, count);
        let mut answers = client.streaming_output_call(asked).await.map_err(io::Error::other)?.into_inner();
        for _ in 0..count {
            receive(&mut answers, size).await?;
        }
        match answers.message().await.map_err(io::Error::other)? {
            None => ops -= count,
            Some(_) => return Err(io::Error::other("a message too many")),
        }
    }
    Ok(())
}

/// Messages there and back, each sent when the last one has come.
async fn ping_pong<C: Calls>(mut client: TestServiceClient<C>, ops: u64) -> io::Result<()> {
    let (sender, asked) = mpsc::channel(1);
    let answers = client.full_duplex_call(ReceiverStream::new(asked)).await;
    let mut answers = answers.map_err(io::Error::other)?.into_inner();
    for _ in 0..ops {
        let ping = StreamingOutputCallRequest { payload: payload(SMALL), ..outputs(SMALL, 1) };
        sender.send(ping).await.map_err(io::Error::other)?;
        receive(&mut answers, SMALL).await?;
    }
    Ok(())
}

async fn receive(answers: &mut Streaming<StreamingOutputCallResponse>, size: i32) -> io::Result<()> {
    let answer = answers.message().await.map_err(io::Error::other)?;
    check(answer.and_then(|answer| answer.payload).as_ref(), size)
}

fn check(payload: Option<&Payload>, size: i32) -> io::Result<()> {
    let len = payload.map_or(0, |payload| payload.body.len());
    if i32::try_from(len) == Ok(size) { Ok(()) } else { Err(io::Error::other(format!("{len} bytes"))) }
}

fn payload(size: i32) -> Option<Payload> {
    let body = vec![0; usize::try_from(size).unwrap_or_default()];
    Some(Payload { body, ..Default::default() })
}

fn outputs(size: i32, count: u64) -> StreamingOutputCallRequest {
    let wanted = ResponseParameters { size, ..Default::default() };
    let response_parameters = (0..count).map(|_| wanted).collect();
    StreamingOutputCallRequest { response_parameters, ..Default::default() }
}

/// Bytes of a small message.
const SMALL: i32 = 64;

/// Bytes of a large one.
const LARGE: i32 = 64 * 1024;

/// Messages that one call asks for, at the most.
const PER_CALL: u64 = 10_000;
