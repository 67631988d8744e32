// SPDX-License-Identifier: GPL-2.0

//! Services: what goes out and comes back, and blocks that nobody honest makes.

use kernel::{
    prelude::*,
    undertow::service::forge, //
};
use std::cell::Cell;

thread_local! {
    static CALLS: Cell<u32> = const { Cell::new(0) };
}

const EPROTO: i32 = -71;
const E2BIG: i32 = -7;

#[undertow::service]
fn mixed(
    flag: bool,
    words: &[u16],
    out: &mut [u8],
    last: Option<u64>,
) -> Result<(u32, Option<bool>)> {
    CALLS.set(CALLS.get() + 1);
    for (to, from) in out.iter_mut().zip(words) {
        *to = *from as u8;
    }
    let last = last.ok_or(EINVAL)?;
    Ok(((words.len() as u32).wrapping_add(last as u32), Some(flag)))
}

#[undertow::service(may_sleep)]
fn nothing() -> Result {
    Ok(())
}

#[undertow::service]
fn sum(words: &[u64]) -> Result<u64> {
    CALLS.set(CALLS.get() + 1);
    Ok(words.iter().fold(0, |sum, word| sum ^ word))
}

undertow::compartment! {
    static S: Compartment = { name: c"s", services: [mixed, self::nothing], stacks: 2 };
}

// What the link tool provides in the kernel.
core::arch::global_asm!(
    ".pushsection .rodata",
    ".globl __ut_text_start_S, __ut_text_end_S",
    "__ut_text_start_S: .byte 1",
    "__ut_text_end_S:",
    ".popsection",
);

fn errno<V>(result: Result<V>) -> Option<i32> {
    result.err().map(Error::to_errno)
}

#[test]
fn the_list_is_what_was_declared() {
    let services = S.0.services;
    let names: Vec<_> = services.iter().map(|it| (it.name, it.sleeps)).collect();
    assert_eq!(names, [(c"mixed", false), (c"nothing", true)]);
    assert!(std::ptr::eq(services[0], &mixed::SERVICE));
}

#[test]
fn arguments_go_out_and_come_back() {
    let mut out = [9; 5];
    assert_eq!(
        mixed(true, &[1, 2, 3], &mut out, Some(7)),
        Ok((10, Some(true)))
    );
    assert_eq!(out, [1, 2, 3, 9, 9]);
    assert_eq!(mixed(false, &[], &mut [], Some(0)), Ok((0, Some(false))));
    // An error is a result, and what was written stays.
    assert_eq!(errno(mixed(true, &[4], &mut out, None)), Some(-22));
    assert_eq!(out, [4, 2, 3, 9, 9]);
    assert_eq!(nothing(), Ok(()));
}

#[test]
fn what_does_not_fit_is_not_asked_for() {
    // A result of two words, a length; the rest is full.
    assert_eq!(sum(&[3; 61]), Ok(3));
    let before = CALLS.get();
    assert_eq!(errno(sum(&[3; 62])), Some(E2BIG));
    assert_eq!(errno(sum(&[3; 5000])), Some(E2BIG));
    assert_eq!(CALLS.get(), before);
}

/// Words of a block of `mixed(true, &[1, 2, 3], &mut [0; 9], Some(7))`: three of the result, the flag,
/// length and elements twice, the tag and the value.
const FLAG: usize = 3;
const WORDS: usize = 4;
const OUT: usize = 6;
const LAST: usize = 9;

#[test]
fn forged_arguments_are_none() {
    let forgeries: [fn(&mut [u64]); 12] = [
        |block| block[FLAG] = 2,
        |block| block[FLAG] = 0x80,
        |block| block[WORDS] = 1000,
        |block| block[WORDS] = u64::MAX,
        |block| block[WORDS] = 1 << 63,
        |block| block[WORDS] = u64::MAX / 2 + 2,
        |block| block[OUT] = 1000,
        |block| block[OUT] = u64::MAX - 6,
        // Shorter: what follows is something else, here no tag.
        |block| block[WORDS] = 0,
        |block| block[OUT] = 0,
        |block| block[LAST] = 0,
        |block| block[LAST] = 3,
    ];
    for (nr, forgery) in forgeries.into_iter().enumerate() {
        let before = CALLS.get();
        forge(forgery);
        let got = errno(mixed(true, &[1, 2, 3], &mut [0; 9], Some(7)));
        assert_eq!(got, Some(EPROTO), "{nr}");
        assert_eq!(CALLS.get(), before, "{nr}");
    }
}

/// Whatever a block holds, the service gets slices that lie in it, or is not called.
#[test]
fn random_blocks_are_arguments_or_none() {
    thread_local! {
        static SEED: Cell<u64> = const { Cell::new(1) };
    }
    fn next() -> u64 {
        SEED.set(
            SEED.get()
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1),
        );
        SEED.get() >> 33
    }
    fn scribble(block: &mut [u64]) {
        let at = next() as usize % block.len();
        block[at] = match next() % 4 {
            0 => next() % 80,
            1 => u64::MAX - next() % 80,
            2 => 1 << (next() % 64),
            _ => next() << 32 | next(),
        };
    }
    let before = CALLS.get();
    for _ in 0..100_000 {
        forge(scribble);
        let mut out = [0; 9];
        let got = errno(mixed(true, &[1, 2, 3], &mut out, Some(7)));
        assert!(matches!(got, None | Some(EPROTO) | Some(-22)), "{got:?}");
    }
    let served = CALLS.get() - before;
    assert!((1000..99_000).contains(&served), "{served}");
}
