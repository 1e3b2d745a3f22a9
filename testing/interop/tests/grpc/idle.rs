//! A stream on which nothing is said, before an nginx that cuts what says nothing for two seconds.

use hijack_interop::foreign::Foreign;
use hijack_interop::grpc::{Client, Way, demo};

use crate::USUAL;

#[test]
fn by_token() {
    pings_keep_a_quiet_stream_and_its_cut_is_unavailable("token");
}

#[test]
fn by_websocket() {
    pings_keep_a_quiet_stream_and_its_cut_is_unavailable("websocket");
}

fn pings_keep_a_quiet_stream_and_its_cut_is_unavailable(mode: &str) {
    let Some(demo) = demo() else { return };
    let lines = format!("{USUAL} proxy_read_timeout 2s;");
    let Some(nginx) = Foreign::nginx_before(demo.address(), &lines) else { return };
    let Some(way) = Way::forward(&format!("{}/grpc", nginx.base()), mode) else { return };
    if let Some(said) = Client::Python.run(&way, &["quiet", "cut"]) {
        println!("{said}");
    }
}
