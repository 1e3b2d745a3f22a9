//! A server of gob, by hand, that answers what it was not asked, or otherwise than it may.

use hijack::rpc::{CallError, Client, Config, Gob, Lost};
use hijack_gob::{Decoder, Encoder, GoString};
use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::timeout;

use crate::support::LONG;

/// `rpc.Response`.
#[derive(hijack_gob::Gob)]
#[gob(name = "Response")]
struct Head {
    #[gob(name = "ServiceMethod")]
    method: &'static str,
    #[gob(name = "Seq")]
    number: u64,
    #[gob(name = "Error")]
    error: &'static str,
}

fn head(number: u64) -> Head {
    Head { method: "A.B", number, error: "" }
}

/// `rpc.Request`.
#[derive(Deserialize)]
struct Call {
    #[serde(rename = "ServiceMethod")]
    method: GoString,
    #[serde(rename = "Seq")]
    number: u64,
}

struct Liar {
    io: DuplexStream,
    received: Vec<u8>,
    decoder: Decoder,
    encoder: Encoder,
}

impl Liar {
    fn with_client() -> (Client<Gob>, Self) {
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        let client = Client::over(ours, &Gob::default(), Config::default());
        let (decoder, encoder) = (Decoder::new(), Encoder::new());
        (client, Self { io: theirs, received: Vec::new(), decoder, encoder })
    }

    /// Waits for a call, and gives its number.
    async fn hear(&mut self) -> u64 {
        let Call { method, number } = self.value().await;
        assert_eq!(method.0, b"A.B");
        self.value::<IgnoredAny>().await;
        number
    }

    async fn value<T: serde::de::DeserializeOwned>(&mut self) -> T {
        loop {
            let mut rest = &self.received[..];
            if let Some(value) = self.decoder.decode(&mut rest).expect("gob") {
                self.received = rest.to_vec();
                return value;
            }
            self.received = rest.to_vec();
            self.io.read_buf(&mut self.received).await.expect("more");
        }
    }

    async fn say(&mut self, value: &impl hijack_gob::Gob) {
        let mut bytes = Vec::new();
        self.encoder.encode(value, &mut bytes).expect("gob");
        self.io.write_all(&bytes).await.expect("taken");
    }
}

/// Begins a call of `A.B` and gives what becomes of it.
fn call(client: &Client<Gob>) -> impl Future<Output = Result<i64, CallError>> + use<> {
    let client = client.clone();
    let called = tokio::spawn(async move { client.call::<i64>("A.B", &1_i64).await });
    async move { timeout(LONG, called).await.expect("in time").expect("no panic") }
}

#[tokio::test]
async fn answers_to_nobody_are_skipped() {
    let (client, mut liar) = Liar::with_client();
    let first = call(&client);
    assert_eq!(liar.hear().await, 0);
    // Unasked, with a type of its own; the right one; once more.
    liar.say(&head(99)).await;
    liar.say(&vec![vec!["a".to_owned()]]).await;
    liar.say(&head(0)).await;
    liar.say(&5_i64).await;
    liar.say(&head(0)).await;
    liar.say(&6_i64).await;
    assert_eq!(first.await.expect("an answer"), 5);
    let second = call(&client);
    assert_eq!(liar.hear().await, 1);
    // In a list of what was skipped before.
    liar.say(&head(1)).await;
    liar.say(&vec![vec!["a".to_owned()]]).await;
    assert!(matches!(second.await, Err(CallError::Decode(_))));
    let third = call(&client);
    assert_eq!(liar.hear().await, 2);
    liar.say(&head(2)).await;
    liar.say(&7_i64).await;
    assert_eq!(third.await.expect("an answer"), 7);
}

/// Go sends an empty struct behind an error. Others may send what they like.
#[tokio::test]
async fn what_stands_behind_an_error_is_skipped() {
    let (client, mut liar) = Liar::with_client();
    let first = call(&client);
    liar.hear().await;
    liar.say(&Head { error: "so it is", ..head(0) }).await;
    liar.say(&vec![1_i64, 2, 3]).await;
    assert_eq!(first.await.expect_err("it failed").remote(), Some("so it is"));
    let second = call(&client);
    liar.hear().await;
    liar.say(&head(1)).await;
    liar.say(&7_i64).await;
    assert_eq!(second.await.expect("an answer"), 7);
}

/// The head is no value of that call; then a value stands where a head should, and that is the end.
#[tokio::test]
async fn a_head_in_the_place_of_a_value_ends_the_connection() {
    let (client, mut liar) = Liar::with_client();
    let (first, second) = (call(&client), call(&client));
    liar.hear().await;
    liar.hear().await;
    liar.say(&head(0)).await;
    liar.say(&head(1)).await;
    liar.say(&7_i64).await;
    let errors = [first.await, second.await].map(|called| called.expect_err("no answer"));
    assert!(matches!(&errors[0], CallError::Decode(_)), "{errors:?}");
    assert!(matches!(&errors[1], CallError::Lost(Lost::Protocol(_))), "{errors:?}");
    timeout(LONG, client.closed()).await.expect("in time");
}
