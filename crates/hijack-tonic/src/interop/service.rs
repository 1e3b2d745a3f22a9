//! What the service does, as its official description has it.

use std::pin::Pin;
use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use tonic::codec::CompressionEncoding::Gzip;
use tonic::metadata::MetadataMap;
use tonic::{Code, Request, Response, Status, Streaming};

use super::flags::{Flagged, Flags};
use super::generated::test_service_server::{self, TestServiceServer};
use super::generated::{
    BoolValue, EchoStatus, Empty, Payload, SimpleRequest, SimpleResponse, StreamingInputCallRequest,
    StreamingInputCallResponse, StreamingOutputCallRequest, StreamingOutputCallResponse,
};
use super::packing::Packed;
use crate::{Trailers, WithTrailers};

/// `grpc.testing.TestService`.
#[derive(Debug, Clone, Copy, Default)]
pub struct TestService;

/// It, to be added to `Routes`; it takes and gives messages compressed by gzip.
#[must_use]
pub fn server() -> Flagged<TestServiceServer<TestService>> {
    Flagged(TestServiceServer::new(TestService).accept_compressed(Gzip))
}

type Outputs = Pin<Box<dyn Stream<Item = Result<StreamingOutputCallResponse, Status>> + Send>>;

/// Bytes of one payload that is asked for: more than any case of the official tests wants, and little for a server.
const MAX_PAYLOAD_LEN: i32 = 16 * 1024 * 1024;

#[tonic::async_trait]
impl test_service_server::TestService for TestService {
    async fn empty_call(&self, request: Request<Empty>) -> Result<Response<Empty>, Status> {
        Ok(Echo::of(request.metadata()).answer(Empty {}))
    }

    async fn unary_call(&self, request: Request<SimpleRequest>) -> Result<Response<SimpleResponse>, Status> {
        let echo = Echo::of(request.metadata());
        let flags = Flags::of(request.extensions());
        let asked = request.into_inner();
        flags.check(asked.expect_compressed)?;
        check(asked.response_status.as_ref())?;
        let payload = Some(payload(asked.response_size)?);
        let mut response = echo.answer(SimpleResponse { payload, ..Default::default() });
        if wants(asked.response_compressed) {
            response.extensions_mut().insert(Packed([true].into()));
        }
        Ok(response)
    }

    async fn cacheable_unary_call(
        &self,
        request: Request<SimpleRequest>,
    ) -> Result<Response<SimpleResponse>, Status> {
        self.unary_call(request).await
    }

    type StreamingOutputCallStream = Outputs;

    async fn streaming_output_call(
        &self,
        request: Request<StreamingOutputCallRequest>,
    ) -> Result<Response<Outputs>, Status> {
        let echo = Echo::of(request.metadata());
        let asked = request.into_inner();
        let wanted = asked.response_parameters.iter().map(|wanted| wants(wanted.compressed));
        let packed = Packed(wanted.collect());
        let mut response = echo.answer(outputs(asked));
        if packed.0.contains(&true) {
            response.extensions_mut().insert(packed);
        }
        Ok(response)
    }

    async fn streaming_input_call(
        &self,
        request: Request<Streaming<StreamingInputCallRequest>>,
    ) -> Result<Response<StreamingInputCallResponse>, Status> {
        let echo = Echo::of(request.metadata());
        let flags = Flags::of(request.extensions());
        let mut inputs = request.into_inner();
        let mut size: usize = 0;
        while let Some(input) = inputs.message().await? {
            flags.check(input.expect_compressed)?;
            size = size.saturating_add(input.payload.map_or(0, |payload| payload.body.len()));
        }
        let aggregated_payload_size = i32::try_from(size).unwrap_or(i32::MAX);
        Ok(echo.answer(StreamingInputCallResponse { aggregated_payload_size }))
    }

    type FullDuplexCallStream = Outputs;

