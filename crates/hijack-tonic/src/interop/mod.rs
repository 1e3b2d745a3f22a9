//! The official service with which implementations of gRPC are tested against each other, `grpc.testing.TestService`.
//!
//! `generated` is made of `proto/test.proto`; the test `interop_proto` sees to it that it stays so.

mod flags;
#[rustfmt::skip]
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic)]
mod generated;
mod packing;
mod service;

pub use flags::Flagged;
pub use generated::{
    BoolValue, EchoStatus, Empty, GrpclbRouteType, Payload, PayloadType, ResponseParameters, SimpleRequest,
    SimpleResponse, StreamingInputCallRequest, StreamingInputCallResponse, StreamingOutputCallRequest,
    StreamingOutputCallResponse, test_service_client, test_service_server, unimplemented_service_client,
    unimplemented_service_server,
};
pub use service::{TestService, server};
