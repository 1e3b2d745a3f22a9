//! Go's `encoding/gob` for Rust: values to and from Go programs that are not changed for it.
//!
//! A gob stream describes itself: its sender defines each type before the first value of it. So an [`Encoder`] has to
//! know the types, which `#[derive(Gob)]` tells it, and a [`Decoder`] learns them, so that it can decode into anything
//! that implements serde's `Deserialize`.
//!
//! ```
//! use hijack_gob::{Decoder, Encoder, Gob};
//! use serde::Deserialize;
//!
//! // type Args struct { A, B int; UserID string }
//! #[derive(Gob, Deserialize, Debug, PartialEq)]
//! #[serde(rename_all = "PascalCase")]
//! struct Args {
//!     a: i64,
//!     b: i64,
//!     #[serde(rename = "UserID")]
//!     user_id: String,
//! }
//!
//! let args = Args { a: 7, b: 8, user_id: "gopher".into() };
//! let mut stream = Vec::new();
//! Encoder::new().encode(&args, &mut stream)?;
//!
//! let mut decoder = Decoder::new();
//! let mut input = &stream[..];
//! assert_eq!(decoder.decode(&mut input)?, Some(args));
//! // Nothing more has been received: `None`, and no error.
//! assert_eq!(decoder.decode::<Args>(&mut input)?, None);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Neither IO nor trust
//!
//! Encoder and decoder are states of one direction of a connection; bytes go in and out. A decoder takes what has been
//! received so far and says when a value is not whole yet. Whatever a peer sends, it costs time linear in its length
//! and memory within [`Limits`]; Go's own decoder is not made for peers that one does not trust.
//!
//! A header and a body whose type the header tells, as in Go's net/rpc, are two values, decoded one after the other
//! ([`Decoder::decode`]); a body that somebody else decodes is taken as a [`RawValue`].
//!
//! # Types
//!
//! [`Gob`](trait@Gob) has the table of types. Where the two languages differ:
//!
//! - Go's format knows no difference between a value and a pointer to it, and sends no zeros in structs: `Some(0)`
//!   arrives as `None`. A map that is empty is sent, one that is `None` is not.
//! - Signed, unsigned and floating numbers are three kinds, and no one of them is read as another. Their widths are
//!   checked value by value.
//! - Fields are matched by name, which in Go begins with a capital letter: rename them, for serde or for this crate.
//!   Names that only one side has are passed over; a field that the stream lacks is zero, or has its
//!   `#[serde(default)]`.
//! - What a struct embeds is a field called after the type.
//! - An interface is an enum with a variant for each type that it may hold (`#[gob(interface)]`, each renamed to the
//!   name under which Go registers the type), an [`Interface`], or, to be sent only, [`Any`].
//! - A `String` is UTF-8. Go's strings need not be: [`GoString`].
//!
//! # Values of any type
//!
//! A [`Dynamic`] is a value with the type that its stream says it has. It can be looked into, sent on, and, with the
//! feature `json`, shown and made as JSON; a [`Type`] can be written in Go's own words:
//!
//! ```
//! # #[cfg(feature = "json")] {
//! use hijack_gob::{Decoder, Dynamic, Encoder, Type};
//! use serde_json::json;
//!
//! let args: Type = "struct { A, B int; Tags []string }".parse()?;
//! let call = Dynamic::from_json(&args, &json!({"a": 7, "b": 8}))?;
//! let mut stream = Vec::new();
//! Encoder::new().encode_dynamic(&call, &mut stream)?;
//!
//! let read: Dynamic = Decoder::new().decode(&mut &stream[..])?.expect("the value is whole");
//! assert_eq!(read.value.get("A"), Some(&7_i64.into()));
//! assert_eq!(read.to_json(), json!({"A": 7, "B": 8, "Tags": []}));
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![cfg_attr(docsrs, feature(doc_auto_cfg))]

mod any;
mod decode;
mod dynamic;
mod encode;
#[cfg(feature = "json")]
mod json;
mod limits;
mod marshaled;
mod registry;
mod text;
mod through_serde;
mod time;
mod types;
mod wire;

pub use any::Any;
pub use decode::error::{DecodeError, DecodeErrorKind};
pub use decode::{Decoder, Input, RawValue};
pub use dynamic::{Dynamic, Interface, Type, TypeError, TypeKind, Value};
pub use encode::{EncodeError, EncodeErrorKind, Encoder, Field, GoType, Gob, Kind, StructWriter, Writer};
#[cfg(feature = "derive")]
pub use hijack_gob_derive::Gob;
#[cfg(feature = "json")]
pub use json::JsonError;
pub use limits::Limits;
pub use marshaled::{BigInt, BinaryMarshaled, GobEncoded};
pub use registry::Registry;
pub use text::{ByteBuf, Complex, GoString};
pub use time::{Time, Zone};
pub use types::Marshaler;
