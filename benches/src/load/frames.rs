//! The frames of WebSocket echoes, made before anything is measured.

use std::io::{self, Read as _, Write as _};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use tokio::io::AsyncReadExt;

use super::connection::Connection;

/// What is sent in one write, and what must come back.
#[derive(Debug)]
pub(super) struct Echo {
    pub(super) frames: Vec<u8>,
    pub(super) answer: Vec<u8>,
}

impl Echo {
    /// `batch` messages of `len` bytes; no two variants have one in common.
    pub(super) fn new(variant: u64, batch: u64, len: usize, opcode: u8) -> Self {
        let mut echo = Self { frames: Vec::new(), answer: Vec::new() };
        for place in 0..batch {
            let seed = 1 + variant * batch + place;
            let payload = if opcode == BINARY { bytes(seed).take(len).collect() } else { text(seed, len) };
            put_masked(opcode, &payload, seed, &mut echo.frames);
            put_head(opcode, len, 0, &mut echo.answer);
            echo.answer.extend(payload);
        }
        echo
    }

    /// A compressed message of `len` bytes. How the server compresses it is learnt on `connection`; without a context
    /// that is taken over, every later answer must have the same bytes.
    pub(super) async fn learn(variant: u64, len: usize, connection: &mut Connection) -> io::Result<Self> {
        let payload = json(variant, len);
        let mut frames = Vec::new();
        put_masked(COMPRESSED, &deflated(&payload)?, variant + 1, &mut frames);
        connection.send(&frames).await?;
        let (mut answer, body) = connection.read_frame().await?;
        if answer[0] != FIN | COMPRESSED || inflated(&body)? != payload {
            return Err(io::Error::other(format!("not the echo of message {variant}, compressed")));
        }
        answer.extend(body);
        Ok(Self { frames, answer })
    }
}

/// The head of a whole message's frame (RFC 6455 §5.2), as far as the mask's key.
pub(super) fn put_head(opcode: u8, len: usize, masked: u8, out: &mut Vec<u8>) {
    out.push(FIN | opcode);
    match (u8::try_from(len), u16::try_from(len)) {
        (Ok(len @ ..126), _) => out.push(masked | len),
        (_, Ok(len)) => {
            out.push(masked | 126);
            out.extend(len.to_be_bytes());
        }
        _ => {
            out.push(masked | 127);
            out.extend((len as u64).to_be_bytes());
        }
    }
}

/// Appends a whole message's frame with a mask of its own.
pub(super) fn put_masked(opcode: u8, payload: &[u8], seed: u64, out: &mut Vec<u8>) {
    let [.., a, b, c, d] = seed.wrapping_mul(0x9e37_79b9).to_be_bytes();
    put_head(opcode, payload.len(), MASKED, out);
    out.extend([a, b, c, d]);
    out.extend(payload.iter().zip([a, b, c, d].iter().cycle()).map(|(byte, key)| byte ^ key));
}

impl Connection {
    /// Reads one frame without a mask: its head and its payload.
    async fn read_frame(&mut self) -> io::Result<(Vec<u8>, Vec<u8>)> {
        let (opcode, short) = (self.stream.read_u8().await?, self.stream.read_u8().await?);
        let len = match short {
            126 => self.stream.read_u16().await?.into(),
            127 => self.stream.read_u64().await?,
            short => short.into(),
        };
        let (mut head, mut body) = (Vec::new(), Vec::new());
        put_head(opcode, usize::try_from(len).map_err(io::Error::other)?, 0, &mut head);
        head[0] = opcode;
        (&mut self.stream).take(len).read_to_end(&mut body).await?;
        Ok((head, body))
    }
}

/// Bytes that do not repeat.
fn bytes(seed: u64) -> impl Iterator<Item = u8> {
    (0..).flat_map(move |n: u64| ((seed << 32) | n).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes())
}

/// Letters of one and of two bytes.
fn text(seed: u64, len: usize) -> Vec<u8> {
    let letters = bytes(seed).map(|byte| char::from(b'a' + byte % 26));
    let mut text: String = letters.step_by(2).flat_map(|letter| [letter, 'é']).take(len / 3 * 2).collect();
    while text.len() < len {
        text.push('.');
    }
    text.into()
}

/// Records as applications send them, as many as fit, and blanks.
fn json(variant: u64, len: usize) -> Vec<u8> {
    let mut text = String::from("[");
    let mut numbers = bytes(variant + 1).map(u64::from);
    loop {
        let mut number = || numbers.next().unwrap_or_default();
        let (id, price, size) = (number() * 256 + number(), number() * 256 + number(), number());
        let (side, hour, minute) = (if size % 2 == 0 { "buy" } else { "sell" }, id % 24, price % 60);
        let record = format!(
            "{{\"id\":{id},\"side\":\"{side}\",\"price\":{price}.25,\"size\":{size},\"time\":\"2026-11-22T{hour:02}:{minute:02}:00Z\"}},"
        );
        if text.len() + record.len() > len {
            break;
        }
        text += &record;
    }
    text.pop();
    text.push(']');
    format!("{text:<len$}").into()
}

/// As a message's payload: without the empty block that ends it (RFC 7692 §7.2.1).
fn deflated(payload: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(payload)?;
    encoder.flush()?;
    let mut body = encoder.get_ref().clone();
    body.truncate(body.len() - EMPTY_BLOCK.len());
    Ok(body)
}

fn inflated(body: &[u8]) -> io::Result<Vec<u8>> {
    let mut payload = Vec::new();
    DeflateDecoder::new(&[body, EMPTY_BLOCK, LAST_BLOCK].concat()[..]).read_to_end(&mut payload)?;
    Ok(payload)
}

const EMPTY_BLOCK: &[u8] = b"\x00\x00\xff\xff";
const LAST_BLOCK: &[u8] = b"\x01\x00\x00\xff\xff";

pub(super) const TEXT: u8 = 1;
pub(super) const BINARY: u8 = 2;
/// Text with RSV1.
pub(super) const COMPRESSED: u8 = 0x41;
pub(super) const FIN: u8 = 0x80;
pub(super) const MASKED: u8 = 0x80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_has_the_shortest_length_that_fits() {
        let head = |len| {
            let mut out = Vec::new();
            put_head(BINARY, len, MASKED, &mut out);
            out
        };
        assert_eq!(head(125), [0x82, 0xfd]);
        assert_eq!(head(126), [0x82, 0xfe, 0, 126]);
        assert_eq!(head(0xffff), [0x82, 0xfe, 0xff, 0xff]);
        assert_eq!(head(0x1_0000), [0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn text_is_as_long_as_asked_and_other_for_every_seed() {
        for len in [32, 33, 34] {
            let one = String::from_utf8(text(1, len)).expect("UTF-8");
            assert_eq!(one.len(), len);
            assert_ne!(one.into_bytes(), text(2, len));
        }
    }

    #[test]
    fn json_is_as_long_as_asked_and_comes_back_from_compression() {
        let payload = json(1, 1024);
        assert_eq!(payload.len(), 1024);
        serde_json::from_slice::<serde_json::Value>(&payload).expect("JSON");
        assert_eq!(inflated(&deflated(&payload).expect("deflated")).expect("inflated"), payload);
    }
}
