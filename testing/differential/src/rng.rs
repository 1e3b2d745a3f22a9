//! A small deterministic random number generator (xorshift64*), so that a seed names a stream for ever.

/// The generator's state: never zero.
#[derive(Debug, Clone)]
pub struct Rng(u64);

impl Rng {
    /// A generator; equal seeds give equal numbers.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        // Neighbouring seeds must not give neighbouring numbers; the odd factor makes zero impossible but once.
        Self(seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15).max(1))
    }

    /// The upper sixteen bits, the best ones of this generator.
    fn next(&mut self) -> u16 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let [.., low, high] = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes();
        u16::from_le_bytes([low, high])
    }

    /// A number below `bound`, which is not zero, and not above 2¹⁶.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::from(self.next()) % bound
    }

    /// Whether one chance in `n` came true.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// One of `choices`, which are not empty.
    pub fn pick<'c, T: ?Sized>(&mut self, choices: &[&'c T]) -> &'c T {
        choices[self.below(choices.len())]
    }

    /// Any byte.
    pub fn byte(&mut self) -> u8 {
        self.next().to_be_bytes()[0]
    }
}
