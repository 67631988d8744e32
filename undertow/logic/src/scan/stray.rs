// SPDX-License-Identifier: GPL-2.0

//! VMFUNC in text that is not isolated.
//!
//! Such text runs in the root view alone, and where it switches the view the next fetch fails,
//! whatever the view. So it is no reason to refuse anything, but worth a number. There are
//! megabytes of it: unlike the scanner this looks for the last byte first, eight at a time.

use super::tail::Isa;

/// The last byte of VMFUNC, `0F 01 D4` or REX2 and `01 D4`.
const LAST: u8 = 0xd4;

const LOW_BITS: u64 = 0x0101_0101_0101_0101;
const HIGH_BITS: u64 = LOW_BITS << 7;

/// Returns whether a byte of `word` is [`LAST`].
const fn has_last(word: u64) -> bool {
    let zero_where_last = word ^ (LOW_BITS * LAST as u64);
    zero_where_last.wrapping_sub(LOW_BITS) & !zero_where_last & HIGH_BITS != 0
}

/// Returns how often VMFUNC occurs in `bytes`, at any offset.
pub fn count_vmfunc(isa: Isa, bytes: &[u8]) -> usize {
    let is_end = |at: &usize| match bytes[..=*at] {
        [.., 0x0f, 0x01, LAST] => true,
        [.., 0xd5, payload, 0x01, LAST] => payload & 0x80 != 0 && isa == Isa::WithApx,
        _ => false,
    };
    let count = |nr: usize, chunk: &[u8]| match chunk.try_into() {
        Ok(word) if !has_last(u64::from_ne_bytes(word)) => 0,
        _ => (8 * nr..8 * nr + chunk.len()).filter(is_end).count(),
    };
    let chunks = bytes.chunks(8).enumerate();
    chunks.map(|(nr, chunk)| count(nr, chunk)).sum()
}
