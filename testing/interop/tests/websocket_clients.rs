//! Other people's WebSocket clients against our server, one test per client and case. What a case checks is in the
//! client's script under `clients/`.

use hijack_interop::server::Server;
use hijack_interop::websocket::Library;

/// `module, library: cases`.
macro_rules! cases {
    ($($module:ident, $library:ident: $($case:ident)+;)+) => {$(
        mod $module {
            $(#[test]
            fn $case() {
                super::Library::$library.run(super::Server::start().base(), stringify!($case));
            })+
        }
    )+};
}

cases! {
    python, Python: echo deflate fragments pipelined ping pinged close closed abrupt gone subprotocols refused;
    node, Node: echo deflate fragments pipelined ping pinged close closed abrupt gone subprotocols refused;
    gorilla, Gorilla: echo deflate fragments pipelined ping pinged close closed abrupt gone subprotocols refused;
    xnet, Xnet: echo stream json closed abrupt gone subprotocols refused;
}
