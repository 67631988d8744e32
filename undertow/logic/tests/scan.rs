// SPDX-License-Identifier: GPL-2.0

//! Attacks INV-SCAN-1: every pattern is found, wherever it hides.

mod common;

use common::{iterations, Rng};
use proptest::prelude::*;
use undertow_logic::scan::{first_hit, Escape, Isa, Operand, Pattern, Prefix, Scanner, PATTERNS};

type Found = Vec<(u64, &'static str)>;

fn scan(chunks: &[&[u8]]) -> Found {
    let mut found = Found::new();
    let mut scanner = Scanner::new(Isa::WithApx);
    for chunk in chunks {
        scanner.feed(chunk, &mut |hit| found.push((hit.offset, hit.pattern.name)));
    }
    found.sort_unstable();
    found
}

/// Tries every pattern at every offset, byte by byte, with no window.
fn naive(bytes: &[u8]) -> Found {
    let mut found = Found::new();
    for start in 0..bytes.len() {
        for pattern in PATTERNS {
            let rest = &bytes[start..];
            let after_escape = match (pattern.escape, rest) {
                (Escape::Own, _) => rest,
                (Escape::TwoByte, [0x0f, opcode @ ..]) => opcode,
                (Escape::TwoByte, [0xd5, 0x80..=0xff, opcode @ ..]) => opcode,
                (Escape::TwoByte, _) => continue,
            };
            let is_prefixed = pattern.prefix == Prefix::Any || follows_f2(&bytes[..start]);
            if is_prefixed && matches_at(pattern, after_escape) {
                found.push((start as u64, pattern.name));
            }
        }
    }
    found.sort_unstable();
    found
}

/// Whether `bytes` end with an `F2` that only prefixes follow.
fn follows_f2(bytes: &[u8]) -> bool {
    const OTHERS: [u8; 10] = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf3];
    let is_other = |byte: &&u8| OTHERS.contains(*byte) || **byte >> 4 == 4;
    bytes.iter().rev().find(|byte| !is_other(byte)) == Some(&0xf2)
}

fn matches_at(pattern: &Pattern, bytes: &[u8]) -> bool {
    let nr = pattern.nr_bytes as usize;
    if bytes.len() < nr {
        return false;
    }
    let fits = (0..nr).all(|at| {
        let shift = 8 * (nr - 1 - at);
        let (value, mask) = (pattern.value >> shift, pattern.mask >> shift);
        u64::from(bytes[at]) & mask & 0xff == value & 0xff
    });
    fits && (pattern.operand == Operand::Any || bytes[nr - 1] < 0xc0)
}

/// Bytes that a pattern matches, with the bits that do not matter random, and
/// the number of prefixes in front of them.
fn sample(pattern: &Pattern, rng: &mut Rng) -> (Vec<u8>, usize) {
    let mut prefixes = vec![];
    if pattern.prefix == Prefix::F2 {
        prefixes.push(0xf2);
        prefixes.extend(
            [0x66, 0x2e, 0xf3, 0x48]
                .iter()
                .cycle()
                .take(rng.below(13) as usize),
        );
    }
    let mut bytes = match pattern.escape {
        Escape::Own => vec![],
        Escape::TwoByte if rng.below(2) == 0 => vec![0x0f],
        Escape::TwoByte => vec![0xd5, 0x80 | rng.below(128) as u8],
    };
    let value = pattern.value | rng.next() & !pattern.mask;
    let value = value.to_be_bytes();
    bytes.extend_from_slice(&value[8 - pattern.nr_bytes as usize..]);
    if pattern.operand == Operand::Memory {
        let last = bytes.last_mut().unwrap();
        *last &= !(1 << (6 + rng.below(2)));
    }
    let nr_prefixes = prefixes.len();
    prefixes.extend(bytes);
    (prefixes, nr_prefixes)
}

