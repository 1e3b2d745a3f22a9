//! Choices out of arbitrary bytes: an exhausted source chooses zero for ever.

use hijack_proto::Limits;

/// Arbitrary bytes, read from the front.
#[derive(Debug, Clone)]
pub struct Source<'d> {
    rest: &'d [u8],
}

impl<'d> Source<'d> {
    /// A source of all of `data`.
    #[must_use]
    pub fn new(data: &'d [u8]) -> Self {
        Self { rest: data }
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or_default()
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u8) -> u8 {
        self.byte() % end
    }

    /// One of `choices`.
    pub fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::from(self.byte()) % choices.len()]
    }

    /// The next `len` bytes, or as many as there are.
    pub fn take(&mut self, len: usize) -> &'d [u8] {
        let (taken, rest) = self.rest.split_at(len.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    /// Up to `most` bytes behind a byte that says how many.
    pub fn some(&mut self, most: u8) -> &'d [u8] {
        let len = self.byte() % (most + 1);
        self.take(len.into())
    }

    /// Everything that is left.
    #[must_use]
    pub fn rest(self) -> &'d [u8] {
        self.rest
    }

    /// The default limits, or such that short inputs reach them.
    pub fn limits(&mut self) -> Limits {
        if self.byte() & 1 == 0 { Limits::default() } else { tight_limits() }
    }
}

/// Limits that short inputs reach.
#[must_use]
pub fn tight_limits() -> Limits {
    let mut limits = Limits::default();
    limits.head_len = 96;
    limits.headers = 4;
    limits.target_len = 12;
    limits.blank_lines = 1;
    limits.chunk_line_len = 16;
    limits.chunk_extensions_len = 20;
    limits.trailers_len = 32;
    limits.interims = 2;
    limits.pipelined = 3;
    limits
}
