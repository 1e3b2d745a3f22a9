//! What a response carries that ends in a takeover: how, and what then.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, Response, StatusCode};

use crate::server::Conversation;
use crate::{Body, Conn};

/// How the connection is to be taken over.
pub(super) enum Way {
    /// Nothing is written.
    Raw,
    /// The response's head is written as it is.
    After,
    /// A 101 to this protocol.
    Upgrade(Cow<'static, str>),
    /// The 2xx to a `CONNECT`.
    Tunnel,
}

pub(super) struct Planned {
    pub(super) way: Way,
    /// A response with another status is a layer's, which declines.
    pub(super) status: StatusCode,
    /// What the handler's head says of the bytes behind it.
    pub(super) framing: HeaderMap,
    pub(super) conversation: Box<dyn FnOnce(Conn) -> Conversation + Send>,
}

/// The headers that tell how the bytes behind a head are to be read.
const FRAMING: [HeaderName; 3] = [CONTENT_LENGTH, TRANSFER_ENCODING, CONTENT_ENCODING];

impl Planned {
    pub(super) fn framing_of(headers: &HeaderMap) -> HeaderMap {
        let said = headers.iter().filter(|(name, _)| FRAMING.contains(name));
        said.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// Undoes what layers said of the response's body, which is empty: axum gives it the length 0, a compression that
    /// does not look at sizes a coding. The bytes behind the head are the conversation's, and only the handler knows
    /// them.
    pub(super) fn restore_framing(&mut self, headers: &mut HeaderMap) {
        for name in FRAMING {
            headers.remove(name);
        }
        headers.extend(std::mem::take(&mut self.framing));
    }
}

/// A plan among a response's extensions, which must be `Clone`: the first to ask has it.
#[derive(Clone)]
pub(super) struct Plan(Arc<Mutex<Option<Planned>>>);

impl Plan {
    pub(super) fn put(planned: Planned, response: &mut Response<Body>) {
        response.extensions_mut().insert(Self(Arc::new(Mutex::new(Some(planned)))));
    }

    /// The plan that came out of the layers with its response, if it did.
    pub(super) fn take<B>(response: &mut Response<B>) -> Option<Planned> {
        let Self(plan) = response.extensions_mut().remove()?;
        let planned = plan.lock().unwrap_or_else(PoisonError::into_inner).take();
        planned.filter(|planned| planned.status == response.status())
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Plan")
    }
}
