//! What a failure of HTTP/2 means to a call.

use std::error::Error as StdError;
use std::sync::Arc;

use h2::Reason;
use http::HeaderMap;
use tonic::{Code, Status};

use crate::DialError;

/// To a server's handler: its client is gone, or did not keep to the protocol.
pub(crate) fn of_client(error: &hyper::Error) -> Status {
    let code = match cause(error) {
        Some(h2) if h2.is_io() || h2.is_go_away() => Code::Cancelled,
        Some(h2) => h2.reason().map_or(Code::Cancelled, code_of),
        None => Code::Cancelled,
    };
    Status::new(code, format!("the client's stream ended: {}", words(error)))
}

/// To a client's caller: there is no connection. Why is the status's source.
pub(crate) fn of_dial(error: DialError) -> Status {
    let mut status = Status::new(error.code(), error.to_string());
    status.set_source(Arc::new(error));
    status
}

/// To a client's caller: a reset of the stream by gRPC's mapping, and everything else is `UNAVAILABLE`. But for a call that a
/// server does not begin with because there is too much of us (GOAWAY, `ENHANCE_YOUR_CALM`): it is `RESOURCE_EXHAUSTED` as a
/// stream so reset, for whoever tries again at once on `UNAVAILABLE` is whom the server means.
pub(crate) fn of_server(error: &hyper::Error) -> Status {
    let code = match cause(error) {
        // What the server said of this stream alone.
        Some(h2) if h2.is_reset() => h2.reason().map_or(Code::Unknown, code_of),
        Some(h2) if h2.reason() == Some(Reason::ENHANCE_YOUR_CALM) => Code::ResourceExhausted,
        _ => Code::Unavailable,
    };
    Status::new(code, format!("the connection to the server: {}", words(error)))
}

/// Whether the server has not begun with the call that failed so: its stream was refused (RFC 9113 §8.7), or began behind
/// the last one that a server takes which is about to end (RFC 9113 §6.8).
pub(crate) fn is_unprocessed(error: &hyper::Error) -> bool {
    cause(error).is_some_and(|h2| {
        let refused = h2.is_reset() && h2.reason() == Some(Reason::REFUSED_STREAM);
        let too_late = h2.is_go_away() && h2.reason() == Some(Reason::NO_ERROR);
        h2.is_remote() && (refused || too_late)
    })
}

/// The mapping of gRPC's protocol over HTTP/2.
fn code_of(reason: Reason) -> Code {
    match reason {
        Reason::REFUSED_STREAM => Code::Unavailable,
        Reason::CANCEL => Code::Cancelled,
        Reason::ENHANCE_YOUR_CALM => Code::ResourceExhausted,
        Reason::INADEQUATE_SECURITY => Code::PermissionDenied,
        _ => Code::Internal,
    }
}

fn cause(error: &hyper::Error) -> Option<&h2::Error> {
    error.source()?.downcast_ref()
}

/// The error and what it came of, which hyper's own words leave out.
pub(crate) fn words(error: &dyn StdError) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !words.contains(&more) {
            words = format!("{words}: {more}");
        }
        source = error.source();
    }
    words
}

/// A status as the trailers that say it.
pub(crate) fn trailers(status: &Status) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(3);
    // Metadata that cannot be headers are the only thing to fail, and ours has none.
    let _ = status.add_header(&mut headers);
    headers
}
