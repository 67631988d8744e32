// SPDX-License-Identifier: GPL-2.0

//! Stack slots of a compartment, as one 64-bit word.
//!
//! A set bit is a claimed slot. The functions are pure: the caller keeps the
//! word in an atomic and retries its compare-and-exchange with what they
//! return.
//!
//! # Invariants
//!
//! - `INV-SLOT-1`: a slot has one owner at a time.

/// Most slots that one word can hold.
pub const SLOTS_MAX: u32 = 64;

/// A claimed slot and the word that records it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// What to store if the word is still what it was.
    pub word: u64,
    /// The slot, below the number of slots.
    pub slot: u32,
}

/// Returns the word's bits for `nr_slots` slots.
const fn mask(nr_slots: u32) -> u64 {
    if nr_slots >= SLOTS_MAX {
        u64::MAX
    } else {
        (1 << nr_slots) - 1
    }
}

/// Claims the lowest free slot of `nr_slots`, `None` when all are taken.
pub const fn claim(word: u64, nr_slots: u32) -> Option<Claim> {
    let free = !word & mask(nr_slots);
    if free == 0 {
        return None;
    }
    let slot = free.trailing_zeros();
    Some(Claim {
        word: word | 1 << slot,
        slot,
    })
}

/// Returns the word without `slot`, `None` if that slot was not claimed.
///
/// A second release of the same slot would let two calls share a stack.
pub const fn release(word: u64, slot: u32) -> Option<u64> {
    if slot >= SLOTS_MAX || word & 1 << slot == 0 {
        return None;
    }
    Some(word & !(1 << slot))
}

/// Returns how many of `nr_slots` slots are claimed.
pub const fn claimed(word: u64, nr_slots: u32) -> u32 {
    (word & mask(nr_slots)).count_ones()
}
