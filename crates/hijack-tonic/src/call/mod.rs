//! One call, on either end: what bounds it, how it ends, and what its last words are.

pub(crate) mod deadline;
pub(crate) mod messages;
pub(crate) mod receiving;
pub(crate) mod sending;
pub(crate) mod status;
pub(crate) mod tasks;
pub(crate) mod trailers;
