//! What `net/rpc/jsonrpc` says to odd calls, byte for byte, and what its client makes of odd answers. Go itself is asked the
//! same in `testing/interop`.

use hijack::rpc::{CallError, Config, Lost};
use tokio::io::AsyncWriteExt;

use crate::support::{ask, by_hand, read_until, serve_bare};

/// Calls, and what Go answers.
const PROBES: [(&str, &str); 19] = [
    (
        r#"{"method":"Arith.Multiply","params":[{"A":7,"B":8}],"id":1}"#,
        r#"{"id":1,"result":56,"error":null}"#,
    ),
    // Ids may be anything and come back as they were, but for white space.
    (r#"{"method":"a.b.C","params":[1],"id":"x<y"}"#, r#"{"id":"x\u003cy","result":2,"error":null}"#),
    (
        r#"{"method":"a.b.C","params":[1],"id":{ "a" : [ 1 ] }}"#,
        r#"{"id":{"a":[1]},"result":2,"error":null}"#,
    ),
    (r#"{"method":"a.b.C","params":[1],"id":1.50}"#, r#"{"id":1.50,"result":2,"error":null}"#),
    (r#"{"method":"a.b.C","params":[1],"id":007}"#, ""),
    (r#"{"method":"a.b.C","params":[1],"id":null}"#, r#"{"id":null,"result":2,"error":null}"#),
    // There are no notifications.
    (r#"{"method":"a.b.C","params":[1]}"#, r#"{"id":null,"result":2,"error":null}"#),
    // Names match without case; further parameters are ignored, none is a zero.
    (r#"{"METHOD":"a.b.C","Params":[1,2,3],"Id":1}"#, r#"{"id":1,"result":2,"error":null}"#),
    (r#"{"method":"a.b.C","params":[],"id":1}"#, r#"{"id":1,"result":1,"error":null}"#),
    (r#"{"method":"Arith.Multiply","params":[null],"id":1}"#, r#"{"id":1,"result":0,"error":null}"#),
    (
        r#"{"method":"a.b.C","params":{"a":1},"id":1}"#,
        r#"{"id":1,"result":null,"error":"json: cannot unmarshal object into Go value of type [1]interface {}"}"#,
    ),
    (
        r#"{"method":"a.b.C","params":"x","id":1}"#,
        r#"{"id":1,"result":null,"error":"json: cannot unmarshal string into Go value of type [1]interface {}"}"#,
    ),
    (
        r#"{"method":"a.b.C","id":1}"#,
        r#"{"id":1,"result":null,"error":"jsonrpc: request body missing params"}"#,
    ),
    (r#"{}"#, r#"{"id":null,"result":null,"error":"rpc: service/method request ill-formed: "}"#),
    (
        r#"{"method":"Nobody.C","params":[1],"id":1}"#,
        r#"{"id":1,"result":null,"error":"rpc: can't find service Nobody.C"}"#,
    ),
    (
        r#"{"method":"Text.Fail","params":["a&b\u2028"],"id":1}"#,
        r#"{"id":1,"result":null,"error":"a\u0026b\u2028"}"#,
    ),
    (r#"{"method":"Text.Fail","params":[""],"id":1}"#, r#"{"id":1,"result":{},"error":null}"#),
    // No batches, and nothing is said to what is no call.
    (r#"[{"method":"a.b.C","params":[1],"id":1}]"#, ""),
    (r#"{"method": bad}"#, ""),
];

#[tokio::test]
async fn odd_calls_are_answered_as_go_does() {
    let (_, url) = serve_bare(Config::default()).await;
    for (call, answer) in PROBES {
        let expected = if answer.is_empty() { String::new() } else { format!("{answer}\n") };
        assert_eq!(ask(&url, call.as_bytes()).await, expected, "{call}");
    }
}

#[tokio::test]
async fn a_reply_of_nothing_is_an_object() {
    let (_, url) = serve_bare(Config::default()).await;
    let call = br#"{"method":"Text.Nothing","params":[null],"id":1}"#;
    assert_eq!(ask(&url, call).await, "{\"id\":1,\"result\":{},\"error\":null}\n");
}

#[tokio::test]
async fn bytes_that_are_no_text_are_read_as_go_reads_them() {
    let (_, url) = serve_bare(Config::default()).await;
    let answer = ask(&url, b"{\"method\":\"Text.Echo\",\"params\":[\"a\xffb\"],\"id\":1}").await;
    assert_eq!(answer, "{\"id\":1,\"result\":\"a\u{fffd}b\",\"error\":null}\n");
}

#[tokio::test]
async fn a_long_line_and_two_calls_in_one_piece() {
    let (_, url) = serve_bare(Config::default()).await;
    let long = "y".repeat(10 << 20);
    let calls = format!(
        "{{\"method\":\"Text.Echo\",\"params\":[\"{long}\"],\"id\":1}}{{\"method\":\"a.b.C\",\"params\":[1],\"id\":2}}"
    );
    let expected = format!(
        "{{\"id\":1,\"result\":\"{long}\",\"error\":null}}\n{{\"id\":2,\"result\":2,\"error\":null}}\n"
    );
    assert!(ask(&url, calls.as_bytes()).await == expected);
}

/// What is given to a client that has called, and what its call becomes.
async fn answered(answer: &str) -> Result<serde_json::Value, CallError> {
    let (client, mut peer) = by_hand(Config::default()).await;
    let call = tokio::spawn(async move { client.call("A.B", &1).await });
    read_until(&mut peer, "\n").await;
    peer.write_all(answer.as_bytes()).await.expect("sent");
    peer.shutdown().await.expect("half closed");
    call.await.expect("no panic")
}

#[tokio::test]
async fn odd_answers() {
    let value = |text| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
    assert_eq!(answered(r#"{"ID":0,"result":[1],"error":null}"#).await.expect("a value"), value("[1]"));
    assert_eq!(answered(r#"{"result":1}"#).await.expect("a value"), value("1"));
    let remote = |answer: Result<_, CallError>| match answer {
        Err(CallError::Remote(text)) => text,
        other => panic!("{other:?}"),
    };
    assert_eq!(remote(answered(r#"{"id":0,"result":1,"error":"bad"}"#).await), "bad");
    assert_eq!(remote(answered(r#"{"id":0,"result":null,"error":""}"#).await), "unspecified error");
    assert_eq!(remote(answered(r#"{"id":0,"result":null,"error":{"code":5}}"#).await), r#"{"code":5}"#);
    // Nobody's answers are skipped, also twice.
    let twice =
        r#"{"id":7,"result":9,"error":null}{"id":0,"result":1,"error":null}{"id":0,"result":2,"error":null}"#;
    assert_eq!(answered(twice).await.expect("a value"), value("1"));
    for broken in [r#"{"id":"x","result":1}"#, "[1]", "nonsense"] {
        let error = answered(broken).await.expect_err(broken);
        assert!(matches!(error, CallError::Lost(Lost::Protocol(_))), "{broken}: {error:?}");
    }
    let cut_off = answered(r#"{"id":0,"#).await.expect_err("cut off");
    assert!(matches!(cut_off, CallError::Lost(Lost::UnexpectedEof)), "{cut_off:?}");
}

/// Go's client ends the connection over it; ours fails the call, if that wants a value.
#[tokio::test]
async fn neither_result_nor_error() {
    let (client, mut peer) = by_hand(Config::default()).await;
    let call = tokio::spawn(async move {
        let number = client.call::<i64>("A.B", &1).await;
        let nothing = client.call::<()>("A.B", &1).await;
        (number, nothing)
    });
    read_until(&mut peer, "\n").await;
    peer.write_all(br#"{"id":0,"result":null,"error":null}"#).await.expect("sent");
    read_until(&mut peer, "\n").await;
    peer.write_all(br#"{"id":1,"result":null,"error":null}"#).await.expect("sent");
    let (number, nothing) = call.await.expect("no panic");
    assert!(matches!(number, Err(CallError::Decode(_))), "{number:?}");
    nothing.expect("nothing is what was wanted");
}
