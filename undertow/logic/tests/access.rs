// SPDX-License-Identifier: GPL-2.0

//! The rights lattice, exhaustively.

use undertow_logic::access::{Access, Rights};

#[test]
fn only_five_of_all_bytes_are_legal() {
    let legal: Vec<u8> = (0..=255)
        .filter(|&b| Access::from_bits(b).is_some())
        .collect();
    assert_eq!(legal, [0, 1, 3, 5, 7]);
    for access in Access::ALL {
        assert_eq!(Access::from_bits(access.bits()), Some(access));
    }
}

#[test]
fn meet_and_join_are_greatest_and_least_bounds() {
    for a in Access::ALL {
        for b in Access::ALL {
            let (meet, join) = (a.meet(b), a.join(b));
            // No right is lost to the fallback inside: bits say the same.
            assert_eq!(meet.bits(), a.bits() & b.bits());
            assert_eq!(join.bits(), a.bits() | b.bits());
            assert_eq!((meet, join), (b.meet(a), b.join(a)));
            for c in Access::ALL {
                assert_eq!(
                    c.is_subset(a) && c.is_subset(b),
                    c.is_subset(meet),
                    "{c} below {a} and {b}"
                );
                assert_eq!(
                    a.is_subset(c) && b.is_subset(c),
                    join.is_subset(c),
                    "{c} above {a} and {b}"
                );
                assert_eq!(a.meet(b).meet(c), a.meet(b.meet(c)));
                assert_eq!(a.join(b).join(c), a.join(b.join(c)));
                assert_eq!(a.meet(b.join(c)), a.meet(b).join(a.meet(c)));
            }
            assert_eq!(a.join(a.meet(b)), a);
            assert_eq!(a.meet(a.join(b)), a);
        }
    }
}

#[test]
fn subset_is_an_order() {
    for a in Access::ALL {
        assert!(a.is_subset(a) && Access::None.is_subset(a) && a.is_subset(Access::Rwx));
        for b in Access::ALL {
            assert_eq!(a.is_subset(b) && b.is_subset(a), a == b);
            assert_eq!(a.is_subset(b), b.allows(a.rights()));
        }
    }
    assert!(!Access::Rw.is_subset(Access::Rx) && !Access::Rx.is_subset(Access::Rw));
}

#[test]
fn lacks_is_what_is_asked_and_not_granted() {
    for access in Access::ALL {
        for bits in 0..8 {
            let asked = Rights::from_bits(bits).unwrap();
            assert_eq!(access.lacks(asked).bits(), bits & !access.bits());
            assert_eq!(access.allows(asked), access.lacks(asked).is_empty());
        }
    }
    assert!((8..=255).all(|bits| Rights::from_bits(bits).is_none()));
}

#[test]
fn display_is_what_ls_would_write() {
    let shown = Access::ALL.map(|access| access.to_string());
    assert_eq!(shown, ["---", "r--", "rw-", "r-x", "rwx"]);
    let shown = [0, 1, 2, 3, 4, 7].map(|bits| Rights::from_bits(bits).unwrap().to_string());
    assert_eq!(shown, ["none", "r", "w", "rw", "x", "rwx"]);
}
