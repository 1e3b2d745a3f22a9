//! A value apart from its stream.

use std::ops::Range;
use std::sync::Arc;

use serde::Deserialize;

use super::error::Result;
use super::plan::SharedPlans;
use super::{Decoder, Found, Source};
use crate::types::{Graph, Slot};
use crate::{Limits, Registry};

/// A value that was taken from a stream and is decoded later: its bytes, and what its decoder knew of types then.
///
/// It can go to another task, and be decoded more than once.
#[derive(Clone, Debug)]
pub struct RawValue {
    bytes: Vec<u8>,
    first: Range<usize>,
    later: Vec<Range<usize>>,
    slot: Slot,
    graph: Arc<Graph>,
    plans: Arc<SharedPlans>,
    registry: Arc<Registry>,
    limits: Limits,
}

impl RawValue {
    pub(super) fn new(decoder: &Decoder, found: &Found, whole: &[u8]) -> Self {
        Self {
            bytes: whole[..found.len].to_vec(),
            first: found.first.clone(),
            later: found.later.clone(),
            slot: found.slot,
            graph: Arc::clone(decoder.table.graph()),
            plans: Arc::clone(&decoder.raw_plans),
            registry: Arc::clone(&decoder.registry),
            limits: decoder.limits,
        }
    }

    /// Decodes it, as [`Decoder::decode`] would have.
    ///
    /// # Errors
    /// If the value is no `T`. The stream is not concerned.
    pub fn decode<'de, T: Deserialize<'de>>(&'de self) -> Result<T> {
        let source = Source {
            whole: &self.bytes,
            messages: (self.first.clone(), &self.later),
            slot: self.slot,
            graph: &self.graph,
            registry: &self.registry,
            limits: &self.limits,
        };
        let mut plans = self.plans.take();
        let value = source.decode(&mut plans);
        self.plans.put(plans);
        value
    }

    /// Its length in the stream, in bytes.
    #[must_use]
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }
}
