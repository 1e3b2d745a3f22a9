//! What stands in for `connect_info` without the feature: nothing is added.

use http::Extensions;

pub(crate) fn put(_: &mut Extensions) {}
