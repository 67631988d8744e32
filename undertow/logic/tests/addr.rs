// SPDX-License-Identifier: GPL-2.0

//! Frames, ranges and view numbers at their limits.

use proptest::prelude::*;
use undertow_logic::addr::{AddrError, Gfn, GfnRange, ViewId, GFN_LIMIT};

#[test]
fn frames_end_at_the_address_space() {
    assert_eq!(Gfn::new(GFN_LIMIT), Err(AddrError::TooHigh));
    assert_eq!(Gfn::new(GFN_LIMIT - 1).unwrap().gpa(), (1 << 52) - 4096);
    assert_eq!(Gfn::of_gpa(1 << 52), Err(AddrError::TooHigh));
    assert_eq!(Gfn::of_gpa(u64::MAX), Err(AddrError::TooHigh));
    assert_eq!(Gfn::of_gpa(0x1fff).unwrap().number(), 1);
    assert_eq!(Gfn::of_gpa(0x3c5_a010).unwrap().to_string(), "0x3c5a");
}

#[test]
fn ranges_that_are_none_say_why() {
    use AddrError::*;
    let bad = [
        (GfnRange::new(0, 0), Empty),
        (GfnRange::new(GFN_LIMIT, 0), Empty),
        (GfnRange::new(GFN_LIMIT, 1), TooHigh),
        (GfnRange::new(GFN_LIMIT - 1, 2), TooHigh),
        (GfnRange::new(1, u64::MAX), TooHigh),
        (GfnRange::new(u64::MAX, 1), TooHigh),
        (GfnRange::between(5, 5), Empty),
        (GfnRange::between(6, 5), Empty),
        (GfnRange::between(0, GFN_LIMIT + 1), TooHigh),
        (GfnRange::of_bytes(0x1001, 0x1000), Unaligned),
        (GfnRange::of_bytes(0x1000, 0x1001), Unaligned),
        (GfnRange::of_bytes(0x1000, 0), Empty),
        (GfnRange::of_bytes(1 << 52, 0x1000), TooHigh),
        (GfnRange::of_bytes(!0xfff, 0x2000), TooHigh),
    ];
    for (range, wanted) in bad {
        assert_eq!(range, Err(wanted));
    }
    assert_eq!(GfnRange::between(0, GFN_LIMIT), Ok(GfnRange::ALL));
    assert_eq!(GfnRange::of_bytes(0x1000, 0x3000), GfnRange::new(1, 3));
    assert_eq!(GfnRange::new(1, 3).unwrap().to_string(), "0x1-0x3");
}

#[test]
fn views_have_nine_bits() {
    assert!((0..512).all(|n| ViewId::new(n).is_ok_and(|view| view.number() == n)));
    assert!((512..=u16::MAX).all(|n| ViewId::new(n) == Err(AddrError::TooHigh)));
    let first = (0..512).find(|&n| ViewId::new(n).unwrap().is_compartment());
    assert_eq!(first, Some(ViewId::FIRST.number()));
    assert_eq!(ViewId::ROOT.number(), 0);
    assert_eq!(ViewId::TRANSIT.number(), 1);
}

proptest! {
    /// Set operations agree with what they say frame by frame.
    #[test]
    fn ranges_are_sets_of_frames(a in 0..24_u64, n in 1..9_u64, b in 0..24_u64, m in 1..9_u64) {
        let (x, y) = (GfnRange::new(a, n).unwrap(), GfnRange::new(b, m).unwrap());
        let frames = |range: GfnRange| -> Vec<u64> {
            (0..64).filter(|&g| range.contains(Gfn::new(g).unwrap())).collect()
        };
        prop_assert_eq!(frames(x).len() as u64, x.nr_pages());
        let both: Vec<u64> = frames(x).into_iter().filter(|g| frames(y).contains(g)).collect();
        prop_assert_eq!(x.overlaps(y), !both.is_empty());
        prop_assert_eq!(x.intersect(y).map(frames).unwrap_or_default(), both);
        for nth in 0..10 {
            let wanted = frames(x).get(nth as usize).copied();
            prop_assert_eq!(x.nth(nth).map(Gfn::number), wanted);
            let rest: Vec<u64> = frames(x).into_iter().skip(nth as usize).collect();
            prop_assert_eq!(x.skip(nth).map(frames).unwrap_or_default(), rest);
        }
        prop_assert_eq!(x.skip(u64::MAX), None);
        prop_assert_eq!(x.nth(u64::MAX), None);
    }
}
