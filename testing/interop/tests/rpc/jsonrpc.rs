//! `net/rpc/jsonrpc`, byte for byte: the same odd calls to Go's server and to ours.

use hijack_interop::rpc::{GoServer, json_methods};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{OurServer, run};

/// Calls whose answers must be the same to the byte.
const CALLS: [&str; 41] = [
    r#"{"method":"Arith.Multiply","params":[{"A":7,"B":8}],"id":1}"#,
    r#"{"method":"Arith.Divide","params":[{"A":7,"B":2}],"id":1}"#,
    r#"{"method":"Arith.Divide","params":[{"A":7,"B":0}],"id":1}"#,
    r#" { "method" : "Arith.Multiply" , "params" : [ { "A" : 7 , "B" : 8 } ] , "id" : 1 } "#,
    r#"{"method":"a.b.C","params":[1],"id":"x<y>&z"}"#,
    r#"{"method":"a.b.C","params":[1],"id":{ "a" : [ 1 , "< >" ] }}"#,
    r#"{"method":"a.b.C","params":[1],"id":1.50}"#,
    r#"{"method":"a.b.C","params":[1],"id":-1}"#,
    r#"{"method":"a.b.C","params":[1],"id":1e3}"#,
    r#"{"method":"a.b.C","params":[1],"id":18446744073709551616}"#,
    r#"{"method":"a.b.C","params":[1],"id":true}"#,
    r#"{"method":"a.b.C","params":[1],"id":null}"#,
    r#"{"method":"a.b.C","params":[1],"id":007}"#,
    r#"{"method":"a.b.C","params":[1]}"#,
    r#"{"METHOD":"a.b.C","Params":[1],"iD":1}"#,
    r#"{"method":"x","method":"a.b.C","params":[1],"id":1,"id":2}"#,
    r#"{"method":"a.b.C","params":[1],"id":1,"more":{"a":[1]},"result":5}"#,
    r#"{"method":"a.b.C","params":[1,2,3],"id":1}"#,
    r#"{"method":"a.b.C","params":[],"id":1}"#,
    r#"{"method":"a.b.C","params":[null],"id":1}"#,
    r#"{"method":"a.b.C","params":null,"id":1}"#,
    r#"{"method":"Arith.Multiply","params":[],"id":1}"#,
    r#"{"method":"Arith.Multiply","params":[{}],"id":1}"#,
    r#"{"method":"Text.Echo","params":[],"id":1}"#,
    r#"{"method":"a.b.C","params":{"a":1},"id":1}"#,
    r#"{"method":"a.b.C","params":"x","id":1}"#,
    r#"{"method":"a.b.C","params":5,"id":1}"#,
    r#"{"method":"a.b.C","params":false,"id":1}"#,
    r#"{"method":"a.b.C","id":1}"#,
    r#"{}"#,
    r#"null"#,
    r#"{"method":null,"params":[1],"id":1}"#,
    r#"{"method":"Nobody.C","params":[1],"id":1}"#,
    r#"{"method":"a.b.D","params":[1],"id":1}"#,
    r#"{"method":"\u0061.b\u002eC","params":[1],"id":1}"#,
    r#"{"method":"Text.Fail","params":["a&b\u2028\"\\\n\u0001"],"id":1}"#,
    r#"{"method":"Text.Fail","params":[""],"id":1}"#,
    r#"{"method":"Text.Nothing","params":[{}],"id":1}"#,
    r#"{"method":"Text.Echo","params":["\ud83d\ude00 <\u007f>\u0008\u000c\t"],"id":1}"#,
    r#"{"method":"a.b.C","params":[1],"id":1}{"method":"a.b.D","params":[2],"id":2}"#,
    r#"{"method":"Arith.Multiply","params":[{"A":9223372036854775807,"B":1}],"id":1}"#,
];

/// Streams that are no calls: nothing is said, and the connection closes at the byte that breaks it, without the client's
/// end.
const BROKEN: [&str; 11] = [
    r#"[{"method":"a.b.C","params":[1],"id":1}]"#,
    "{bad",
    r#"{"method": bad}"#,
    r#"{"method":5,"params":[1],"id":1}"#,
    r#"{"method":"a.b.C",}"#,
    "\"text\" ",
    "5 ",
    "true ",
    "}",
    "\u{0}",
    r#"{"method":"a.b.C","params":[1],"id":1]"#,
];

async fn answer(url: &str, call: &str, ends: bool) -> String {
    let address = url.strip_prefix("tcp://").expect("a bare address");
    let mut socket = TcpStream::connect(address).await.expect("it listens");
    socket.write_all(call.as_bytes()).await.expect("sent");
    if ends {
        socket.shutdown().await.expect("half closed");
    }
    let mut answer = Vec::new();
    // Bytes that nobody reads make a reset of the end.
    let _ = socket.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn odd_calls_are_answered_alike() {
    let Some(go) = GoServer::start() else { return };
    run(async {
        let ours = OurServer::start(json_methods()).await;
        for call in CALLS {
            let (expected, got) = (answer(&go.json, call, true).await, answer(&ours.bare, call, true).await);
            // Of two calls, Go may answer the second one first.
            let sorted = |text: &str| {
                let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
                lines.sort();
                lines
            };
            assert_eq!(sorted(&got), sorted(&expected), "{call}");
        }
    });
}

#[test]
fn broken_streams_end_alike() {
    let Some(go) = GoServer::start() else { return };
    run(async {
        let ours = OurServer::start(json_methods()).await;
        for stream in BROKEN {
            assert_eq!(answer(&go.json, stream, false).await, "", "{stream}");
            assert_eq!(answer(&ours.bare, stream, false).await, "", "{stream}");
        }
    });
}

/// What our client and Go's write for the same calls.
#[test]
fn calls_are_written_alike() {
    use hijack::rpc::{Client, Config, Json};
    use hijack_interop::rpc::Args;
    run(async {
        let (client, mut peer) = tokio::io::duplex(1 << 16);
        let client = Client::over(client, &Json, Config::default());
        let calls = tokio::spawn(async move {
            let args = Args { a: 7, b: 8 };
            let _ = tokio::join!(
                client.call::<i64>("Arith.Multiply", &args),
                client.call::<String>("Text.Echo", "<&>"),
                client.call::<f64>("Float.Echo", &1e21),
            );
        });
        // As a client of Go 1.27 writes them.
        let expected = "{\"method\":\"Arith.Multiply\",\"params\":[{\"A\":7,\"B\":8}],\"id\":0}\n\
            {\"method\":\"Text.Echo\",\"params\":[\"\\u003c\\u0026\\u003e\"],\"id\":1}\n\
            {\"method\":\"Float.Echo\",\"params\":[1e+21],\"id\":2}\n";
        let mut written = vec![0; expected.len()];
        peer.read_exact(&mut written).await.expect("three calls");
        assert_eq!(String::from_utf8_lossy(&written), expected);
        drop(peer);
        calls.await.expect("no panic");
    });
}
