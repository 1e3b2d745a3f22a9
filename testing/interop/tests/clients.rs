//! Foreign clients against our server, one test per client and case. What a case checks is in the client's
//! script under `clients/`.

use hijack_interop::peer::Client;
use hijack_interop::server::Server;

/// `module, client: cases`.
macro_rules! cases {
    ($($module:ident, $client:ident: $($case:ident)+;)+) => {$(
        mod $module {
            $(#[test]
            fn $case() {
                super::Client::$client.run(super::Server::start().base(), &[stringify!($case)]);
            })+
        }
    )+};
}

cases! {
    go, Go: get head uploads chunked_uploads trailers expect_continue bodyless reuse early interim upgrade connect
        proxy;
    curl, Curl: get head uploads chunked_uploads expect_continue bodyless reuse http10 early interim proxy raw;
    python, Python: get head uploads chunked_uploads expect_continue bodyless reuse http10 early pipelining upgrade
        connect proxy raw;
    node, Node: get head uploads chunked_uploads trailers expect_continue bodyless reuse early interim upgrade
        connect proxy;
}

/// Mixed methods, framings and sizes from all clients at once, on kept connections; every body is compared.
#[test]
fn ten_thousand_requests_without_a_difference() {
    let server = Server::start();
    let runs = Client::ALL.map(|client| {
        let base = server.base().to_owned();
        std::thread::spawn(move || client.run(&base, &["load", "2500"]))
    });
    let ran = runs.map(|run| run.join().expect("no difference")).into_iter().filter(|ran| *ran).count();
    println!("{} requests without a difference", ran * 2500);
}
