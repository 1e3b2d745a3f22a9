//! Damage done to a valid stream: to bytes, to lines, to the requests that it answers, and by words from a dictionary of known trouble.

use std::ops::Range;

use crate::dictionary::{Dictionary, REQUESTS, RESPONSES};
use crate::rng::Rng;
use crate::{Ask, Role, Stream};

/// Changes `stream` in one place, sometimes in up to three.
pub fn mutate(stream: &mut Stream, rng: &mut Rng) {
    let times = if rng.one_in(4) { 1 + rng.below(3) } else { 1 };
    for _ in 0..times {
        match stream.role() {
            Role::Server => mutate_segment(stream, 0, &REQUESTS, rng),
            Role::Client if rng.one_in(10) => mutate_asks(&mut stream.asks, rng),
            Role::Client => {
                let number = rng.below(stream.asks.len());
                mutate_segment(stream, number, &RESPONSES, rng);
            }
        }
    }
}

fn mutate_segment(stream: &mut Stream, number: usize, words: &Dictionary, rng: &mut Rng) {
    let Some(segment) = stream.segments().nth(number) else { return };
    let mut bytes = stream.bytes[segment.clone()].to_vec();
    let mutation = MUTATIONS[rng.below(MUTATIONS.len())];
    mutation(&mut bytes, words, rng);
    for ask in stream.asks.iter_mut().skip(number + 1) {
        ask.at = ask.at - segment.len() + bytes.len();
    }
    stream.bytes.splice(segment, bytes);
}

/// Asks in another way, or earlier: the answer's first bytes then count as the next one's.
fn mutate_asks(asks: &mut [Ask], rng: &mut Rng) {
    let number = rng.below(asks.len());
    let earliest = number.checked_sub(1).map_or(0, |previous| asks[previous].at);
    if rng.one_in(2) {
        ["GET", "HEAD", "CONNECT", "POST"][rng.below(4)].clone_into(&mut asks[number].method);
    } else if number > 0 && asks[number].at > earliest {
        asks[number].at = earliest + rng.below(asks[number].at - earliest);
    }
}

type Mutation = fn(&mut Vec<u8>, &Dictionary, &mut Rng);

/// Those that aim at framing stand here more than once.
const MUTATIONS: &[Mutation] = &[
    change_byte,
    insert_byte,
    insert_byte,
    delete_byte,
    delete_line,
    duplicate_line,
    exchange_lines,
    insert_field,
    insert_field,
    insert_field,
    replace_value,
    replace_value,
    replace_line_end,
    replace_chunk_line,
    replace_chunk_line,
    replace_word,
    replace_word,
    truncate,
    insert_anywhere,
];

#[allow(clippy::ptr_arg, reason = "one type for all mutations")]
fn change_byte(stream: &mut Vec<u8>, _: &Dictionary, rng: &mut Rng) {
    if let Some(at) = place(stream, rng) {
        stream[at] = if rng.one_in(2) { odd_byte(rng) } else { stream[at] ^ (1 << rng.below(8)) };
    }
}

fn insert_byte(stream: &mut Vec<u8>, _: &Dictionary, rng: &mut Rng) {
    let at = rng.below(stream.len() + 1);
    let byte = odd_byte(rng);
    stream.insert(at, byte);
}

fn delete_byte(stream: &mut Vec<u8>, _: &Dictionary, rng: &mut Rng) {
    if let Some(at) = place(stream, rng) {
        stream.remove(at);
    }
}

fn delete_line(stream: &mut Vec<u8>, _: &Dictionary, rng: &mut Rng) {
    if let Some(line) = line(stream, rng) {
        stream.drain(line);
    }
}

fn duplicate_line(stream: &mut Vec<u8>, _: &Dictionary, rng: &mut Rng) {
    if let Some(line) = line(stream, rng) {
        let copy = stream[line.clone()].to_vec();
        stream.splice(line.end..line.end, copy);
    }
}

