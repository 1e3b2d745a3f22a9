//! What the structs of a stream have in common with the structs they are decoded into, found once for each pair.

use std::sync::{Mutex, OnceLock, PoisonError};

use super::error::{DecodeError, DecodeErrorKind as Kind, Result};
use crate::types::{Field, Graph, Shape, Slot};

/// The fields that a struct of the stream shares with a target.
#[derive(Debug)]
pub(crate) struct Plan {
    target: Target,
    /// Indices of the stream's fields, ascending. Those are given to the target, with their zero values where the
    /// sender left them out.
    pub(crate) common: Box<[usize]>,
    /// Whether both have fields and share none.
    is_foreign: bool,
    /// Fields of the target alone that it cannot do without: they are given as zeros, as in Go.
    pub(crate) zeros: ZeroFields,
    /// For another target, of which there is seldom one.
    other: OnceLock<Box<Plan>>,
}

/// Fields that are found one after another, and added behind the last.
#[derive(Debug, Default)]
pub(crate) struct ZeroFields(OnceLock<Box<(&'static str, ZeroFields)>>);

impl Plan {
    #[cold]
    fn new(slot: Slot, target: Target, graph: &Graph) -> Box<Self> {
        let Some(Shape::Struct(fields)) = graph.get(slot).map(|definition| &definition.shape) else {
            unreachable!("only structs have plans");
        };
        let is_common =
            |(index, field): (usize, &Field)| target.fields.contains(&&*field.name).then_some(index);
        let common: Box<[usize]> = fields.iter().enumerate().filter_map(is_common).collect();
        let is_foreign = common.is_empty() && !fields.is_empty() && !target.fields.is_empty();
        Box::new(Self { target, common, is_foreign, zeros: ZeroFields::default(), other: OnceLock::new() })
    }

    /// A whole value, or what an interface holds, of which nothing would be read is not meant to be read so. Go looks
    /// no deeper either.
    pub(crate) fn check_whole(&self, slot: Slot, graph: &Graph) -> Result<()> {
        if !self.is_foreign {
            return Ok(());
        }
        let Target { name, fields } = self.target;
        let target = format!("struct {name}{{{}}}", fields.join("; "));
        Err(DecodeError::new(Kind::NoFieldsMatch { stream: graph.describe_fields(slot), target }))
    }

    /// Notes that the target cannot do without a field that the stream does not have. False if that is no news, or no
    /// field of the target.
    pub(crate) fn needs_zero(&self, field: &'static str) -> bool {
        self.target.fields.contains(&field) && self.zeros.add(field)
    }
}

impl ZeroFields {
    /// The first field, and those behind it.
    pub(crate) fn next(&self) -> Option<&(&'static str, Self)> {
        self.0.get().map(|next| &**next)
    }

    /// False if it is there already.
    fn add(&self, field: &'static str) -> bool {
        let mut place = self;
        while let Some((known, behind)) = place.next() {
            if *known == field {
                return false;
            }
            place = behind;
        }
        place.0.set(Box::new((field, Self::default()))).is_ok()
    }
}

/// A target's struct, as its `Deserialize` describes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) fields: &'static [&'static str],
}

impl PartialEq for Target {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.fields, other.fields) && std::ptr::eq(self.name, other.name)
    }
}

/// All plans of a stream, by the slots of their types. They are made while others of them are in use.
#[derive(Debug, Default)]
pub(crate) struct Plans(Vec<OnceLock<Box<Plan>>>);

impl Plans {
    /// Has a place for each type of the stream.
    pub(crate) fn fit(&mut self, graph: &Graph) {
        if self.0.len() < graph.len() {
            self.0.resize_with(graph.len(), OnceLock::new);
        }
    }

    /// The plan for a target, new if it is the first time. There is a place for the slot.
    #[inline]
    pub(crate) fn find(&self, slot: Slot, target: Target, graph: &Graph) -> &Plan {
        let mut place = &self.0[slot.index()];
        loop {
            let plan = place.get_or_init(|| Plan::new(slot, target, graph));
            if plan.target == target {
                return plan;
            }
            place = &plan.other;
        }
    }
}

/// The plans of a stream for the values that were taken from it undecoded, which share them.
#[derive(Debug, Default)]
pub(crate) struct SharedPlans(Mutex<Plans>);

impl SharedPlans {
    /// Lends them. Whoever comes meanwhile makes his own.
    pub(crate) fn take(&self) -> Plans {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Gives them back.
    pub(crate) fn put(&self, plans: Plans) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = plans;
    }
}
