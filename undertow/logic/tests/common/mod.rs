// SPDX-License-Identifier: GPL-2.0

//! What several tests need: a deterministic source of numbers.

#![allow(dead_code, reason = "every test uses its own part of this module")]

/// A fixed sequence of numbers (xorshift64*), so that a failure repeats.
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Rng {
        assert_ne!(seed, 0);
        Rng(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| (self.next() >> 56) as u8)
    }
}

/// How often a randomized test repeats: `normal` times, or as often as
/// UNDERTOW_FUZZ_ITERS says.
pub(crate) fn iterations(normal: u64) -> u64 {
    match std::env::var("UNDERTOW_FUZZ_ITERS") {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("UNDERTOW_FUZZ_ITERS={text} is not a number")),
        Err(_) => normal,
    }
}
