//! All hand-written and generated streams of requests through ours, Go and Node.

mod promise;

use hijack_differential::Role;
use promise::Promise;

#[test]
fn reads_requests_as_go_and_node_do() {
    Promise { role: Role::Server, hand_written: 400, generated: 20_000 }.keep();
}
