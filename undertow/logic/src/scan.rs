// SPDX-License-Identifier: GPL-2.0

//! Scanner for instructions that isolated text must not contain.
//!
//! A compartment can jump into the middle of an instruction, so a pattern is
//! looked for at every byte offset, also across the borders of chunks. What
//! counts is the opcode alone, never the prefixes before it: `REX.W`, a
//! segment override or a repeated `F3` changes nothing about a match.
//!
//! The scanner answers for the bytes that it was fed. The caller must feed
//! every page that is executable in the view, in ascending linear address, and
//! must call [`Scanner::skip`] only where the page that follows cannot be
//! executed in that view. The bytes must be final: relocated, and no longer
//! writable in any view.
//!
//! # Invariants
//!
//! - `INV-SCAN-1`: every occurrence of a pattern is reported, at whatever
//!   offset it starts and however the bytes are cut into chunks.

mod patterns;

pub use self::patterns::{
    Escape,
    Operand,
    Pattern,
    PATTERNS, //
};

/// A pattern that was found.
#[derive(Clone, Copy, Debug)]
pub struct Hit {
    /// Offset of its first byte from the first byte ever fed.
    pub offset: u64,
    /// What was found.
    pub pattern: &'static Pattern,
}

/// Scans a stream of bytes.
#[derive(Clone, Debug, Default)]
pub struct Scanner {
    /// The last eight bytes, the newest lowest.
    window: u64,
    /// How many of them are real.
    filled: u32,
    /// Bytes fed and skipped so far.
    offset: u64,
}

impl Scanner {
    /// Returns a scanner at offset 0.
    pub const fn new() -> Scanner {
        Scanner {
            window: 0,
            filled: 0,
            offset: 0,
        }
    }

    /// Scans the bytes that follow those fed before and reports every hit.
    pub fn feed(&mut self, bytes: &[u8], report: &mut dyn FnMut(Hit)) {
        for &byte in bytes {
            self.window = self.window << 8 | u64::from(byte);
            self.filled = (self.filled + 1).min(u64::BITS / 8);
            self.offset += 1;
            for pattern in PATTERNS {
                if let Some(nr_bytes) = pattern.ends(self.window, self.filled) {
                    report(Hit {
                        offset: self.offset - u64::from(nr_bytes),
                        pattern,
                    });
                }
            }
        }
    }

    /// Goes on `nr_bytes` further up; no pattern can span the gap.
    pub fn skip(&mut self, nr_bytes: u64) {
        self.offset += nr_bytes;
        self.filled = 0;
    }
}

/// Returns the hit with the lowest end in `bytes`.
pub fn first_hit(bytes: &[u8]) -> Option<Hit> {
    let mut first = None;
    Scanner::new().feed(bytes, &mut |hit| first = first.or(Some(hit)));
    first
}
