//! Go's client calls our server.

use hijack_interop::rpc::{
    GoServer, call_as_go, call_as_msgpack, gob_methods, json_methods, msgpack_methods,
};

use crate::support::{OurServer, run};

/// What is asked of our server below, Go's own does.
#[test]
fn gos_clients_are_served_by_go() {
    let Some(server) = GoServer::start() else { return };
    for url in [server.base(), &server.gob, &server.unix] {
        call_as_go(url, "gob");
    }
    for url in [format!("{}/_jsonRPC_", server.base()), server.json.clone()] {
        call_as_go(&url, "json");
    }
}

#[test]
fn gos_json_client_is_served() {
    run(async {
        let server = OurServer::start(json_methods()).await;
        for url in [format!("{}/_goRPC_", server.http), server.bare.clone(), server.unix.clone()] {
            tokio::task::spawn_blocking(move || call_as_go(&url, "json")).await.expect("every case");
        }
    });
}

#[test]
fn gos_gob_client_is_served() {
    run(async {
        let server = OurServer::start(gob_methods()).await;
        for url in [server.http.clone(), server.bare.clone(), server.unix.clone()] {
            tokio::task::spawn_blocking(move || call_as_go(&url, "gob")).await.expect("every case");
        }
    });
}

#[test]
fn gos_msgpack_client_is_served() {
    run(async {
        let server = OurServer::start(msgpack_methods()).await;
        tokio::task::spawn_blocking(move || call_as_msgpack(&server.bare)).await.expect("every case");
    });
}
