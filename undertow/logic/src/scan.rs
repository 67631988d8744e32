// SPDX-License-Identifier: GPL-2.0

//! Scanner for instructions that isolated text must not contain.
//!
//! A compartment can jump into the middle of an instruction, so a pattern is
//! looked for at every byte offset, also across the borders of chunks. Where
//! the opcode alone decides, prefixes do not matter: `REX.W`, a segment
//! override or a repeated `F3` changes nothing. Where a prefix makes the
//! instruction, any run of prefixes that contains it counts.
//!
//! The scanner answers for the bytes that it was fed. The caller must feed
//! every page that is executable in the view, in ascending linear address, and
//! must call [`Scanner::skip`] only where the page that follows cannot be
//! executed in that view; or scan each piece of text by itself together with
//! its borders ([`first_hit_between`]). The bytes must be final: relocated, and
//! no longer writable in any view.
//!
//! # Invariants
//!
//! - `INV-SCAN-1`: every occurrence of a pattern is reported, at whatever
//!   offset it starts and however the bytes are cut into chunks.
//! - `INV-SCAN-2`: so is one that starts or ends in what the same view executes
//!   right below or right above the text.

mod border;
mod patterns;
mod stray;
mod tail;

pub use self::border::{
    first_hit_between,
    neighbours,
    BorderHit,
    BORDER_BYTES, //
};
pub use self::patterns::{
    Escape,
    Operand,
    Pattern,
    Prefix,
    PATTERNS, //
};
pub use self::stray::count_vmfunc;
pub use self::tail::Isa;

use self::tail::Tail;

/// A pattern that was found.
#[derive(Clone, Copy, Debug)]
pub struct Hit {
    /// Offset of its first byte, prefixes not counted, from the first byte ever
    /// fed.
    pub offset: u64,
    /// What was found.
    pub pattern: &'static Pattern,
}

/// Scans a stream of bytes.
#[derive(Clone, Debug)]
pub struct Scanner {
    isa: Isa,
    tail: Tail,
    /// Bytes fed and skipped so far.
    offset: u64,
}

impl Scanner {
    /// Returns a scanner at offset 0.
    pub const fn new(isa: Isa) -> Scanner {
        Scanner {
            isa,
            tail: Tail::EMPTY,
            offset: 0,
        }
    }

    /// Scans the bytes that follow those fed before and reports every hit.
    pub fn feed(&mut self, bytes: &[u8], report: &mut dyn FnMut(Hit)) {
        self.feed_with_ends(bytes, &mut |hit, _| report(hit));
    }

    /// As [`feed`](Scanner::feed), with the offset of the byte after each hit.
    fn feed_with_ends(&mut self, bytes: &[u8], report: &mut dyn FnMut(Hit, u64)) {
        for &byte in bytes {
            self.tail.push(byte);
            self.offset += 1;
            for pattern in PATTERNS {
                if let Some(nr_bytes) = pattern.ends(&self.tail, self.isa) {
                    let hit = Hit {
                        offset: self.offset - u64::from(nr_bytes),
                        pattern,
                    };
                    report(hit, self.offset);
                }
            }
        }
    }

    /// Goes on `nr_bytes` further up; no pattern can span the gap.
    pub fn skip(&mut self, nr_bytes: u64) {
        self.offset += nr_bytes;
        self.tail = Tail::EMPTY;
    }
}

/// Returns the hit with the lowest end in `bytes`.
pub fn first_hit(isa: Isa, bytes: &[u8]) -> Option<Hit> {
    let mut first = None;
    Scanner::new(isa).feed(bytes, &mut |hit| first = first.or(Some(hit)));
    first
}