    async fn full_duplex_call(
        &self,
        request: Request<Streaming<StreamingOutputCallRequest>>,
    ) -> Result<Response<Outputs>, Status> {
        let echo = Echo::of(request.metadata());
        let answers = request.into_inner().flat_map(|asked| match asked {
            Ok(asked) => outputs(asked),
            Err(status) => failed(status),
        });
        Ok(echo.answer(Box::pin(answers)))
    }

    type HalfDuplexCallStream = Outputs;

    async fn half_duplex_call(
        &self,
        request: Request<Streaming<StreamingOutputCallRequest>>,
    ) -> Result<Response<Outputs>, Status> {
        let echo = Echo::of(request.metadata());
        let mut inputs = request.into_inner();
        let mut asked = Vec::new();
        while let Some(next) = inputs.message().await? {
            if asked.len() == MAX_HELD {
                return Err(Status::resource_exhausted(format!("more than {MAX_HELD} requests are held")));
            }
            asked.push(next);
        }
        let answers = stream::iter(asked).flat_map(outputs);
        Ok(echo.answer(Box::pin(answers)))
    }

    async fn unimplemented_call(&self, _: Request<Empty>) -> Result<Response<Empty>, Status> {
        Err(Status::unimplemented("nobody implements this"))
    }
}

/// Requests of a `HalfDuplexCall` that are held until all have come.
const MAX_HELD: usize = 1024;

/// The metadata that a client wants back.
struct Echo {
    initial: MetadataMap,
    trailing: MetadataMap,
}

impl Echo {
    fn of(metadata: &MetadataMap) -> Self {
        let mut echo = Self { initial: MetadataMap::new(), trailing: MetadataMap::new() };
        for value in metadata.get_all(INITIAL) {
            echo.initial.append(INITIAL, value.clone());
        }
        for value in metadata.get_all_bin(TRAILING) {
            echo.trailing.append_bin(TRAILING, value.clone());
        }
        echo
    }

    fn answer<T>(self, message: T) -> Response<T> {
        let mut response = Response::new(message);
        *response.metadata_mut() = self.initial;
        response.with_trailers(&Trailers::from(self.trailing))
    }
}

const INITIAL: &str = "x-grpc-test-echo-initial";
const TRAILING: &str = "x-grpc-test-echo-trailing-bin";

fn wants(flag: Option<BoolValue>) -> bool {
    flag.is_some_and(|flag| flag.value)
}

/// The status that the client asked for, unless that is success.
fn check(status: Option<&EchoStatus>) -> Result<(), Status> {
    match status {
        Some(EchoStatus { code, message }) if *code != 0 => Err(Status::new(Code::from(*code), message)),
        _ => Ok(()),
    }
}

fn payload(size: i32) -> Result<Payload, Status> {
    match usize::try_from(size) {
        Ok(len) if size <= MAX_PAYLOAD_LEN => Ok(Payload { r#type: 0, body: vec![0; len] }),
        _ => Err(Status::invalid_argument(format!(
            "a payload of {size} bytes exceeds the limit of {MAX_PAYLOAD_LEN}"
        ))),
    }
}

/// The payloads that `asked` wants, each in its time, and then its status.
fn outputs(asked: StreamingOutputCallRequest) -> Outputs {
    let status = asked.response_status;
    let wanted = asked.response_parameters.into_iter();
    let payloads = stream::iter(wanted).then(|wanted| async move {
        if let Ok(pause @ 1..) = u64::try_from(wanted.interval_us) {
            tokio::time::sleep(Duration::from_micros(pause)).await;
        }
        Ok(StreamingOutputCallResponse { payload: Some(payload(wanted.size)?) })
    });
    match check(status.as_ref()) {
        Ok(()) => Box::pin(payloads),
        Err(status) => Box::pin(payloads.chain(failed(status))),
    }
}

fn failed(status: Status) -> Outputs {
    Box::pin(stream::iter([Err(status)]))
}
