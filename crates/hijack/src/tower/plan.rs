//! What a response carries that ends in a takeover: how, and what then.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use http::{Response, StatusCode};

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
    /// Whether the handler's own head says how long something is.
    pub(super) framed: bool,
    pub(super) conversation: Box<dyn FnOnce(Conn) -> Conversation + Send>,
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
