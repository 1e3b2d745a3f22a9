//! Values that panic while they are encoded or decoded: their own call fails, and no half of it is on the wire.

use std::fmt;

use hijack::rpc::{
    CallError, Client, Codec, Config, Decode, Encode, Fault, Gob, Json, Methods, MsgPack, Origin, Server,
};
use hijack_gob::{EncodeError, GoType, Kind, Writer};
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tokio::time::timeout;

use crate::support::LONG;

/// It can neither be sent nor received, nor be put into words.
#[derive(Debug)]
pub(crate) struct Panics;

impl Serialize for Panics {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut writer = serializer.serialize_struct("Panics", 2)?;
        writer.serialize_field("A", "begun")?;
        panic!("a value panics")
    }
}

impl hijack_gob::Gob for Panics {
    fn go_type() -> GoType {
        static FIELDS: [hijack_gob::Field; 1] =
            [hijack_gob::Field { name: "A", go_type: <String as hijack_gob::Gob>::go_type }];
        GoType::new::<Self>(Kind::Struct("Panics", &FIELDS))
    }

    fn is_zero(&self) -> bool {
        false
    }

    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.structure()?.field(0, "A", "begun")?;
        panic!("a value panics")
    }
}

impl<'de> Deserialize<'de> for Panics {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        panic!("a value panics")
    }
}

impl fmt::Display for Panics {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("an error panics")
    }
}

fn methods<C>() -> Methods<C>
where
    C: Codec,
    Panics: Encode<C> + Decode<C>,
    i64: Encode<C> + Decode<C>,
{
    let mut methods = Methods::new();
    methods
        .add("Bad.Reply", |_: i64| async move { Ok::<_, Fault>(Panics) })
        .and_then(|methods| methods.add("Bad.Words", |_: i64| async move { Err::<i64, _>(Panics) }))
        .and_then(|methods| methods.add("Bad.Args", |_: Panics| async move { Ok::<_, Fault>(1) }))
        .and_then(|methods| methods.add("Echo.Back", |n: i64| async move { Ok::<_, Fault>(n) }))
        .expect("names of their own");
    methods
}

async fn client<C>() -> Client<C>
where
    C: Codec + Default,
    Panics: Encode<C> + Decode<C>,
    i64: Encode<C> + Decode<C>,
{
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    tokio::spawn(async move { Server::new(methods::<C>()).serve_stream(theirs, Origin::unknown()).await });
    Client::over(ours, &C::default(), Config::default())
}

async fn only_its_own_call_fails<C>()
where
    C: Codec + Default,
    Panics: Encode<C> + Decode<C>,
    i64: Encode<C> + Decode<C>,
{
    // First on the connection, when gob has told no type yet, and later.
    for first in ["Bad.Reply", "Bad.Words"] {
        let client = client::<C>().await;
        for _ in 0..2 {
            let calling = client.clone();
            let called = tokio::spawn(async move { calling.call::<i64>("Echo.Back", &Panics).await });
            assert!(called.await.expect_err("the caller's own panic").is_panic());
            for method in [first, "Bad.Words", "Bad.Reply"] {
                let error = client.call::<i64>(method, &1).await.expect_err(method);
                assert_eq!(error.remote(), Some("rpc: handler panicked"), "{method}: {error:?}");
            }
            assert_eq!(client.call::<i64>("Echo.Back", &7).await.expect("it goes on"), 7);
        }
        assert_eq!(client.in_flight(), 0);
    }
    let one = client::<C>().await;
    let error = one.call::<i64>("Bad.Args", &1).await.expect_err("it was not decoded");
    assert_eq!(error.remote(), Some("its type panicked while it was decoded"));
    timeout(LONG, one.closed()).await.expect("nobody knows where the decoder of the server stands");
    let one = client::<C>().await;
    let error = one.call::<Panics>("Echo.Back", &1).await.expect_err("it was not decoded");
    assert!(matches!(error, CallError::Decode(_)), "{error:?}");
    timeout(LONG, one.closed()).await.expect("nobody knows where the decoder of the client stands");
    assert!(matches!(one.call::<i64>("Echo.Back", &1).await, Err(CallError::Shutdown)));
}

#[tokio::test]
async fn a_panic_over_json_is_its_own_calls() {
    only_its_own_call_fails::<Json>().await;
}

#[tokio::test]
async fn a_panic_over_gob_is_its_own_calls() {
    only_its_own_call_fails::<Gob>().await;
}

#[tokio::test]
async fn a_panic_over_msgpack_is_its_own_calls() {
    only_its_own_call_fails::<MsgPack>().await;
}
