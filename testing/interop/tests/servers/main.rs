//! Our client against foreign servers, one test per server and case; and against our own server, for the same
//! cases must hold there.

mod answers;
mod connections;
mod docker;
mod peer;
mod row;
mod takeovers;

use std::future::Future;
use std::time::Duration;

use hijack::{Client, ClientConnection, Endpoint};

use crate::answers::{bodies, files, statuses, uploads};
use crate::connections::{early, pipelining, reuse};
use crate::peer::{Peer, Site};
use crate::takeovers::{
    half_close, nested, no_answer, raw, refused_tunnel, refused_upgrade, take_over, tunnel, upgrade,
};

/// `module, peer: cases`.
macro_rules! cases {
    ($($module:ident, $peer:ident: $($case:ident)+;)+) => {$(
        mod $module {
            $(#[test]
            fn $case() {
                super::run(super::Peer::$peer, async |site| super::$case(site).await);
            })+
        }
    )+};
}

cases! {
    ours, Ours: bodies statuses uploads reuse pipelining early no_answer upgrade half_close refused_upgrade take_over
        raw tunnel nested refused_tunnel;
    go, Go: bodies statuses uploads reuse pipelining early no_answer upgrade half_close refused_upgrade take_over
        raw tunnel nested refused_tunnel;
    node, Node: bodies statuses uploads reuse pipelining early no_answer upgrade half_close refused_upgrade take_over
        raw tunnel nested refused_tunnel;
    nginx, Nginx: bodies statuses uploads files pipelining early upgrade refused_upgrade take_over refused_tunnel;
    nginx_tls, NginxTls: pipelining early upgrade refused_upgrade take_over refused_tunnel;
    haproxy_tls, HaproxyTls: pipelining early upgrade half_close refused_upgrade take_over tunnel nested
        refused_tunnel;
    haproxy, Haproxy: bodies statuses uploads pipelining early upgrade half_close refused_upgrade take_over tunnel
        nested refused_tunnel;
}

fn run(peer: Peer, case: impl AsyncFnOnce(&Site)) {
    let Some(site) = peer.start() else { return };
    in_time(case(&site));
}

/// Runs a case, which must not hang.
fn in_time<T>(case: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let case = async { tokio::time::timeout(Duration::from_secs(60), case).await };
    runtime.block_on(case).expect("it ends within a minute")
}

async fn connect(base: &str) -> ClientConnection {
    let endpoint: Endpoint = base.parse().expect("an address");
    Client::new().connect(&endpoint).await.expect("the server is reached")
}
