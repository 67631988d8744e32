// SPDX-License-Identifier: GPL-2.0

//! Damaged objects: an error or a consistent result, never a panic.

use super::{
    cases::GOOD,
    fixture::*, //
};
use crate::{
    isolate as tool,
    read,
    write, //
};

/// How many damaged objects to make of each good one.
const ROUNDS: u32 = 4000;

/// A generator of the xorshift family: the same sequence on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

/// Runs everything on `bytes`; says whether they were accepted.
fn survive(bytes: &[u8]) -> bool {
    let Ok(mut object) = read::read(bytes) else {
        return false;
    };
    let available = available_for(&object);
    if tool::isolate(&mut object, &available).is_err() {
        return false;
    }
    match write::write(&object) {
        Ok(written) => read::read(&written).is_ok(),
        Err(_) => false,
    }
}

fn damage(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    // Most bytes are code; what matters are the headers, so aim at them half of the time.
    let headers = u64::from_le_bytes(bytes[40..48].try_into().expect("eight bytes")) as usize;
    for _ in 0..=random.below(4) {
        let at = match random.below(4) {
            0 => random.below(64),
            1 => headers + random.below(bytes.len() - headers),
            _ => random.below(bytes.len()),
        };
        bytes[at] = match random.below(4) {
            0 => 0,
            1 => 0xff,
            2 => bytes[at] ^ 1 << random.below(8),
            _ => random.next() as u8,
        };
    }
    if random.below(8) == 0 {
        bytes.truncate(random.below(bytes.len()));
    }
    bytes
}

#[test]
fn damaged_objects_never_panic() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let (mut accepted, mut refused) = (0, 0);
    for (_, items, body) in GOOD {
        let bytes = compile_isolated(items, body);
        assert!(survive(&bytes), "the undamaged object is good");
        for _ in 0..ROUNDS {
            match survive(&damage(&bytes, &mut random)) {
                true => accepted += 1,
                false => refused += 1,
            }
        }
    }
    eprintln!("{accepted} accepted, {refused} refused");
    // Damage in code and names goes unnoticed; in headers it must be noticed.
    assert!(
        refused > accepted / 2,
        "{accepted} accepted, {refused} refused"
    );
}

#[test]
fn every_truncation_is_an_error() {
    let (_, items, body) = GOOD[0];
    let bytes = compile_isolated(items, body);
    for length in 0..bytes.len() {
        assert!(
            read::read(&bytes[..length]).is_err(),
            "{length} of {} bytes",
            bytes.len()
        );
    }
}

#[test]
fn every_flipped_bit_of_the_headers_is_survived() {
    let (_, items, body) = GOOD[4];
    let bytes = compile_isolated(items, body);
    let headers = u64::from_le_bytes(bytes[40..48].try_into().expect("eight bytes")) as usize;
    for at in (0..64).chain(headers..bytes.len()) {
        for bit in 0..8 {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1 << bit;
            survive(&bytes);
        }
    }
}
