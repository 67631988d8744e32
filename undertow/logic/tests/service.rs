// SPDX-License-Identifier: GPL-2.0

//! Requests of services: forged ones, and memory at every border.

use proptest::prelude::*;
use undertow_logic::service::{admit, block_words, find, Place, Refusal, BLOCK_WORDS, DEPTH_MAX};

const BYTES_MAX: u64 = 8 * BLOCK_WORDS as u64;

proptest! {
    /// Attacks INV-SERVICE-1.
    #[test]
    fn only_what_is_listed_is_found(list in prop::collection::vec(0..40_usize, 0..12), wanted in 0..40_usize) {
        let found = find(list.iter().copied(), wanted);
        prop_assert_eq!(found.is_some(), list.contains(&wanted));
        prop_assert!(found.is_none_or(|at| list[at] == wanted));
    }

    /// Attacks INV-SERVICE-2: any numbers, most of them near a border.
    #[test]
    fn a_block_lies_in_the_memory_of_the_call(
        start in prop::sample::select(vec![0, 8, 0x1000, u64::MAX - 0xfff, u64::MAX - 7]),
        size in 0..0x3000_u64,
        at in -64..0x3040_i64,
        bytes in prop_oneof![0..1024_u64, any::<u64>(), Just(u64::MAX - 7), Just(1 << 63)],
    ) {
        let memory = start..start.saturating_add(size);
        let addr = start.wrapping_add_signed(at);
        let inside = |byte: u128| (u128::from(memory.start)..u128::from(memory.end)).contains(&byte);
        let first = u128::from(addr);
        let wanted = (1..=BYTES_MAX).contains(&bytes)
            && bytes % 8 == 0
            && addr % 8 == 0
            && inside(first)
            && inside(first + u128::from(bytes) - 1);
        prop_assert_eq!(block_words(addr, bytes, &memory), wanted.then_some((bytes / 8) as usize));
    }
}

#[test]
fn blocks_at_the_borders() {
    let memory = 0x1000..0x2000;
    for (addr, bytes, wanted) in [
        (0x1000, 8, Some(1)),
        (0x1ff8, 8, Some(1)),
        (0x1ff8, 16, None),
        (0x2000, 8, None),
        (0xff8, 8, None),
        (0xff8, 16, None),
        (0x1000, BYTES_MAX, Some(BLOCK_WORDS)),
        (0x1000, BYTES_MAX + 8, None),
        (0x1000, 0, None),
        (0x1000, 12, None),
        (0x1004, 8, None),
        (0x1800, u64::MAX - 0x7ff, None),
        (u64::MAX - 7, 8, None),
    ] {
        assert_eq!(
            block_words(addr, bytes, &memory),
            wanted,
            "{addr:#x} {bytes:#x}"
        );
    }
}

/// Attacks INV-SERVICE-3: every place there is.
#[test]
fn a_service_runs_where_it_may() {
    for bits in 0..8_u32 {
        let [sleeps, may_sleep, has_room] = [0, 1, 2].map(|bit| bits >> bit & 1 == 1);
        for depth in 0..2 * DEPTH_MAX {
            let place = Place {
                depth,
                may_sleep,
                has_room,
            };
            let wanted = match (sleeps && !may_sleep, depth < DEPTH_MAX, has_room) {
                (true, _, _) => Err(Refusal::Atomic),
                (_, false, _) => Err(Refusal::TooDeep),
                (_, _, false) => Err(Refusal::NoStack),
                (false, true, true) => Ok(()),
            };
            assert_eq!(admit(sleeps, &place), wanted, "{sleeps} {place:?}");
        }
    }
}
