//! `CONNECT /_goRPC_`: the example of net/rpc's documentation.

use hijack::rpc::{self, Context, Fault, Gob, Methods, Server};
use serde::Deserialize;

/// What Go calls `Arith`.
struct Arith;

#[derive(Deserialize, hijack_gob::Gob)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
struct Args {
    a: i64,
    b: i64,
}

#[derive(hijack_gob::Gob)]
#[gob(rename_all = "PascalCase")]
struct Quotient {
    quo: i64,
    rem: i64,
}

impl Arith {
    async fn multiply(&self, _: Context, Args { a, b }: Args) -> Result<i64, Fault> {
        // As in Go, which wraps.
        Ok(a.wrapping_mul(b))
    }

    async fn divide(&self, _: Context, Args { a, b }: Args) -> Result<Quotient, Fault> {
        if b == 0 {
            return Err(Fault::new("divide by zero"));
        }
        Ok(Quotient { quo: a.wrapping_div(b), rem: a.wrapping_rem(b) })
    }
}

rpc::service! {
    Arith {
        "Multiply" => multiply(Args) -> i64,
        "Divide" => divide(Args) -> Quotient,
    }
}

/// Serves it in gob, as Go's own clients speak.
pub(super) fn server() -> Server<Gob> {
    let mut methods = Methods::new();
    methods.service(Arith).expect("two names that differ");
    Server::new(methods)
}
