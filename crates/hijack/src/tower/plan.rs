//! What a response carries that ends in a takeover: how, and what then.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use http::Response;

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
    pub(super) conversation: Box<dyn FnOnce(Conn) -> Conversation + Send>,
}

/// A plan among a response's extensions, which must be `Clone`: the first to ask has it.
#[derive(Clone)]
pub(super) struct Plan(Arc<Mutex<Option<Planned>>>);

impl Plan {
    pub(super) fn put(planned: Planned, response: &mut Response<Body>) {
        response.extensions_mut().insert(Self(Arc::new(Mutex::new(Some(planned)))));
    }

    /// The plan that came out of the layers with the response, if one did.
    pub(super) fn take<B>(response: &mut Response<B>) -> Option<Planned> {
        let Self(plan) = response.extensions_mut().remove()?;
        plan.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Plan")
    }
}
