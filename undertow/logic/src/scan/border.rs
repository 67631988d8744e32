// SPDX-License-Identifier: GPL-2.0

//! Borders between two pieces of text that one view executes.
//!
//! An instruction can begin in one piece and end in the next when both are
//! mapped side by side. Each piece may come to be executable at another time,
//! so each is scanned together with the nearest bytes of its neighbours.

use core::ops::Range;

use super::{
    Isa,
    Pattern,
    Scanner, //
};

/// How much of a neighbour matters: no instruction is longer.
pub const BORDER_BYTES: usize = 15;

/// A pattern that was found in a piece of text or across one of its borders.
#[derive(Clone, Copy, Debug)]
pub struct BorderHit {
    /// Offset of its first byte from the start of the text, prefixes not
    /// counted; negative where it starts below.
    pub offset: i64,
    /// What was found.
    pub pattern: &'static Pattern,
}

/// Finds the ends of `text` at which another range goes on without a gap:
/// whether one of `others` lies right below, and whether one lies right above.
///
/// `others` are the linear addresses of everything else that is executable in
/// the same view.
pub fn neighbours(text: &Range<usize>, others: &[Range<usize>]) -> (bool, bool) {
    let touches =
        |at: &dyn Fn(&Range<usize>) -> bool| others.iter().any(|it| !it.is_empty() && at(it));
    (
        touches(&|it| it.end == text.start),
        touches(&|it| it.start == text.end),
    )
}

/// Returns the first hit that has at least one byte in `text`.
///
/// `below` holds the bytes right below the text that the same view executes,
/// `above` those right above; [`BORDER_BYTES`] of each are enough. What lies in
/// a neighbour alone is its own business: the gate's own switches do.
pub fn first_hit_between(isa: Isa, below: &[u8], text: &[u8], above: &[u8]) -> Option<BorderHit> {
    let start = below.len() as u64;
    let end = start + text.len() as u64;
    let mut first = None;
    let mut scanner = Scanner::new(isa);

    for piece in [below, text, above] {
        scanner.feed_with_ends(piece, &mut |hit, hit_end| {
            if hit_end > start && hit.offset < end {
                first = first.or(Some(BorderHit {
                    offset: hit.offset as i64 - start as i64,
                    pattern: hit.pattern,
                }));
            }
        });
    }
    first
}
