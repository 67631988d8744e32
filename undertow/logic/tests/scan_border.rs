// SPDX-License-Identifier: GPL-2.0

//! Attacks INV-SCAN-2: patterns that begin in one piece of text and end in the
//! next.

mod common;

use std::ops::Range;

use common::{iterations, Rng};
use undertow_logic::scan::{
    first_hit, first_hit_between, neighbours, Escape, Isa, Prefix, BORDER_BYTES, PATTERNS,
};

/// Padding between functions, which hides a border only by luck.
const INT3: u8 = 0xcc;
/// Nothing begins or ends with it.
const NOP: u8 = 0x90;

/// Bytes that the pattern matches, with as many prefixes as an instruction of
/// legal length can have where it needs one.
fn samples() -> Vec<(&'static str, Vec<u8>, usize)> {
    let mut samples = vec![];
    for pattern in PATTERNS {
        let mut escapes: Vec<Vec<u8>> = vec![vec![]];
        if pattern.escape == Escape::TwoByte {
            escapes = vec![vec![0x0f], vec![0xd5, 0x80]];
        }
        for escape in escapes {
            let mut bytes = escape;
            for at in (0..pattern.nr_bytes).rev() {
                bytes.push((pattern.value >> (8 * at)) as u8);
            }
            let mut prefixes = vec![];
            if pattern.prefix == Prefix::F2 {
                prefixes.push(0xf2);
                prefixes.resize(BORDER_BYTES - bytes.len(), 0x66);
            }
            let nr_prefixes = prefixes.len();
            prefixes.extend(bytes);
            samples.push((pattern.name, prefixes, nr_prefixes));
        }
    }
    samples
}

/// Splits `bytes` at `at`, with filler on both far sides.
fn around(bytes: &[u8], at: usize, filler: u8) -> (Vec<u8>, Vec<u8>) {
    let mut low = vec![filler; 64];
    low.extend(&bytes[..at]);
    let mut high = bytes[at..].to_vec();
    high.extend([filler; 64]);
    (low, high)
}

fn last(bytes: &[u8]) -> &[u8] {
    &bytes[bytes.len() - BORDER_BYTES..]
}

fn first(bytes: &[u8]) -> &[u8] {
    &bytes[..BORDER_BYTES]
}

#[test]
fn every_split_of_every_pattern_is_found_from_both_sides() {
    for (name, bytes, nr_prefixes) in samples() {
        for at in 1..bytes.len() {
            for filler in [INT3, NOP] {
                let (low, high) = around(&bytes, at, filler);

                let hit = first_hit_between(Isa::WithApx, last(&low), &high, &[]);
                let in_high = hit.map(|hit| (hit.pattern.name, hit.offset));
                assert_eq!(
                    in_high,
                    Some((name, nr_prefixes as i64 - at as i64)),
                    "{bytes:x?} at {at}"
                );

                // Prefixes alone below the border: the instruction is the neighbour's.
                let hit = first_hit_between(Isa::WithApx, &[], &low, first(&high));
                let in_low = hit.map(|hit| (hit.pattern.name, hit.offset));
                let expected =
                    (at > nr_prefixes).then(|| (name, (low.len() - at + nr_prefixes) as i64));
                assert_eq!(in_low, expected, "{bytes:x?} at {at}");
            }
        }
    }
}

/// The test above would pass if the halves were hits by themselves.
#[test]
fn the_halves_alone_are_no_hits() {
    for (name, bytes, nr_prefixes) in samples() {
        for at in nr_prefixes + 1..bytes.len() {
            let (low, high) = around(&bytes, at, NOP);
            assert!(first_hit(Isa::WithApx, &low).is_none(), "{name}");
            assert!(
                first_hit(Isa::WithApx, &high).is_none() || bytes[at] == 0x0f || bytes[at] == 0xd5,
                "{name} at {at}"
            );
        }
    }
}

/// The gate's own VMFUNC lies right below or above text: not the text's hit.
#[test]
fn what_lies_in_a_neighbour_alone_is_not_reported() {
    let vmfunc = [0x0f, 0x01, 0xd4];
    let text = [NOP; 64];
    assert!(first_hit_between(Isa::WithApx, &vmfunc, &text, &vmfunc).is_none());

    // ... but what its last byte completes is.
    let hit = first_hit_between(Isa::WithApx, &[0x0f], &[0x01, 0xd4, NOP], &vmfunc).unwrap();
    assert_eq!((hit.pattern.name, hit.offset), ("VMFUNC", -1));
    let hit = first_hit_between(Isa::WithApx, &vmfunc, &[NOP, 0x0f, 0x01], &[0xd4]).unwrap();
    assert_eq!((hit.pattern.name, hit.offset), ("VMFUNC", 1));
}

/// Random bytes: the same hits as in one stream, those of the neighbours left out.
#[test]
fn borders_agree_with_one_stream() {
    let mut rng = Rng::new(7);
    for _ in 0..iterations(2000) {
        let mut random = |nr: u64| -> Vec<u8> {
            (0..nr)
                .map(|_| {
                    const LIKELY: [u8; 8] = [0x0f, 0x01, 0xd4, 0x30, 0x22, 0xf2, 0x00, 0xd5];
                    LIKELY[rng.below(8) as usize]
                })
                .collect()
        };
        let (below, text, above) = (random(15), random(12), random(15));
        let all = [&below[..], &text, &above].concat();
        let mut wanted = None;
        for end in 1..=all.len() {
            // The hit that ends first, and not in `below`.
            let hit = first_hit_ending(&all, end);
            if end > 15 && hit.is_some_and(|start| start < 27) {
                wanted = wanted.or(hit.map(|start| start as i64 - 15));
            }
        }
        let got = first_hit_between(Isa::WithApx, &below, &text, &above);
        assert_eq!(got.map(|hit| hit.offset), wanted, "{all:x?}");
    }
}

/// Start of the first pattern of the table that ends right before `end`.
fn first_hit_ending(bytes: &[u8], end: usize) -> Option<usize> {
    let mut starts = vec![];
    let mut scanner = undertow_logic::scan::Scanner::new(Isa::WithApx);
    scanner.feed(&bytes[..end - 1], &mut |_| ());
    scanner.feed(&bytes[end - 1..end], &mut |hit| {
        starts.push(hit.offset as usize)
    });
    starts.into_iter().find(|&start| start < 27)
}

#[test]
#[allow(clippy::single_range_in_vec_init, reason = "a list of ranges is meant")]
fn neighbours_are_ranges_that_touch() {
    let text = 0x3000..0x5000;
    let cases: [(&[Range<usize>], _); 6] = [
        (&[], (false, false)),
        (&[0x1000..0x3000], (true, false)),
        (&[0x5000..0x6000], (false, true)),
        (&[0x5000..0x6000, 0x2000..0x3000], (true, true)),
        // A page in between that the view does not execute: a gate page, or the text of
        // another compartment.
        (&[0x1000..0x2000, 0x6000..0x7000], (false, false)),
        // Nothing has no border.
        (&[0x3000..0x3000, 0x5000..0x5000], (false, false)),
    ];
    for (others, expected) in cases {
        assert_eq!(neighbours(&text, others), expected, "{others:x?}");
    }
}