#[test]
fn the_table_is_well_formed() {
    for pattern in PATTERNS {
        let bits = 8 * pattern.nr_bytes;
        assert!(
            bits > 0 && bits + 16 <= 64,
            "{}: longer than the window",
            pattern.name
        );
        assert_eq!(pattern.mask >> bits, 0, "{}", pattern.name);
        assert_eq!(
            pattern.value & !pattern.mask,
            0,
            "{}: can never match",
            pattern.name
        );
        let same = PATTERNS.iter().filter(|p| p.name == pattern.name).count();
        assert_eq!(same, 1, "{}: two entries", pattern.name);
    }
}

#[test]
fn every_pattern_is_found_at_every_offset_and_across_every_cut() {
    let mut rng = Rng::new(0x5eed_0003);
    for pattern in PATTERNS {
        for offset in 0..20 {
            for _ in 0..4 {
                let mut bytes = vec![0x90_u8; offset];
                let (sample, nr_prefixes) = sample(pattern, &mut rng);
                bytes.extend(sample);
                let end = bytes.len();
                bytes.extend([0x90; 9]);
                let wanted = ((offset + nr_prefixes) as u64, pattern.name);
                let all = scan(&[&bytes]);
                assert!(
                    all.contains(&wanted),
                    "{} at {offset}: {bytes:02x?}",
                    pattern.name
                );
                // The last byte is enough, whatever follows or does not.
                assert!(scan(&[&bytes[..end]]).contains(&wanted));
                for cut in 0..=bytes.len() {
                    let (left, right) = bytes.split_at(cut);
                    assert_eq!(scan(&[left, right]), all, "{} cut at {cut}", pattern.name);
                }
                let single: Vec<&[u8]> = bytes.chunks(1).collect();
                assert_eq!(scan(&single), all);
            }
        }
    }
}

/// A page border is a border like any other.
#[test]
fn a_vmfunc_across_a_page_border_is_found() {
    for split in 1..3 {
        let mut first = vec![0xcc; 4096];
        let mut second = vec![0xcc; 4096];
        let vmfunc = [0x0f, 0x01, 0xd4];
        first[4096 - split..].copy_from_slice(&vmfunc[..split]);
        second[..3 - split].copy_from_slice(&vmfunc[split..]);
        assert_eq!(scan(&[&first, &second]), [(4096 - split as u64, "VMFUNC")]);
        assert_eq!(scan(&[&first]), []);

        let mut scanner = Scanner::new(Isa::WithApx);
        let mut found = Found::new();
        scanner.feed(&first, &mut |hit| {
            found.push((hit.offset, hit.pattern.name))
        });
        scanner.skip(4096);
        scanner.feed(&second, &mut |hit| {
            found.push((hit.offset, hit.pattern.name))
        });
        scanner.feed(&vmfunc, &mut |hit| {
            found.push((hit.offset, hit.pattern.name))
        });
        assert_eq!(
            found,
            [(3 * 4096, "VMFUNC")],
            "offsets count what was skipped"
        );
    }
}

/// Bytes drawn from those that patterns consist of, so that near misses and
/// overlaps are frequent.
fn suspicious() -> impl Strategy<Value = u8> {
    prop_oneof![
        6 => prop::sample::select(vec![
            0x0f_u8, 0x01, 0xd4, 0xc1, 0x22, 0x30, 0xae, 0xd0, 0xd8, 0xf3, 0x48, 0xd5, 0x80, 0xc4,
            0xe7, 0x7a, 0xf6, 0xc0, 0x62, 0xf7, 0x7e, 0x08, 0x00, 0x10, 0x18, 0x30, 0xf0, 0xc7,
            0x35, 0x07, 0x06, 0xf2, 0x66,
        ]),
        1 => any::<u8>(),
    ]
}

proptest! {
    #[test]
    fn the_scanner_is_the_naive_matcher(
        bytes in prop::collection::vec(suspicious(), 0..200),
        cuts in prop::collection::vec(0..200_usize, 0..6),
    ) {
        let wanted = naive(&bytes);
        prop_assert_eq!(scan(&[&bytes]), wanted.clone());
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let chunks: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        prop_assert_eq!(scan(&chunks), wanted);
    }
}

