//! Go's net/rpc in both roles: a service that Go programs call, and a client that calls it as it would call theirs.
//!
//! cargo run --example rpc
//! hijack rpc call http://127.0.0.1:3000 Arith.Divide '{"A":7,"B":2}'
//!
//! Or from Go: client, err := rpc.DialHTTP("tcp", "127.0.0.1:3000")

use hijack::rpc::{self, Context, Fault, Gob, Methods};
use hijack::{Error, Listener};
use serde::Deserialize;

struct Arith;

/// type Args struct { A, B int }
#[derive(Deserialize, hijack_gob::Gob)]
#[serde(rename_all = "PascalCase")]
struct Args {
    a: i64,
    b: i64,
}

/// type Quotient struct { Quo, Rem int }
#[derive(Debug, Deserialize, hijack_gob::Gob)]
#[serde(rename_all = "PascalCase")]
struct Quotient {
    quo: i64,
    rem: i64,
}

impl Arith {
    async fn divide(&self, call: Context, Args { a, b }: Args) -> Result<Quotient, Fault> {
        if b == 0 {
            return Err(Fault::new(format!("{} divides by zero", call.peer())));
        }
        Ok(Quotient { quo: a / b, rem: a % b })
    }
}

rpc::service! {
    Arith {
        "Divide" => divide(Args) -> Quotient,
    }
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:3000".into());
    let listener = Listener::bind(&address).await?;
    let mut methods = Methods::<Gob>::new();
    methods.service(Arith).map_err(Error::other)?;
    println!("listening on {}", listener.local_address());
    let url = format!("http://{}", listener.local_address());
    let handler = rpc::Server::new(methods).into_handler();
    tokio::spawn(async move { hijack::Server::new().serve(listener, handler).await });

    let client = rpc::dial::<Gob>(&url).await?;
    let quotient: Quotient = client.call("Arith.Divide", &Args { a: 7, b: 2 }).await?;
    println!("7 / 2 is {}, {} are left", quotient.quo, quotient.rem);
    std::future::pending().await
}
