//! Where the messages of one direction of a call begin: each has a byte that says whether it is compressed, and four of
//! length (gRPC over HTTP/2, "Length-Prefixed-Message"). They are cut over DATA frames in any way.

/// A place in a stream of messages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct MessageScan {
    prefix: [u8; 5],
    prefix_len: u8,
    /// Bytes of the message under way that are still to come.
    left: u32,
}

impl MessageScan {
    /// Takes bytes; how many messages ended among them.
    pub(super) fn see(&mut self, mut bytes: &[u8]) -> u64 {
        let mut ended = 0;
        while !bytes.is_empty() {
            if self.left > 0 {
                let taken = bytes.len().min(self.left as usize);
                ended += self.skip(taken as u64);
                bytes = &bytes[taken..];
                continue;
            }
            let start = usize::from(self.prefix_len);
            let taken = bytes.len().min(self.prefix.len() - start);
            self.prefix[start..start + taken].copy_from_slice(&bytes[..taken]);
            bytes = &bytes[taken..];
            #[expect(clippy::cast_possible_truncation, reason = "five at the most")]
            let seen = (start + taken) as u8;
            self.prefix_len = seen % 5;
            if seen == 5 {
                let [_, len @ ..] = self.prefix;
                self.left = u32::from_be_bytes(len);
                ended += u64::from(self.left == 0);
            }
        }
        ended
    }

    /// Bytes that need not be seen.
    pub(super) fn blind(&self) -> u32 {
        self.left
    }

    /// So many of these have passed; how many messages ended with them.
    pub(super) fn skip(&mut self, len: u64) -> u64 {
        let had = self.left;
        self.left = had.saturating_sub(u32::try_from(len).unwrap_or(u32::MAX));
        u64::from(had > 0 && self.left == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_counted_however_they_are_cut() {
        let bytes = b"\0\0\0\0\x03abc\0\0\0\0\0\x01\0\0\0\x01z\0\0\0\x01\0";
        for cut in 1..=bytes.len() {
            let mut scan = MessageScan::default();
            let ended: u64 = bytes.chunks(cut).map(|piece| scan.see(piece)).sum();
            assert_eq!((ended, scan.blind()), (3, 256), "in pieces of {cut}");
        }
    }

    #[test]
    fn a_payload_may_pass_unseen() {
        let mut scan = MessageScan::default();
        assert_eq!(scan.see(b"\0\0\0\x01\0"), 0);
        assert_eq!(scan.skip(255), 0);
        assert_eq!(scan.skip(1), 1);
        assert_eq!(scan.see(b"\0\0\0\0\0"), 1);
    }
}
