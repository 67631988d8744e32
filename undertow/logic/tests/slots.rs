// SPDX-License-Identifier: GPL-2.0

//! Stack slots: never two owners, never more than there are.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;
use undertow_logic::slots::{claim, claimed, release, SLOTS_MAX};

proptest! {
    /// Attacks INV-SLOT-1: a slot has one owner at a time.
    #[test]
    fn slots_are_a_set(nr in 0..70_u32, operations in prop::collection::vec(0..140_u32, 0..300)) {
        let mut word = 0_u64;
        let mut owned = BTreeSet::new();
        for operation in operations {
            if operation < 70 {
                match claim(word, nr) {
                    Some(claim) => {
                        prop_assert!(claim.slot < nr.min(SLOTS_MAX));
                        prop_assert!(owned.insert(claim.slot), "slot with two owners");
                        word = claim.word;
                    }
                    None => prop_assert_eq!(owned.len() as u32, nr.min(SLOTS_MAX)),
                }
            } else {
                let slot = operation - 70;
                let released = release(word, slot);
                prop_assert_eq!(released.is_some(), owned.remove(&slot));
                word = released.unwrap_or(word);
            }
            prop_assert_eq!(claimed(word, nr), owned.len() as u32);
        }
    }
}

#[test]
fn a_full_word_has_all_64_slots() {
    let mut word = 0;
    for slot in 0..64 {
        let claim = claim(word, 64).unwrap();
        assert_eq!(claim.slot, slot);
        word = claim.word;
    }
    assert_eq!((word, claim(word, 64)), (u64::MAX, None));
    assert_eq!(release(word, 64), None);
    assert_eq!(release(word, u32::MAX), None);
    assert_eq!(claim(0, 0), None);
}

#[test]
fn claims_race_on_one_word() {
    let word = AtomicU64::new(0);
    let users: [AtomicU64; 5] = Default::default();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..5_000 {
                    let mut slot = 0;
                    let taken = word.fetch_update(Ordering::AcqRel, Ordering::Acquire, |old| {
                        let claim = claim(old, 5)?;
                        slot = claim.slot as usize;
                        Some(claim.word)
                    });
                    if taken.is_err() {
                        continue;
                    }
                    assert_eq!(users[slot].fetch_add(1, Ordering::SeqCst), 0);
                    assert_eq!(users[slot].fetch_sub(1, Ordering::SeqCst), 1);
                    word.fetch_update(Ordering::AcqRel, Ordering::Acquire, |old| {
                        release(old, slot as u32)
                    })
                    .unwrap();
                }
            });
        }
    });
    assert_eq!(word.into_inner(), 0);
}
