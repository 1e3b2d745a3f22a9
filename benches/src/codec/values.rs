//! The values. `go-gob/main.go` has the same.

use std::collections::HashMap;

use hijack_gob::{ByteBuf, Gob};
use serde::Deserialize;

macro_rules! structs {
    ($($name:ident { $($(#[$meta:meta])* $field:ident: $ty:ty),* $(,)? })*) => {$(
        #[derive(Gob, Deserialize, Clone, PartialEq)]
        #[serde(rename_all = "PascalCase")]
        pub(super) struct $name { $($(#[$meta])* $field: $ty),* }
    )*};
}

structs! {
    Header { service_method: String, seq: u64 }
    Args { a: i64, b: i64 }
    Record {
        id: i64, name: String, email: String, age: u8, score: f64, active: bool, balance: i32, tags: Vec<String>,
        avatar: ByteBuf, ratio: f32, count: u32, note: Option<String>,
    }
    Order { id: u64, customer: Customer, items: Vec<Item>, total: f64, paid: bool }
    Customer { name: String, address: Address }
    Address { street: String, city: String, zip: String }
    Item { sku: String, quantity: i64, price: f64, discount: Option<f64> }
    Map { entries: HashMap<String, i64> }
    Anys { list: Vec<Any> }
    Point { x: i64, y: i64 }
}

#[derive(Gob, Deserialize, Clone, PartialEq)]
#[gob(interface)]
pub(super) enum Any {
    #[serde(rename = "int")]
    Int(i64),
    #[serde(rename = "string")]
    Text(String),
    #[serde(rename = "float64")]
    Float(f64),
    #[serde(rename = "main.Point")]
    Point(Point),
}

pub(super) fn header() -> Header {
    Header { service_method: "Arith.Multiply".into(), seq: 123_456 }
}

pub(super) fn args() -> Args {
    Args { a: 7, b: 800 }
}

pub(super) fn record() -> Record {
    Record {
        id: 1_234_567,
        name: "Grace Hopper".into(),
        email: "grace@example.org".into(),
        age: 85,
        score: 99.5,
        active: true,
        balance: -1_500,
        tags: vec!["navy".into(), "cobol".into(), "bug".into()],
        avatar: ByteBuf(vec![0xA5; 64]),
        ratio: 0.25,
        count: 70_000,
        note: Some("first".into()),
    }
}

pub(super) fn order() -> Order {
    let item = |at: i64| Item {
        sku: format!("SKU-{at:05}"),
        quantity: at,
        price: 9.99,
        discount: (at % 2 == 0).then_some(0.5),
    };
    let address = Address { street: "1 Infinite Loop".into(), city: "Cupertino".into(), zip: "95014".into() };
    Order {
        id: 42,
        customer: Customer { name: "Ada".into(), address },
        items: (1..=10).map(item).collect(),
        total: 99.9,
        paid: true,
    }
}

pub(super) fn ints() -> Vec<i64> {
    (0..1_000_i64).map(|at| (1 << (at % 60)) * (1 - at % 2 * 2)).collect()
}

pub(super) fn floats() -> Vec<f64> {
    (0..1_000_u32).map(|at| f64::from(at) * 1.1).collect()
}

pub(super) fn strings() -> Vec<String> {
    (0..100).map(|at| format!("string number {at}")).collect()
}

pub(super) fn bytes() -> ByteBuf {
    ByteBuf((0..=255).cycle().take(64 * 1024).collect())
}

pub(super) fn map() -> Map {
    Map { entries: (0..100).map(|at| (format!("key{at}"), at)).collect() }
}

pub(super) fn any() -> Anys {
    let any = |at: i64| match at % 4 {
        0 => Any::Int(at),
        1 => Any::Text(format!("text {at}")),
        2 => Any::Float(1.5),
        _ => Any::Point(Point { x: at, y: -at }),
    };
    Anys { list: (0..50).map(any).collect() }
}