/// Puts one line in the place of another; both stay.
fn exchange_lines(stream: &mut Vec<u8>, _: &Dictionary, rng: &mut Rng) {
    if let (Some(from), Some(to)) = (line(stream, rng), line(stream, rng)) {
        let moved: Vec<u8> = stream.drain(from).collect();
        let at = to.start.min(stream.len());
        stream.splice(at..at, moved);
    }
}

fn insert_field(stream: &mut Vec<u8>, words: &Dictionary, rng: &mut Rng) {
    if let Some(line) = line(stream, rng) {
        let field = format!("{}\r\n", words.field(rng));
        stream.splice(line.end..line.end, field.into_bytes());
    }
}

fn replace_value(stream: &mut Vec<u8>, words: &Dictionary, rng: &mut Rng) {
    let Some(line) = line(stream, rng) else { return };
    if let Some(colon) = stream[line.clone()].iter().position(|&byte| byte == b':') {
        let value = words.value(rng).as_bytes().to_vec();
        stream.splice(line.start + colon + 1..line.end - 2, value);
    }
}

fn replace_line_end(stream: &mut Vec<u8>, words: &Dictionary, rng: &mut Rng) {
    if let Some(line) = line(stream, rng) {
        let end = words.line_end(rng).as_bytes().to_vec();
        stream.splice(line.end - 2..line.end, end);
    }
}

/// Replaces a line that starts with a hexadecimal digit, if it finds one soon.
fn replace_chunk_line(stream: &mut Vec<u8>, words: &Dictionary, rng: &mut Rng) {
    for _ in 0..20 {
        let Some(line) = line(stream, rng) else { return };
        if stream[line.start].is_ascii_hexdigit() && line.len() < 12 {
            let text = words.chunk_line(rng).as_bytes().to_vec();
            stream.splice(line.start..line.end - 2, text);
            return;
        }
    }
}

/// Replaces a word of a start line, if it finds one soon.
fn replace_word(stream: &mut Vec<u8>, words: &Dictionary, rng: &mut Rng) {
    for _ in 0..20 {
        let Some(line) = line(stream, rng) else { return };
        let text = &stream[line.start..line.end - 2];
        if (words.is_start_line)(text) {
            let mut line_words: Vec<Vec<u8>> = text.split(|&byte| byte == b' ').map(<[u8]>::to_vec).collect();
            let number = rng.below(line_words.len().min(3));
            line_words[number] = words.word(number, rng).as_bytes().to_vec();
            stream.splice(line.start..line.end - 2, line_words.join(&b' '));
            return;
        }
    }
}

fn truncate(stream: &mut Vec<u8>, _: &Dictionary, rng: &mut Rng) {
    stream.truncate(rng.below(stream.len() + 1));
}

fn insert_anywhere(stream: &mut Vec<u8>, words: &Dictionary, rng: &mut Rng) {
    let at = rng.below(stream.len() + 1);
    let text = words.snippet(rng).as_bytes().to_vec();
    stream.splice(at..at, text);
}

fn place(stream: &[u8], rng: &mut Rng) -> Option<usize> {
    (!stream.is_empty()).then(|| rng.below(stream.len()))
}

/// A line of the stream with its CRLF; lines of bodies count too.
fn line(stream: &[u8], rng: &mut Rng) -> Option<Range<usize>> {
    let ends: Vec<usize> =
        stream.windows(2).enumerate().filter(|(_, pair)| pair == b"\r\n").map(|(at, _)| at + 2).collect();
    let number = if ends.is_empty() { return None } else { rng.below(ends.len()) };
    let start = if number == 0 { 0 } else { ends[number - 1] };
    Some(start..ends[number])
}

fn odd_byte(rng: &mut Rng) -> u8 {
    const ODD: &[u8] = b"\r\n\t \0\x01\x0b\x0c\x7f\x80\xa0\xff:;,\"\\/#%+-0_x";
    ODD[rng.below(ODD.len())]
}
