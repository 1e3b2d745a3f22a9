//! Frame headers and edges (RFC 6455 §5.2), and masks (§5.3).

use hijack_proto::ws::{FrameHeader, FrameScan, HeaderDecoder, HeaderError, Mask, MaskKey, Scanned};

/// A masking key, then a stream of frames. The stream has the same edges for every cut and after every move to
/// another scan; what is read as a header is written again as the same bytes; masking any two slices is masking
/// both at once, and twice is nothing.
///
/// # Panics
///
/// Where that is not so.
pub fn edges(data: &[u8]) {
    let (key, stream) = data.split_first_chunk::<4>().unwrap_or((&[0; 4], data));
    check_header(stream);
    let whole = scan(&[stream]);
    for split in 0..stream.len().min(64) {
        assert_eq!(scan(&[&stream[..split], &stream[split..]]), whole, "at {split}");
    }
    assert_eq!(scan(&stream.chunks(1).collect::<Vec<_>>()), whole, "byte by byte");
    check_mask(*key, stream);
}

/// The header at the start is the same at every split, and its bytes are the only ones that mean it.
fn check_header(stream: &[u8]) {
    let parsed = FrameHeader::parse(stream);
    if let Ok(Some((header, len))) = parsed {
        assert_eq!(*header.encode(), stream[..len]);
    }
    for split in 0..stream.len().min(16) {
        let mut decoder = HeaderDecoder::default();
        let decoded = match decoder.decode(&stream[..split]) {
            Ok((taken, None)) => {
                assert_eq!((taken, decoder.carried()), (split, &stream[..split]));
                let more = decoder.decode(&stream[split..]);
                more.map(|(taken, header)| header.map(|header| (header, split + taken)))
            }
            Ok((taken, Some(header))) => Ok(Some((header, taken))),
            Err(error) => Err(error),
        };
        assert_eq!(decoded, parsed, "at {split}");
    }
}

/// The headers of a stream by the place behind each, and why nothing more is known, or how many bytes of payload
/// are missing.
type Edges = (Vec<(usize, FrameHeader)>, Result<u64, HeaderError>);

fn scan(pieces: &[&[u8]]) -> Edges {
    let (mut scan, mut found, mut at) = (FrameScan::default(), Vec::new(), 0);
    for piece in pieces {
        let mut rest = *piece;
        loop {
            let (taken, what) = match scan.next(rest) {
                Ok(next) => next,
                Err(error) => return (found, Err(error)),
            };
            at += taken;
            rest = &rest[taken..];
            match what {
                Scanned::Header(header) => found.push((at, header)),
                Scanned::Payload => assert!(taken > 0),
                Scanned::NeedInput => break,
            }
        }
        assert!(rest.is_empty(), "all passes");
        assert_eq!(scan.at_edge(), scan.left() == 0 && scan.carried().is_empty());
        scan = FrameScan::resume(scan.carried(), scan.left()).expect("a scan stopped there");
    }
    (found, Ok(scan.left()))
}

fn check_mask(key: MaskKey, plain: &[u8]) {
    let mut whole = plain.to_vec();
    Mask::new(key).apply(&mut whole);
    assert!(whole.iter().enumerate().all(|(at, byte)| byte ^ key[at % 4] == plain[at]), "RFC 6455 §5.3");
    for split in 0..plain.len().min(40) {
        let mut cut = plain.to_vec();
        let mut mask = Mask::new(key);
        mask.apply(&mut cut[..split]);
        mask.apply(&mut cut[split..]);
        assert_eq!(cut, whole, "at {split}");
    }
}
