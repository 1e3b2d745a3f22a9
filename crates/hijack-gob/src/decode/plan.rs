//! What the structs of a stream have in common with the structs they are decoded into, found once for each pair.

use std::sync::{Arc, Mutex, PoisonError};

use super::error::{DecodeError, DecodeErrorKind as Kind, Result};
use crate::types::{Field, Graph, Shape, Slot};

/// The fields that a struct of the stream shares with a target.
#[derive(Debug)]
pub(crate) struct Plan {
    target: Target,
    /// Indices of the stream's fields, ascending. Those are given to the target, with their zero values where the
    /// sender left them out.
    pub(crate) common: Box<[usize]>,
    /// Fields of the target alone that it cannot do without: they are given as zeros, as in Go.
    pub(crate) zeros: Vec<&'static str>,
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

/// All plans of a stream, by slot. There is seldom more than one for each.
#[derive(Debug, Default)]
pub(crate) struct Plans(Vec<Vec<Arc<Plan>>>);

impl Plans {
    #[inline]
    pub(crate) fn find(&mut self, slot: Slot, target: Target, graph: &Graph) -> Result<Arc<Plan>> {
        let known =
            self.0.get(slot.index()).and_then(|plans| plans.iter().find(|plan| plan.target == target));
        match known {
            Some(plan) => Ok(Arc::clone(plan)),
            None => self.make(slot, target, graph),
        }
    }

    #[cold]
    fn make(&mut self, slot: Slot, target: Target, graph: &Graph) -> Result<Arc<Plan>> {
        let Some(Shape::Struct(fields)) = graph.get(slot).map(|definition| &definition.shape) else {
            unreachable!("only structs have plans");
        };
        let is_common =
            |(index, field): (usize, &Field)| target.fields.contains(&&*field.name).then_some(index);
        let common: Box<[usize]> = fields.iter().enumerate().filter_map(is_common).collect();
        if common.is_empty() && !fields.is_empty() && !target.fields.is_empty() {
            let fields = target.fields.join("; ");
            let target = format!("struct {}{{{fields}}}", target.name);
            return Err(DecodeError::new(Kind::NoFieldsMatch {
                stream: graph.describe_fields(slot),
                target,
            }));
        }
        let plan = Arc::new(Plan { target, common, zeros: Vec::new() });
        self.add(slot, Arc::clone(&plan));
        Ok(plan)
    }

    fn add(&mut self, slot: Slot, plan: Arc<Plan>) {
        if self.0.len() <= slot.index() {
            self.0.resize_with(slot.index() + 1, Vec::new);
        }
        let plans = &mut self.0[slot.index()];
        plans.retain(|other| other.target != plan.target);
        plans.push(plan);
    }

    /// Notes that the target cannot do without a field that the stream does not have. False if that is no news, or no
    /// field of the target.
    pub(crate) fn needs_zero(&mut self, slot: Slot, target: Target, field: &'static str) -> bool {
        let plan = self.0.get(slot.index()).and_then(|plans| plans.iter().find(|plan| plan.target == target));
        let Some(plan) = plan.filter(|plan| target.fields.contains(&field) && !plan.zeros.contains(&field))
        else {
            return false;
        };
        let zeros = plan.zeros.iter().copied().chain([field]).collect();
        let plan = Plan { target, common: plan.common.clone(), zeros };
        self.add(slot, Arc::new(plan));
        true
    }
}

/// The plans of a stream where its decoder and the values that were taken from it undecoded share them.
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
