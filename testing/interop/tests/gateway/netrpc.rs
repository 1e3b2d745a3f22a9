//! Go's net/rpc, which opens its connections by `CONNECT /_goRPC_` and believes one status line only.

use hijack_interop::gateway::Program;
use hijack_interop::rpc::{GoServer, call_as_go};

#[test]
fn calls_go_through_a_tunnel_to_a_path() {
    let Some(server) = GoServer::start() else { return };
    let tunnel = format!(
        "[route.all]\nupstream = \"{base}\"\n[connect.\"/_goRPC_\"]\nupstream = \"{base}\"\n",
        base = server.base()
    );
    let Some(gateway) = Program::start(&tunnel) else { return };
    call_as_go(gateway.base(), "gob");
    let ended = gateway.ended(1);
    assert!(ended.iter().any(|view| view["protocol"] == "connect"), "{ended:?}");
}

/// Without a tunnel to the path, it is refused, and nothing reaches the server.
#[test]
fn no_tunnel_leads_to_a_path_that_is_not_configured() {
    let Some(server) = GoServer::start() else { return };
    let Some(gateway) = Program::before(server.base(), "") else { return };
    let request = b"CONNECT /_goRPC_ HTTP/1.0\r\n\r\n";
    let said = hijack_interop::transcript::ask(gateway.base(), request, false).expect("an answer");
    assert!(
        said.starts_with(b"HTTP/1.1 403 ") || said.starts_with(b"HTTP/1.0 403 "),
        "{}",
        said.escape_ascii()
    );
}
