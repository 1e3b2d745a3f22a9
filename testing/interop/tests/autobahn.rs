//! Autobahn|Testsuite against our server and our client, and against Python's `websockets`, which is known to be
//! good: so a failure is the fault of whoever is tried.

use std::thread;

use hijack::ws::{Deflate, Dial, WebSocket, dial_config};
use hijack_interop::autobahn::{Run, Share, Trial, try_server};
use hijack_interop::server::Server;
use hijack_interop::websocket::{Library, run_python_under_trial};

#[test]
fn our_server() {
    let server = Server::start();
    let url = server.base().replace("http:", "ws:") + "/ws/takeover";
    report("server", &beside(move |share| try_server(&url, share)));
}

#[test]
fn our_client() {
    report(
        "client",
        &beside(|share| {
            let trial = Trial::start(share)?;
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(be_tried(&trial));
            Some(trial.run())
        }),
    );
}

#[test]
fn a_good_server_is_found_good() {
    let Some(server) = Library::Python.serve() else { return };
    let url = server.base().replace("http:", "ws:");
    let Some(run) = try_server(&format!("{url}/ws/echo"), Share::SMALL) else { return };
    run.verdict().expect("no fault");
}

#[test]
fn a_bad_server_is_found_bad() {
    let Some(server) = Library::Python.serve() else { return };
    let url = server.base().replace("http:", "ws:");
    for (path, share, fault) in [
        ("/ws/echo", Share::STRICT, "NON-STRICT"),
        ("/ws/close/1000", Share::SMALL, "FAILED"),
        ("/ws/nowhere", Share::SMALL, "FAILED"),
    ] {
        let Some(run) = try_server(&format!("{url}{path}"), share) else { return };
        let found = run.verdict().expect_err("it has faults");
        assert!(found.contains(fault), "{path}: {found}");
    }
}

#[test]
fn a_good_client_is_found_good() {
    let Some(trial) = Trial::start(Share::SMALL) else { return };
    if run_python_under_trial(trial.base(), trial.count()) {
        trial.run().verdict().expect("no fault");
    }
}

/// Runs both shares at the same time.
fn beside(run: impl Fn(Share) -> Option<Run> + Send + Sync) -> Vec<Run> {
    thread::scope(|scope| {
        let runs = Share::asked_for().map(|share| {
            scope.spawn({
                let run = &run;
                move || run(share)
            })
        });
        runs.into_iter().filter_map(|run| run.join().expect("it runs")).collect()
    })
}

fn report(who: &str, runs: &[Run]) {
    let wrong: Vec<String> = runs.iter().filter_map(|run| run.verdict().err()).collect();
    println!("our {who}: {} cases without a fault", runs.iter().map(Run::good).sum::<usize>());
    assert!(wrong.is_empty(), "our {who}:\n{}", wrong.join("\n"));
}

/// Echoes through every case of the trial. How a connection ends is for the suite to judge.
async fn be_tried(trial: &Trial) {
    for number in 1..=trial.count() {
        let dial = Dial::to(&trial.case(number)).expect("a URL").configure(|config| {
            let mut deflate = Deflate::default();
            deflate.server_no_context_takeover = false;
            deflate.client_no_context_takeover = false;
            config.deflate = Some(deflate);
        });
        let mut socket = dial_config(&dial).await.expect("the suite's server accepts");
        let _ = echo(&mut socket).await;
    }
    let end = Dial::to(&trial.end()).expect("a URL");
    let mut socket = dial_config(&end).await.expect("the suite's server accepts");
    let said = socket.recv().await.expect("it only closes");
    assert_eq!(said, None);
}

async fn echo(socket: &mut WebSocket) -> Result<(), hijack::ws::Error> {
    while let Some(message) = socket.recv().await? {
        socket.feed(message).await?;
    }
    Ok(())
}
