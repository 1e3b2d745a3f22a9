//! net/rpc: values are found the same however a stream is cut, and other people's readers find them too.

pub mod handshake;
pub mod json;
pub mod msgpack;

/// The ends of the pieces in which `len` bytes come: all at once, byte by byte, and by these lengths.
pub(crate) fn cuts(len: usize, lengths: &[u8]) -> [Vec<usize>; 3] {
    let mut chosen = Vec::new();
    let mut end = 0;
    for step in lengths.iter().chain(std::iter::repeat(&6)) {
        end += usize::from(*step) + 1;
        if end >= len {
            break;
        }
        chosen.push(end);
    }
    chosen.push(len);
    [vec![len], (0..=len).collect(), chosen]
}
