//! What the structs of a stream have in common with the structs they are decoded into, found once for each pair.

use std::sync::{Mutex, PoisonError};

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
    pub(crate) zeros: Vec<&'static str>,
}

impl Plan {
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

/// All plans of a stream.
#[derive(Debug, Default)]
pub(crate) struct Plans {
    plans: Vec<Plan>,
    /// Those of each slot, of which there is seldom more than one.
    of_slots: Vec<Vec<PlanId>>,
}

/// One of the plans of a stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlanId(usize);

impl Plans {
    #[inline]
    pub(crate) fn find(&mut self, slot: Slot, target: Target, graph: &Graph) -> PlanId {
        match self.known(slot, target) {
            Some(plan) => plan,
            None => self.make(slot, target, graph),
        }
    }

    #[inline]
    pub(crate) fn get(&self, plan: PlanId) -> &Plan {
        &self.plans[plan.0]
    }

    #[inline]
    fn known(&self, slot: Slot, target: Target) -> Option<PlanId> {
        let of_slot = self.of_slots.get(slot.index())?;
        of_slot.iter().copied().find(|plan| self.get(*plan).target == target)
    }

    #[cold]
    fn make(&mut self, slot: Slot, target: Target, graph: &Graph) -> PlanId {
        let Some(Shape::Struct(fields)) = graph.get(slot).map(|definition| &definition.shape) else {
            unreachable!("only structs have plans");
        };
        let is_common =
            |(index, field): (usize, &Field)| target.fields.contains(&&*field.name).then_some(index);
        let common: Box<[usize]> = fields.iter().enumerate().filter_map(is_common).collect();
        let is_foreign = common.is_empty() && !fields.is_empty() && !target.fields.is_empty();
        let plan = PlanId(self.plans.len());
        self.plans.push(Plan { target, common, is_foreign, zeros: Vec::new() });
        if self.of_slots.len() <= slot.index() {
            self.of_slots.resize_with(slot.index() + 1, Vec::new);
        }
        self.of_slots[slot.index()].push(plan);
        plan
    }

    /// Notes that the target cannot do without a field that the stream does not have. False if that is no news, or no
    /// field of the target.
    pub(crate) fn needs_zero(&mut self, plan: PlanId, field: &'static str) -> bool {
        let plan = &mut self.plans[plan.0];
        let is_news = plan.target.fields.contains(&field) && !plan.zeros.contains(&field);
        if is_news {
            plan.zeros.push(field);
        }
        is_news
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
