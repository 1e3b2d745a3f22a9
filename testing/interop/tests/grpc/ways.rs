//! Every client, by every way: a forwarder in its four modes, or a variable of the environment; straight to the demo, through
//! nginx, HAProxy and our gateway. What a case checks is in the client's script under `clients/`.

use hijack_interop::foreign::Foreign;
use hijack_interop::gateway::Program as Gateway;
use hijack_interop::grpc::{Client, NAME, Program, Way, demo};
use serde_json::Value;

use crate::USUAL;

/// `what is between: modes`.
macro_rules! ways {
    ($($between:ident: $($mode:ident)+;)+) => {$(
        mod $between {$(
            mod $mode {
                use super::super::{Client, all_cases};

                #[test]
                fn python() {
                    all_cases(stringify!($between), stringify!($mode), Client::Python);
                }

                #[test]
                fn node() {
                    all_cases(stringify!($between), stringify!($mode), Client::Node);
                }

                #[test]
                fn go() {
                    all_cases(stringify!($between), stringify!($mode), Client::Go);
                }
            }
        )+}
    )+};
}

// nginx answers a CONNECT with 400. Behind HAProxy the forwarder's own choice would be HAProxy's address, which is none of the
// demo's names.
ways! {
    nothing: token websocket connect auto environment own_address;
    nginx: token websocket auto;
    haproxy: token websocket auto named environment;
    gateway: token websocket auto;
}

fn all_cases(between: &str, mode: &str, client: Client) {
    let Some(demo) = demo() else { return };
    let Some(between) = Between::start(between, &demo) else { return };
    let base = between.base();
    let way = match mode {
        "environment" => Some(Way::environment(NAME, &base)),
        // Go's client never goes through a proxy to the loopback.
        "own_address" if client == Client::Go => None,
        "own_address" => Some(Way::environment(demo.address(), &base)),
        "named" => Way::forward_with(&format!("{base}/grpc"), "connect", &["--authority", NAME]),
        mode => Way::forward(&format!("{base}/grpc"), mode),
    };
    if let Some(said) = way.and_then(|way| client.run(&way, &[])) {
        println!("{said}");
        between.check();
    }
}

/// What the connections go through.
enum Between {
    Nothing(String),
    Proxy(Foreign),
    Gateway(Gateway),
}

impl Between {
    fn start(name: &str, demo: &Program) -> Option<Self> {
        match name {
            "nginx" => Foreign::nginx_before(demo.address(), USUAL).map(Self::Proxy),
            "haproxy" => Foreign::haproxy_before(demo.address()).map(Self::Proxy),
            "gateway" => Gateway::before(&demo.base(), "grpc = true").map(Self::Gateway),
            _ => Some(Self::Nothing(demo.base())),
        }
    }

    fn base(&self) -> String {
        match self {
            Self::Nothing(base) => base.clone(),
            Self::Proxy(proxy) => proxy.base().to_owned(),
            Self::Gateway(gateway) => gateway.base().to_owned(),
        }
    }

    /// The gateway has followed every call: none of these clients writes HTTP/2 in a way that it cannot read.
    fn check(&self) {
        let Self::Gateway(gateway) = self else { return };
        let mut answered = 0;
        for ended in gateway.ended(1) {
            let view = gateway.ask(&format!("/api/connections/{}", ended["id"]));
            assert_eq!(view["calls"]["lost"], Value::Null, "{view}");
            answered += view["calls"]["ended"]["OK"].as_u64().unwrap_or_default();
        }
        assert!(answered > 5, "calls that ended well: {answered}");
    }
}
