//! Heads of requests and responses: what they hold and where each byte of them went.
//!
//! `request` and `response` read them, `encode` writes them, `error` names what can be wrong with them. What a
//! head means for the body behind it is decided in [`crate::body`], what it means for a takeover in
//! [`crate::handover`].

mod encode;
mod error;
mod request;
mod response;
mod scan;

use http::HeaderMap;

pub(crate) use encode::{put_decimal, put_header, put_headers, put_request_line, put_status_line};
pub use error::HeadError;
pub use request::RequestHead;
pub use response::{Reason, ResponseHead};
pub(crate) use scan::HeadScan;

/// A header map for `lines` lines, made of `spare` if that one was used before.
fn reuse(mut spare: HeaderMap, lines: usize) -> HeaderMap {
    spare.clear();
    spare.reserve(lines);
    spare
}
