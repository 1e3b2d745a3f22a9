//! Heads of requests and responses: what they hold and where each byte of them went.
//!
//! `request` and `response` read them, `encode` writes them, `error` names what can be wrong with them. What a
//! head means for the body behind it is decided in [`crate::body`], what it means for a takeover in
//! [`crate::handover`].

mod encode;
mod error;
mod fields;
mod lines;
mod request;
mod response;
mod scan;

pub(crate) use encode::{put_decimal, put_headers, put_line, put_request_line, put_status_line};
pub use error::HeadError;
pub(crate) use fields::{Field, Fields};
pub(crate) use lines::Lines;
pub use request::{HTTP2_PREFACE, RequestHead};
pub use response::{Reason, ResponseHead};
pub(crate) use scan::HeadScan;

use crate::tokens::is_token_byte;

/// Refuses empty lines in front of a head: httparse skips them, but they are no part of it, and offsets into
/// the raw bytes would be wrong behind them.
fn check_first_byte(raw: &[u8]) -> Result<(), HeadError> {
    if raw.first().copied().is_some_and(is_token_byte) { Ok(()) } else { Err(HeadError::StartLine) }
}
