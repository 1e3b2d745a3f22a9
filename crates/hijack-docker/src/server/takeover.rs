//! The last words of HTTP before a stream, as dockerd writes them.

use hijack::stream::{Framing, RAW_STREAM, ServerStreams};
use hijack::{Error, Exchange, Reason, Stream, handover};
use http::header::{CONNECTION, CONTENT_TYPE, UPGRADE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use crate::ApiVersion;

/// Bytes of a body that are read before a takeover. That of `exec/start` is some forty, that of an attach none.
const BODY_LEN: usize = 64 * 1024;

/// Queues the head and takes the connection over; it leaves with the first flush. `more` goes behind dockerd's headers.
pub(super) async fn take_over<Io: Stream>(
    mut exchange: Exchange<Io>,
    tty: bool,
    version: ApiVersion,
    more: HeaderMap,
) -> Result<ServerStreams<Io>, Error> {
    // To its very end: what stays of it would be input.
    exchange.read_to_end(BODY_LEN).await?;
    let framing = Framing::of_tty(tty);
    let offers_tcp = handover::offers(exchange.head()).any(|offer| offer.eq_ignore_ascii_case(b"tcp"));
    let mut head = Response::new(());
    let headers = head.headers_mut();
    if offers_tcp {
        let told = if version >= ApiVersion::LABELLED { framing.media_type() } else { RAW_STREAM };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(told));
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("tcp"));
        *head.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        head.extensions_mut().insert(Reason::new("UPGRADED").expect("visible ASCII"));
    } else {
        // Raw, whatever it is: so it is called in every version.
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(RAW_STREAM));
    }
    head.headers_mut().extend(more);
    Ok(ServerStreams::new(exchange.take_over_after(head)?, framing))
}
