//! A server that has no descriptor left accepts again when there are some. Alone in its process, since it takes the
//! descriptors away.
#![cfg(target_os = "linux")]

use std::os::fd::AsRawFd;
use std::time::Duration;

use hijack::rpc::{Client, Config, Fault, Json, Methods, Server};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Lets this process open no further descriptor; gives what was allowed before.
fn allow_none() -> Rlimit {
    let before = getrlimit(Resource::Nofile);
    let next = rustix::io::dup(std::io::stderr()).expect("a descriptor");
    let lowest_free = u64::try_from(next.as_raw_fd()).expect("no negative one");
    setrlimit(Resource::Nofile, Rlimit { current: Some(lowest_free), ..before })
        .expect("less is always allowed");
    before
}

#[tokio::test]
async fn without_descriptors_accepting_rests() {
    let mut methods = Methods::<Json>::new();
    methods.add("Echo.Back", |n: i64| async move { Ok::<_, Fault>(n) }).expect("a name of its own");
    let listener = hijack::Listener::bind("127.0.0.1:0").await.expect("a port");
    let stream = TcpStream::connect(listener.local_address()).await.expect("it listens");
    let client = Client::over(stream, &Json, Config::default());
    let before = allow_none();
    let server = Server::new(methods);
    let serving = server.clone();
    let accepting = tokio::spawn(async move { serving.accept(listener).await });
    let call = client.call_within::<i64>(Duration::from_millis(300), "Echo.Back", &1);
    let error = call.await.expect_err("there is no descriptor for it");
    assert!(matches!(error, hijack::rpc::CallError::TimedOut { .. }), "{error:?}");
    setrlimit(Resource::Nofile, before).expect("as before");
    let called = timeout(Duration::from_secs(30), client.call::<i64>("Echo.Back", &2)).await;
    assert_eq!(called.expect("in time").expect("an echo"), 2);
    server.drain();
    timeout(Duration::from_secs(30), accepting).await.expect("in time").expect("no panic");
}