#[test]
fn long_mode_random_bytes_equal_the_naive_matcher() {
    let mut rng = Rng::new(0x5eed_0004);
    let mut hits = 0;
    for _ in 0..iterations(200) {
        let bytes: [u8; 4096] = rng.bytes();
        let wanted = naive(&bytes);
        hits += wanted.len();
        assert_eq!(scan(&[&bytes]), wanted);
        assert_eq!(
            first_hit(Isa::WithApx, &bytes).is_some(),
            !wanted.is_empty()
        );
    }
    assert!(hits > 0, "the test saw no pattern at all");
}

/// `D5` is a prefix with APX and an invalid opcode without it.
#[test]
fn rex2_counts_only_where_the_cpu_decodes_it() {
    let bytes = [0xd5, 0x80, 0x01, 0xd4];
    assert!(first_hit(Isa::WithApx, &bytes).is_some());
    assert!(first_hit(Isa::WithoutApx, &bytes).is_none());
    assert_eq!(Isa::default(), Isa::WithApx, "the safe one is the default");
    let bytes = [0xd5, 0x80, 0x0f, 0x01, 0xd4];
    assert_eq!(first_hit(Isa::WithoutApx, &bytes).unwrap().offset, 2);
}

/// Instructions that compilers emit, or that are policed elsewhere.
#[test]
fn innocent_instructions_pass() {
    let innocent: [(&str, &[u8]); 21] = [
        ("nop", &[0x90]),
        ("endbr64", &[0xf3, 0x0f, 0x1e, 0xfa]),
        ("ud2", &[0x0f, 0x0b]),
        ("cpuid", &[0x0f, 0xa2]),
        ("rdtsc", &[0x0f, 0x31]),
        ("rdtscp", &[0x0f, 0x01, 0xf9]),
        ("clac", &[0x0f, 0x01, 0xca]),
        ("stac", &[0x0f, 0x01, 0xcb]),
        ("xgetbv", &[0x0f, 0x01, 0xd0]),
        ("smsw %eax", &[0x0f, 0x01, 0xe0]),
        ("sidt (%rax)", &[0x0f, 0x01, 0x08]),
        ("invlpg (%rax)", &[0x0f, 0x01, 0x38]),
        ("lfence", &[0x0f, 0xae, 0xe8]),
        ("mfence", &[0x0f, 0xae, 0xf0]),
        ("rdfsbase %rax", &[0xf3, 0x48, 0x0f, 0xae, 0xc0]),
        ("rdgsbase %rax", &[0xf3, 0x48, 0x0f, 0xae, 0xc8]),
        ("ldmxcsr (%rax)", &[0x0f, 0xae, 0x10]),
        ("cmpxchg16b (%rax)", &[0x48, 0x0f, 0xc7, 0x08]),
        ("mov %cr0,%rax", &[0x0f, 0x20, 0xc0]),
        (
            "displacement",
            &[0x81, 0xfa, 0x3f, 0x42, 0x0f, 0x00, 0x76, 0x24],
        ),
        ("jne", &[0x0f, 0x85, 0, 0, 0, 0]),
    ];
    for (name, bytes) in innocent {
        assert_eq!(scan(&[bytes]), [], "{name}");
    }
}

/// Real code: nothing panics, and the scanner equals the naive matcher there.
#[test]
fn binaries_of_this_machine_are_scanned() {
    let mut scanned = 0;
    for path in [
        "/bin/busybox",
        "/bin/bash",
        "/lib/x86_64-linux-gnu/libc.so.6",
    ] {
        let Ok(bytes) = std::fs::read(path) else {
            eprintln!("skipped: no {path} on this machine");
            continue;
        };
        let found = scan(&[&bytes]);
        assert_eq!(found, naive(&bytes), "{path}");
        eprintln!("{path}: {} bytes, {} hits", bytes.len(), found.len());
        scanned += bytes.len();
    }
    let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    let _ = scan(&[&own]);
    assert!(scanned + own.len() > 0);
}
