//! Daemons that mean harm: limits are met, errors say which, nothing hangs and nothing grows.

use hijack_docker::stream::{Error as StreamError, FrameError};
use hijack_docker::{AttachOptions, Error, ListOptions};

use crate::script::{Daemon, MULTIPLEXED, Peer, json, soon, switched};

/// What the client says of a daemon that answers the list of containers as `script` does.
async fn listing<F>(script: impl FnOnce(Peer) -> F + Send + 'static) -> String
where
    F: Future<Output = ()> + Send,
{
    let daemon = Daemon::listen().await;
    let docker = daemon.builder().api_version("1.44".parse().expect("a version")).answer_len(100_000).build();
    let scripted = daemon.script(script);
    let error = soon("an error", docker.list(&ListOptions::default())).await.expect_err("hostile");
    drop(docker);
    soon("the script", scripted).await.expect("it ends with the client");
    error.to_string()
}

#[tokio::test]
async fn silence_has_an_end() {
    let said = listing(async |mut peer| peer.gone().await).await;
    assert!(said.ends_with("connection ended: answer timeout"), "{said}");
}

#[tokio::test]
async fn endless_heads_have_limits() {
    let said = listing(async |mut peer| {
        peer.request().await;
        peer.send("HTTP/1.1 200 OK\r\n").await;
        peer.flood(b"X-More: of the same\r\n").await;
    })
    .await;
    assert!(said.ends_with("head exceeds limit 65536 bytes"), "{said}");
    let said = listing(async |mut peer| {
        peer.request().await;
        peer.flood(b"HTTP/1.1 102 Processing\r\n\r\n").await;
    })
    .await;
    assert!(said.ends_with("more than 16 interim answers"), "{said}");
}

#[tokio::test]
async fn endless_bodies_have_limits() {
    let said = listing(async |mut peer| {
        peer.request().await;
        peer.send("HTTP/1.1 200 OK\r\n\r\n").await;
        peer.flood(&[b'['; 10_000]).await;
    })
    .await;
    assert!(said.contains("body exceeds limit 100000 bytes"), "{said}");
    let said = listing(async |mut peer| {
        peer.request().await;
        peer.send("HTTP/1.1 500 Oh\r\n\r\n").await;
        peer.flood(&[b'x'; 10_000]).await;
    })
    .await;
    assert!(said.starts_with("Error response from daemon: xxx") && said.len() < 70_000, "{}", said.len());
}

#[tokio::test]
async fn nonsense_is_called_so() {
    for (answer, reason) in [
        (json("200 OK", "{\"not\":\"a list\"}"), "no JSON that it should be"),
        (json("200 OK", "[{\"Id\":1}]"), "no JSON that it should be"),
        ("SSH-2.0-OpenSSH_9.2\r\n".to_owned(), "failed"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n[]".to_owned(), "failed"),
    ] {
        let said = listing(async move |mut peer| {
            peer.request().await;
            peer.send(answer).await;
        })
        .await;
        assert!(said.contains(reason), "{said}");
    }
}

/// Behind the 101: a promise of four gibibytes, a stream that does not exist, a cut, the daemon's own error.
#[tokio::test]
async fn streams_of_nonsense() {
    let table: [(&'static [u8], FrameError); 5] = [
        (b"\x01\0\0\0\xff\xff\xff\xff", FrameError::TooLong { len: u32::MAX, limit: 16 << 20 }),
        (b"\x09\0\0\0\0\0\0\x01x", FrameError::UnknownStream { stream: 9 }),
        (b"HTTP/1.1 500 Oh\r\n\r\n", FrameError::UnknownStream { stream: b'H' }),
        (b"\x01\0\0\0\0\0\0\x05hell", FrameError::Truncated { missing: 1 }),
        (b"\x03\0\0\0\0\0\0\x06broken", FrameError::Daemon("broken".to_owned())),
    ];
    for (behind, expected) in table {
        let daemon = Daemon::listen().await;
        let docker = daemon.speaking(1, 44);
        let scripted = daemon.script(async move |mut peer| {
            peer.request().await;
            peer.send([switched(MULTIPLEXED).as_bytes(), behind].concat()).await;
        });
        let streams = docker.attach("x", &AttachOptions::default()).await.expect("attached");
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let copied = soon("an error", streams.output.copy_to(&mut out, &mut err)).await;
        match copied.expect_err("nonsense") {
            StreamError::Frame(error) => assert_eq!(error, expected),
            other => panic!("{other:?}"),
        }
        soon("the script", scripted).await.expect("as it should be");
    }
}

/// A refused attach whose text never ends: what came of it is told.
#[tokio::test]
async fn a_refusal_that_never_ends() {
    let daemon = Daemon::listen().await;
    let docker = daemon.speaking(1, 44);
    let scripted = daemon.script(async |mut peer| {
        peer.request().await;
        peer.send("HTTP/1.1 409 Conflict\r\nContent-Type: text/plain\r\n\r\nit is paused").await;
        peer.gone().await;
    });
    let error = soon("a refusal", docker.attach("x", &AttachOptions::default())).await.expect_err("refused");
    assert!(matches!(&error, Error::Daemon { message, .. } if message == "it is paused"), "{error:?}");
    soon("the script", scripted).await.expect("as it should be");
}
