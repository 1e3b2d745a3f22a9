//! `hijack-gob` and Go's `encoding/gob`: what one writes the other reads, and Go is the judge of both.

mod drift;
mod dynamic;
mod random;
mod show;
mod typed;

use serde::de::DeserializeOwned;

use hijack_gob::{DecodeError, Decoder};

/// The one value of a stream.
fn decode<T: DeserializeOwned>(stream: &[u8]) -> Result<T, DecodeError> {
    let (mut decoder, mut input) = (Decoder::new(), stream);
    let value = decoder.decode(&mut input)?.expect("the stream is whole");
    decoder.finish(&input).map(|()| value)
}
