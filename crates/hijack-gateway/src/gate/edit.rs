//! Bytes on their way through, with what is put between them and what is left out. As long as neither happens, nothing is
//! copied.

use hijack::Passed;

/// Changes to one piece of a stream, made from its front to its end.
#[derive(Debug)]
pub(super) struct Edit<'b> {
    bytes: &'b [u8],
    /// Of `bytes`, those that are in `out` or left out; `settled <= bytes.len()`.
    settled: usize,
    /// There once something was changed.
    out: Option<Vec<u8>>,
}

impl<'b> Edit<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, settled: 0, out: None }
    }

    /// Puts `own` in front of the byte at `at`.
    pub(super) fn insert(&mut self, at: usize, own: &[u8]) {
        if !own.is_empty() {
            self.keep_to(at).extend_from_slice(own);
        }
    }

    /// Leaves out the bytes from `start` to `end`.
    pub(super) fn leave_out(&mut self, start: usize, end: usize) {
        if start < end {
            self.keep_to(start);
            self.settled = end;
        }
    }

    pub(super) fn finish(mut self) -> Passed {
        if self.out.is_none() {
            return Passed::AsTheyCame;
        }
        Passed::Changed(std::mem::take(self.keep_to(self.bytes.len())))
    }

    fn keep_to(&mut self, at: usize) -> &mut Vec<u8> {
        let out = self.out.get_or_insert_with(|| Vec::with_capacity(self.bytes.len()));
        out.extend_from_slice(&self.bytes[self.settled..at.max(self.settled)]);
        self.settled = at.max(self.settled);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_nothing_as_long_as_nothing_changes() {
        let mut edit = Edit::new(b"as it is");
        edit.insert(3, b"");
        edit.leave_out(5, 5);
        assert_eq!(edit.finish(), Passed::AsTheyCame);
    }

    #[test]
    fn puts_in_and_leaves_out() {
        let mut edit = Edit::new(b"0123456789");
        edit.insert(0, b"<");
        edit.leave_out(2, 4);
        edit.insert(4, b"-");
        edit.leave_out(9, 10);
        edit.insert(10, b">");
        assert_eq!(edit.finish(), Passed::Changed(b"<01-45678>".to_vec()));
    }
}
