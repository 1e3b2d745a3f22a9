//! `/grpc` and `/session`: taken over only where HTTP/2 begins.

use hijack_docker::{Error, SessionOptions};
use tokio::io::AsyncReadExt;

use crate::script::{Daemon, json, soon};

const SWITCHED: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The headers, and a preface that comes in pieces and is left to be read.
#[tokio::test]
async fn a_session_begins_with_the_daemons_preface() {
    let daemon = Daemon::listen().await;
    let docker = daemon.speaking(1, 44);
    let scripted = daemon.script(async |mut peer| {
        let (head, _) = peer.whole_request().await;
        assert!(head.starts_with("POST /v1.44/session HTTP/1.1\r\n"), "{head}");
        let head = head.to_ascii_lowercase();
        for line in [
            "upgrade: h2c\r\n",
            "connection: upgrade\r\n",
            "x-docker-expose-session-uuid: id\r\n",
            "x-docker-expose-session-name: n\r\n",
            "x-docker-expose-session-sharedkey: k\r\n",
            "x-docker-expose-session-grpc-method: /a.b/c\r\n",
            "x-docker-expose-session-grpc-method: /d.e/f\r\n",
        ] {
            assert!(head.contains(line), "{line:?} in {head}");
        }
        assert!(!head.contains("http2-settings"), "{head}");
        peer.send(SWITCHED).await;
        for piece in PREFACE.chunks(5) {
            peer.send(piece).await;
        }
        peer.send(SETTINGS).await;
        peer.gone().await;
    });
    let mut options = SessionOptions::new("id");
    (options.name, options.shared_key) = ("n".into(), "k".into());
    options.methods = vec!["/a.b/c".into(), "/d.e/f".into()];
    let mut conn = soon("the session", docker.session(&options)).await.expect("granted");
    let mut came = vec![0; PREFACE.len() + SETTINGS.len()];
    soon("the preface", conn.read_exact(&mut came)).await.expect("whole");
    assert_eq!(came, [PREFACE, SETTINGS].concat());
    drop(conn);
    soon("the script", scripted).await.expect("as it should be");
}

#[tokio::test]
async fn a_server_begins_with_settings_or_waits() {
    for first in [SETTINGS, b""] {
        let daemon = Daemon::listen().await;
        let docker = daemon.speaking(1, 44);
        let scripted = daemon.script(async move |mut peer| {
            peer.answer("POST /v1.44/grpc", [SWITCHED.as_bytes(), first].concat()).await;
            peer.gone().await;
        });
        let conn = soon("a connection", docker.grpc()).await.expect("granted");
        assert_eq!(conn.unread(), first);
        drop(conn);
        soon("the script", scripted).await.expect("as it should be");
    }
}

/// What begins otherwise is no HTTP/2; and what is refused says why.
#[tokio::test]
async fn anything_else_is_no_http2() {
    let table: [(&[u8], &str); 4] = [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "HTTP/1.1 400 Bad"),
        (b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", "PRI"),
        (b"\0\0\0\x04\x01\0\0\0\0, and more than a preface", "x04"),
        (b"", "begins with \"\""),
    ];
    for (first, shown) in table {
        for session in [true, false] {
            let daemon = Daemon::listen().await;
            let docker = daemon.speaking(1, 44);
            let scripted = daemon.script(async move |mut peer| {
                peer.request().await;
                peer.send([SWITCHED.as_bytes(), first].concat()).await;
            });
            let taken = match session {
                true => soon("an answer", docker.session(&SessionOptions::new("id"))).await,
                false => soon("an answer", docker.grpc()).await,
            };
            let error = taken.expect_err("no HTTP/2");
            assert!(matches!(error, Error::Unexpected { .. }), "{error:?}");
            assert!(error.to_string().contains(shown), "{error}");
            soon("the script", scripted).await.expect("as it should be");
        }
    }
    let daemon = Daemon::listen().await;
    let docker = daemon.speaking(1, 44);
    let scripted = daemon.script(async |mut peer| {
        peer.answer("POST /v1.44/grpc", json("500 Oh", r#"{"message":"no h2c here"}"#)).await;
        peer.gone().await;
    });
    let error = soon("a refusal", docker.grpc()).await.expect_err("refused");
    assert_eq!(error.to_string(), "Error response from daemon: no h2c here");
    soon("the script", scripted).await.expect("as it should be");
}
