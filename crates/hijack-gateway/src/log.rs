//! One line at the end of each connection, for machines and people: fields of `tracing`.

use crate::ConnectionView;

/// A conversation has ended.
pub(crate) fn closed(view: &ConnectionView) {
    tracing::info!(
        target: "hijack_gateway::connection",
        id = view.id,
        route = view.route,
        peer = view.peer,
        upstream = view.upstream,
        protocol = view.protocol,
        subject = view.subject,
        request = view.request,
        age_ms = view.age_ms,
        bytes_in = view.bytes_in,
        bytes_out = view.bytes_out,
        messages_in = view.messages_in,
        messages_out = view.messages_out,
        illegal_in = view.illegal_in,
        illegal_out = view.illegal_out,
        closed_by = view.closed_by,
        code = view.code,
        reason = view.reason,
        "closed"
    );
}
