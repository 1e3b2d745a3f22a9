//! Clients that send a byte at a time, or none: what ends them, and that nothing else does.

use std::time::{Duration, Instant};

use hijack::rpc::Server;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::support::{LONG, methods, read_all, read_until, socket};

const CONNECT: &str = "CONNECT /_goRPC_ HTTP/1.0\n\n";
const CALL: &str = "{\"method\":\"a.b.C\",\"params\":[1],\"id\":5}";

/// Much less than what is allowed, and much more.
const PAUSE: Duration = Duration::from_millis(20);
const LIMIT: Duration = Duration::from_millis(400);

async fn serve(configure: impl FnOnce(&mut hijack::Config)) -> String {
    let listener = hijack::Listener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_address());
    let http = hijack::Server::builder().configure(configure).build();
    let handler = Server::new(methods()).into_handler();
    tokio::spawn(async move { http.serve(listener, handler).await });
    url
}

/// Sends byte by byte until it is over, or the server has hung up.
async fn drip(socket: &mut TcpStream, bytes: &str) {
    for byte in bytes.as_bytes() {
        if socket.write_all(&[*byte]).await.is_err() {
            return;
        }
        sleep(PAUSE).await;
    }
}

async fn granted(url: &str) -> TcpStream {
    let mut socket = socket(url).await;
    socket.set_nodelay(true).expect("a socket");
    socket.write_all(CONNECT.as_bytes()).await.expect("sent");
    read_until(&mut socket, "\n\n").await;
    socket
}

/// Each byte comes quickly, the head as a whole does not.
#[tokio::test]
async fn a_connect_that_drips_is_not_waited_for() {
    let url = serve(|config| config.head_timeout = LIMIT).await;
    let mut socket = socket(&url).await;
    let start = Instant::now();
    let (mut theirs, mut ours) = socket.split();
    let sending = async {
        for byte in CONNECT.repeat(20).as_bytes().iter().filter(|byte| **byte != b'\n') {
            if ours.write_all(&[*byte]).await.is_err() {
                return;
            }
            sleep(PAUSE).await;
        }
    };
    let reading = async {
        let mut answer = Vec::new();
        let _ = tokio::io::AsyncReadExt::read_to_end(&mut theirs, &mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    };
    let answer = tokio::select! {
        answer = reading => answer,
        () = sending => panic!("it was waited for"),
    };
    assert!(answer.starts_with("HTTP/1.0 408 ") || answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(start.elapsed() < LIMIT * 5, "{:?}", start.elapsed());
}

/// It is no idle connection: its call is answered when it is whole.
#[tokio::test]
async fn a_call_that_drips_is_answered() {
    let url = serve(|config| config.taken.idle = Some(LIMIT)).await;
    let mut socket = granted(&url).await;
    drip(&mut socket, CALL).await;
    assert_eq!(read_until(&mut socket, "\n").await, "{\"id\":5,\"result\":2,\"error\":null}\n");
}

#[tokio::test]
async fn a_client_that_says_nothing_is_closed_where_that_is_configured() {
    let url = serve(|config| config.taken.idle = Some(LIMIT)).await;
    let mut socket = granted(&url).await;
    socket.write_all(&CALL.as_bytes()[..10]).await.expect("sent");
    assert_eq!(timeout(LONG, read_all(&mut socket)).await.expect("in time"), "");
}

/// Who drips for ever is ended by the limit on a conversation's life.
#[tokio::test]
async fn a_life_that_is_limited_ends_what_drips() {
    let url = serve(|config| config.taken.lifetime = Some(LIMIT)).await;
    let mut socket = granted(&url).await;
    let start = Instant::now();
    timeout(LONG, drip(&mut socket, &CALL.repeat(100))).await.expect("it is hung up on");
    assert!(start.elapsed() < LIMIT * 5, "{:?}", start.elapsed());
}
