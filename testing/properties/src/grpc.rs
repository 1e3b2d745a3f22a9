//! The calls of gRPC in a connection that is passed on.

use hijack_proto::grpc::{Call, Calls, Limits, Sender};

use crate::source::Source;

/// Control, then pieces, each behind a byte that says who sends it and how long it is. The same calls are told, with
/// the same messages and ends, whether the pieces are seen whole, byte by byte, or with what need not be seen passed over.
///
/// # Panics
///
/// Where that is not so, and where more is held than the limits allow.
pub fn calls(data: &[u8]) {
    let mut source = Source::new(data);
    let control = source.byte();
    let mut limits = Limits::default();
    if control & 1 == 1 {
        (limits.open, limits.ended, limits.block_len, limits.table_len, limits.text_len) = (2, 1, 40, 100, 5);
    }
    let mut said: Vec<(Sender, Vec<u8>)> = Vec::new();
    if control & 2 == 2 {
        let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
        said.push((Sender::Client, [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &settings].concat()));
        said.push((Sender::Server, settings.to_vec()));
    }
    let mut rest = source.rest();
    while let Some((&head, behind)) = rest.split_first() {
        let (piece, behind) = behind.split_at(behind.len().min(usize::from(head >> 1)));
        said.push((if head & 1 == 0 { Sender::Client } else { Sender::Server }, piece.to_vec()));
        rest = behind;
    }
    let expected = told(&said, limits, usize::MAX, false);
    assert_eq!(told(&said, limits, 1, false), expected, "byte by byte");
    assert_eq!(told(&said, limits, usize::MAX, true), expected, "passed over");
    assert_eq!(told(&said, limits, 3, true), expected, "cut, and passed over");
}

/// The calls that ended, those that did not, and the rest of what is known.
type Told = (Vec<Call>, Vec<(u32, [u64; 2])>, String);

fn told(said: &[(Sender, Vec<u8>)], limits: Limits, cut: usize, skips: bool) -> Told {
    let mut calls = Calls::new(limits);
    let mut ended = Vec::new();
    let mut end = |call: &Call| ended.push(call.clone());
    for (from, bytes) in said {
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let blind = usize::try_from(calls.blind(*from)).unwrap_or(usize::MAX).min(rest.len());
            let len = if skips && blind > 0 { blind } else { rest.len().min(cut) };
            let (piece, behind) = rest.split_at(len);
            if skips && blind > 0 {
                calls.skip(*from, len as u64, 0, &mut end);
            } else {
                calls.see(*from, piece, 0, &mut end);
            }
            rest = behind;
            assert!(calls.open().count() <= limits.open && calls.ended().count() <= limits.ended);
            assert!(calls.open().all(|call| call.method.len() <= 3 * limits.text_len));
        }
    }
    let open = calls.open().map(|call| (call.stream, call.messages)).collect();
    let known = (calls.caller(), calls.begun(), calls.not_followed(), calls.lost());
    let known = format!("{known:?}");
    // Where a part of a prefix was seen depends on the cut; it tells nothing of the call.
    (ended, open, known)
}
