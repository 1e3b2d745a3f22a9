//! What is said where there is no way through.

use hijack_interop::foreign::Foreign;
use hijack_interop::grpc::{Client, NAME, Way, demo};

/// nginx as it is delivered passes no upgrade, and HTTP/1.0.
#[test]
fn an_nginx_that_passes_no_upgrade_is_told_from_other_troubles() {
    let Some(demo) = demo() else { return };
    let Some(nginx) = Foreign::nginx_before(demo.address(), "") else { return };
    for (mode, tried) in [("token", &["Upgrade"][..]), ("auto", &["Upgrade", "WebSocket"])] {
        let Some(way) = Way::forward(&format!("{}/grpc", nginx.base()), mode) else { return };
        if Client::Python.run(&way, &["unreachable"]).is_none() {
            return;
        }
        let told = way.told();
        assert!(told.contains("426") && tried.iter().all(|word| told.contains(word)), "{mode}: {told}");
    }
    let Some(forward) = Way::forward(nginx.base(), "connect") else { return };
    assert!(Client::Python.run(&forward, &["unreachable"]).is_some());
    assert!(forward.told().contains("400 Bad Request"), "{}", forward.told());
    let said =
        Client::Python.run(&Way::environment(NAME, nginx.base()), &["unreachable"]).unwrap_or_default();
    assert!(said.contains("response code 400"), "{said}");
}

/// Nothing is dialled for a CONNECT, whatever it names.
#[test]
fn a_connect_to_a_stranger_is_refused() {
    let (Some(demo), Some(other)) = (demo(), demo()) else { return };
    for target in [other.address(), "demo.hijack.test:81"] {
        let way = Way::environment(target, &demo.base());
        for client in [Client::Python, Client::Node, Client::Go] {
            // Go's goes straight to the loopback.
            if client == Client::Go && target == other.address() {
                continue;
            }
            if let Some(said) = client.run(&way, &["unreachable"]) {
                println!("{said}");
            }
        }
    }
}
