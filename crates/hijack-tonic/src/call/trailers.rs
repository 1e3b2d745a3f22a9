//! Trailers of calls that succeed. tonic has them for failures only, in a `Status`.

use std::sync::{Arc, Mutex, PoisonError};

use http::HeaderMap;
use tonic::metadata::MetadataMap;

/// Metadata behind the last message of a call, to be added to until then. Clones are the same.
///
/// ```
/// use hijack_tonic::{Trailers, WithTrailers};
///
/// let trailers = Trailers::new();
/// trailers.with(|metadata| metadata.insert("x-rows", "3".parse().unwrap()));
/// let response = tonic::Response::new("three rows").with_trailers(&trailers);
/// # let _ = response;
/// ```
#[derive(Debug, Clone, Default)]
pub struct Trailers(Arc<Mutex<MetadataMap>>);

impl Trailers {
    /// None so far.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks at them, or changes them.
    pub fn with<R>(&self, act: impl FnOnce(&mut MetadataMap) -> R) -> R {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds them to the trailers that end the call. What says how it ended stays.
    pub(crate) fn add_to(&self, trailers: &mut HeaderMap) {
        let more = self.with(std::mem::take).into_headers();
        let reserved = |name: &http::HeaderName| name.as_str().starts_with("grpc-");
        let mut last = None;
        for (name, value) in more {
            last = name.or(last);
            if let Some(name) = last.as_ref().filter(|name| !reserved(name)) {
                trailers.append(name.clone(), value);
            }
        }
    }
}

impl From<MetadataMap> for Trailers {
    fn from(metadata: MetadataMap) -> Self {
        Self(Arc::new(Mutex::new(metadata)))
    }
}

/// Gives answers trailers. They are sent by a [`Server`](crate::Server) and by an agent; others know nothing of them.
pub trait WithTrailers {
    /// This answer, with `trailers` behind its last message.
    #[must_use]
    fn with_trailers(self, trailers: &Trailers) -> Self;
}

impl<T> WithTrailers for tonic::Response<T> {
    fn with_trailers(mut self, trailers: &Trailers) -> Self {
        self.extensions_mut().insert(trailers.clone());
        self
    }
}
