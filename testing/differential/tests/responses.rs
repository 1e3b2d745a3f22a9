//! All hand-written and generated streams of responses through ours, Go and Node.

mod promise;

use hijack_differential::Role;
use promise::Promise;

#[test]
fn reads_responses_as_go_and_node_do() {
    Promise { role: Role::Client, hand_written: 200, generated: 10_000 }.keep();
}
