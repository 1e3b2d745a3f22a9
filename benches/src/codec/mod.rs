//! What the codecs share: one thread, orders on stdin, and the values that are written and read.

mod values;

use std::hint::black_box;
use std::io::{self, BufRead, Write};

use hijack_gob::{Decoder, Encoder, Gob};
use serde::de::DeserializeOwned;

use crate::order::{DONE, Order};

/// A value that is written or read again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// The header of a net/rpc request.
    Header,
    /// Two integers.
    Args,
    /// A struct of a dozen small fields of all kinds.
    Record,
    /// Structs in structs, and a list of ten.
    Order,
    /// 1,000 integers of all lengths.
    Ints,
    /// 1,000 floats.
    Floats,
    /// 100 strings.
    Strings,
    /// 64 KiB of bytes.
    Bytes,
    /// A map of 100 strings to integers.
    Map,
    /// A list of 50 interfaces that hold four types.
    Any,
}

impl Shape {
    /// All of them, in the order of the suite.
    pub const ALL: [(&'static str, Self); 10] = [
        ("header", Self::Header),
        ("args", Self::Args),
        ("record", Self::Record),
        ("order", Self::Order),
        ("ints", Self::Ints),
        ("floats", Self::Floats),
        ("strings", Self::Strings),
        ("bytes", Self::Bytes),
        ("map", Self::Map),
        ("any", Self::Any),
    ];

    /// Its name in orders.
    ///
    /// # Panics
    /// Never: every shape is in the table.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, shape)| *shape == self).expect("every shape is in the table").0
    }

    fn work(self, is_decoding: bool) -> Box<dyn FnMut()> {
        match self {
            Self::Header => work(values::header(), is_decoding),
            Self::Args => work(values::args(), is_decoding),
            Self::Record => work(values::record(), is_decoding),
            Self::Order => work(values::order(), is_decoding),
            Self::Ints => work(values::ints(), is_decoding),
            Self::Floats => work(values::floats(), is_decoding),
            Self::Strings => work(values::strings(), is_decoding),
            Self::Bytes => work(values::bytes(), is_decoding),
            Self::Map => work(values::map(), is_decoding),
            Self::Any => work(values::any(), is_decoding),
        }
    }
}

/// Carries out the orders on stdin until it ends.
///
/// # Errors
/// When an order is unknown, or comes before there is work.
pub fn run() -> io::Result<()> {
    let mut work: Option<Box<dyn FnMut()>> = None;
    for line in io::stdin().lock().lines() {
        match line?.parse().map_err(io::Error::other)? {
            Order::Encode(shape) => work = Some(shape.work(false)),
            Order::Decode(shape) => work = Some(shape.work(true)),
            Order::Run(ops) => {
                let work = work.as_mut().ok_or_else(|| io::Error::other("no work to run"))?;
                (0..ops).for_each(|_| work());
            }
            order => return Err(io::Error::other(format!("no order for a codec: {order}"))),
        }
        writeln!(io::stdout(), "{DONE}")?;
    }
    Ok(())
}

/// One operation, behind a first one which is checked: the types are known to both ends, as on a connection that
/// lives.
fn work<T: Gob + DeserializeOwned + PartialEq + 'static>(value: T, is_decoding: bool) -> Box<dyn FnMut()> {
    let (mut encoder, mut decoder, mut stream) = (Encoder::new(), Decoder::new(), Vec::new());
    encoder.encode(&value, &mut stream).expect("it can be sent");
    let first: Option<T> = decoder.decode(&mut &stream[..]).expect("it can be read");
    assert!(first.as_ref() == Some(&value), "what is read is not what was sent");
    stream.clear();
    if !is_decoding {
        return Box::new(move || {
            stream.clear();
            encoder.encode(black_box(&value), &mut stream).expect("it can be sent");
            black_box(&stream);
        });
    }
    encoder.encode(&value, &mut stream).expect("it can be sent");
    Box::new(move || {
        let value: Option<T> = decoder.decode(&mut black_box(&stream[..])).expect("it can be read");
        assert!(black_box(value).is_some(), "a whole value");
    })
}
