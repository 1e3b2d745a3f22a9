//! Which version of the API is spoken.

use hijack_docker::{ApiVersion, Condition};

use crate::script::{Daemon, json, soon};

fn ping(version: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nApi-Version: {version}\r\nOstype: linux\r\nServer: x\r\nContent-Length: 2\r\n\r\n"
    )
}

const UNTOLD: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

/// The newest that both know, asked for once, by `HEAD`, on a connection that is used again.
#[tokio::test]
async fn the_newest_of_both() {
    let newest = ApiVersion::NEWEST.to_string();
    for (answer, spoken) in [
        (ping("1.41"), "1.41"),
        (ping("1.44"), "1.44"),
        (ping("9.99"), &*newest),
        (ping("nonsense"), "1.24"),
        (UNTOLD.to_owned(), "1.24"),
    ] {
        let daemon = Daemon::listen().await;
        let docker = daemon.builder().build();
        let list = format!("GET /v{spoken}/containers/json");
        let scripted = daemon.script(async move |mut peer| {
            peer.answer("HEAD /_ping", answer).await;
            for _ in 0..2 {
                peer.answer(&list, json("200 OK", "[]")).await;
            }
        });
        for _ in 0..2 {
            assert!(docker.list(&Default::default()).await.expect("a list").is_empty());
        }
        assert_eq!(docker.api_version().await.expect("agreed").to_string(), spoken);
        soon("the script", scripted).await.expect("as it should be");
    }
}

/// Where `HEAD` is not known `GET` is; and a daemon that is ill says its version all the same.
#[tokio::test]
async fn pings_of_all_kinds() {
    let daemon = Daemon::listen().await;
    let docker = daemon.builder().build();
    let scripted = daemon.script(async |mut peer| {
        peer.answer("HEAD /_ping", "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n").await;
        peer.answer("GET /_ping", format!("{}OK", ping("1.30"))).await;
        peer.answer("HEAD /_ping", "HTTP/1.1 500 Oh\r\nApi-Version: 1.40\r\nContent-Length: 0\r\n\r\n").await;
        peer.answer("HEAD /_ping", "HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\n").await;
        peer.answer("GET /_ping", "HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nnot here\n").await;
    });
    let pinged = docker.ping().await.expect("it is there");
    assert_eq!(pinged.api_version, Some(ApiVersion::new(1, 30)));
    assert_eq!((pinged.os_type.as_deref(), pinged.server.as_deref()), (Some("linux"), Some("x")));
    assert_eq!(docker.ping().await.expect("it is there").api_version, Some(ApiVersion::new(1, 40)));
    assert_eq!(
        docker.ping().await.expect_err("it is not").to_string(),
        "Error response from daemon: not here"
    );
    soon("the script", scripted).await.expect("as it should be");
}

/// Before 1.30 there are no conditions, and the answer comes when the container has ended: waiting for it would be
/// waiting for a container that nobody starts.
#[tokio::test]
async fn old_daemons_answer_a_wait_late() {
    let daemon = Daemon::listen().await;
    let docker = daemon.speaking(1, 24);
    let scripted = tokio::spawn(async move {
        let mut waiting = daemon.accept().await;
        assert_eq!(waiting.request().await.0, "POST /v1.24/containers/x/wait");
        let mut starting = daemon.accept().await;
        starting.answer("POST /v1.24/containers/x/start", "HTTP/1.1 204 No Content\r\n\r\n").await;
        waiting.send(json("200 OK", r#"{"StatusCode":7}"#)).await;
        waiting.gone().await;
    });
    let wait = docker.wait("x", Condition::NextExit).await.expect("asked");
    docker.start("x").await.expect("started");
    assert_eq!(soon("the end", wait.exit()).await.expect("told").code, 7);
    soon("the script", scripted).await.expect("as it should be");
}
