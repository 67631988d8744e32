// SPDX-License-Identifier: GPL-2.0

//! Isolated functions with an honest and with a hostile compartment.

use kernel::{
    prelude::*,
    undertow::{
        compartment::take_over,
        Fault, //
    },
};
use std::cell::Cell;
use zerocopy_derive::{
    Immutable,
    KnownLayout,
    TryFromBytes, //
};

undertow::compartment! {
    /// The compartment of all tests.
    pub(crate) static T: Compartment = { name: c"t", stacks: 3 };
}

// What the link tool provides in the kernel.
core::arch::global_asm!(
    ".pushsection .rodata",
    ".globl __ut_text_start_T, __ut_text_end_T",
    "__ut_text_start_T: .byte 1, 2, 3",
    "__ut_text_end_T:",
    ".popsection",
);

const EFAULT: i32 = -14;
const E2BIG: i32 = -7;
const EPROTO: i32 = -71;

fn errno<V>(result: Result<V>) -> Option<i32> {
    result.err().map(Error::to_errno)
}

#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, TryFromBytes, IntoBytes, Immutable, KnownLayout)]
enum Colour {
    Red = 1,
    Green = 2,
}

#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, FromBytes, IntoBytes, Immutable, KnownLayout)]
struct Point {
    x: u32,
    y: u32,
}

/// Documentation and attributes stay on the function.
#[undertow::isolated(T)]
#[must_use = "for the test"]
fn pick(value: (u8, Option<bool>, [i16; 3], (Colour, Result<u64>))) -> Result<(Colour, u64)> {
    Ok((value.3 .0, value.3 .1?))
}

// One function with all kinds of results.
#[allow(clippy::type_complexity)]
#[undertow::isolated(T)]
fn tuple(
    mut a: u8,
    b: Option<bool>,
) -> Result<(u8, Option<bool>, [i16; 3], (Colour, Result<u64>))> {
    a += 1;
    Ok((a, b, [-1, 0, 1], (Colour::Green, Err(ENOEXEC))))
}

#[undertow::isolated(T)]
fn fail(errno: i32) -> Result {
    Err(Error::from_errno(errno))
}

/// What [`sum`] returns when the compartment fails.
const NO_SUM: u64 = u64::MAX;

#[undertow::isolated(T, on_fault = NO_SUM)]
fn sum(data: &[u32], point: &Point, text: &str) -> u64 {
    data.iter().map(|&word| u64::from(word)).sum::<u64>()
        + u64::from(point.x)
        + text.chars().count() as u64
}

#[undertow::isolated(T)]
fn fill(out: &mut [u16], total: &mut Point, with: u16) -> Result<bool> {
    out.fill(with);
    total.x += out.len() as u32;
    if with == 0 {
        return Err(EINVAL);
    }
    Ok(true)
}

#[undertow::isolated(T)]
fn colour(value: u8) -> Result<Colour> {
    match value {
        1 => Ok(Colour::Red),
        2 => Ok(Colour::Green),
        _ => Err(EINVAL),
    }
}

#[undertow::isolated(T, on_fault = ())]
fn nothing() {}

#[test]
fn the_descriptor_has_what_was_declared() {
    let desc = T.0;
    let (start, end) = (desc.text)();

    assert_eq!((desc.name, desc.stacks, desc.heap), (c"t", 3, 0));
    assert_eq!(end - start, 3);
}

#[test]
fn values_cross() {
    for number in [Ok(u64::MAX), Err(EAGAIN)] {
        let value = (7, None, [0; 3], (Colour::Red, number));
        assert_eq!(pick(value), number.map(|number| (Colour::Red, number)));
    }
    for b in [None, Some(false), Some(true)] {
        let expected = (5, b, [-1, 0, 1], (Colour::Green, Err(ENOEXEC)));
        assert_eq!(tuple(4, b), Ok(expected));
    }
    for number in [-1, -11, -4095] {
        assert_eq!(errno(fail(number)), Some(number));
    }
    nothing();
}

#[test]
fn borrows_are_read_in_place() {
    assert_eq!(
        sum(&[1, 2, u32::MAX], &Point { x: 10, y: 0 }, "grüße"),
        18 + u64::from(u32::MAX)
    );
    assert_eq!(sum(&[], &Point::default(), ""), 0);
    // Far more than the arena holds.
    assert_eq!(sum(&vec![1; 1 << 20], &Point::default(), ""), 1 << 20);
}

#[test]
fn mutable_borrows_come_back() {
    for length in 0..67 {
        let mut buffer = vec![0xaaaa_u16; length + 2];
        let mut total = Point { x: 1, y: 2 };
        assert_eq!(
            fill(&mut buffer[1..length + 1], &mut total, 0x1234),
            Ok(true)
        );

        assert!(buffer[1..length + 1].iter().all(|&word| word == 0x1234));
        assert_eq!((buffer[0], buffer[length + 1]), (0xaaaa, 0xaaaa));
        assert_eq!(
            total,
            Point {
                x: 1 + length as u32,
                y: 2
            }
        );
    }
}

#[test]
fn mutable_borrows_come_back_with_an_error_of_the_function() {
    let (mut buffer, mut total) = ([1; 4], Point::default());
    assert_eq!(fill(&mut buffer, &mut total, 0), Err(EINVAL));
    assert_eq!((buffer, total.x), ([0; 4], 4));
}

#[test]
fn too_much_for_the_arena_is_refused() {
    let (mut buffer, mut total) = (vec![1; 1 << 16], Point::default());
    assert_eq!(errno(fill(&mut buffer, &mut total, 5)), Some(E2BIG));
    assert_eq!((buffer[0], total.x), (1, 0));
}

#[test]
fn a_fault_leaves_the_caller_alone() {
    take_over(|entry, block, _arena| {
        // SAFETY: What the compartment would have done, only that it fails at the very end.
        unsafe { entry(block) };
        Err(Fault::Violation)
    });
    let (mut buffer, mut total) = ([1; 4], Point::default());
    assert_eq!(errno(fill(&mut buffer, &mut total, 5)), Some(EFAULT));
    assert_eq!((buffer, total.x), ([1; 4], 0));

    take_over(|_, _, _| Err(Fault::Violation));
    assert_eq!(sum(&[1], &Point::default(), ""), NO_SUM);
}

#[test]
fn a_compartment_that_returns_at_once_is_refused() {
    take_over(|_, _, _| Ok(()));
    assert_eq!(errno(fail(-5)), Some(EPROTO));
    // All bits zero would be a fine result.
    take_over(|_, _, _| Ok(()));
    assert_eq!(sum(&[1], &Point::default(), ""), NO_SUM);
}

thread_local! {
    /// Where and what [`tamper`] writes: `take_over` wants a function, which has no variables.
    static EDIT: Cell<(usize, u64)> = const { Cell::new((0, 0)) };
}

/// Makes the next call overwrite a word of its arena after it has done its work.
fn tamper(word: usize, value: u64) {
    EDIT.set((word, value));
    take_over(|entry, block, arena| {
        // SAFETY: As the macro made them.
        unsafe { entry(block) };
        let (word, value) = EDIT.get();
        arena[word] = value;
        Ok(())
    });
}

/// Makes the next call overwrite the payload behind a `tag` and `errno` that it left in the arena.
fn tamper_result(payload: u64) {
    EDIT.set((0, payload));
    take_over(|entry, block, arena| {
        // SAFETY: As the macro made them.
        unsafe { entry(block) };
        // SAFETY: `u32` has no invalid bits.
        let (_, words, _) = unsafe { arena.align_to_mut::<u32>() };
        // The tag of an `Ok` and no errno; the arguments of these calls have no such words.
        let at = words.windows(2).position(|pair| pair == [1, 0]).unwrap();
        words[at + 2] = EDIT.get().1 as u32;
        Ok(())
    });
}

#[test]
fn rewritten_spans_do_not_move_the_copy() {
    // Every word of the block in turn, so also addresses and lengths.
    for value in [
        0,
        1,
        3,
        u64::MAX,
        1 << 63,
        0xffff_8000_0000_0000,
        0x0202_0202_0202_0202,
    ] {
        let mut changed = 0;
        for word in 0..64 {
            tamper(word, value);
            let mut memory = [0xaaaa_u16; 12];
            let mut total = Point { x: 1, y: 2 };
            let result = fill(&mut memory[4..8], &mut total, 0x1234);

            assert_eq!(memory[..4], [0xaaaa; 4], "word {word} = {value:#x}");
            assert_eq!(memory[8..], [0xaaaa; 4], "word {word} = {value:#x}");
            match result {
                Ok(true) => changed += u32::from(memory[4..8] != [0x1234; 4]),
                Ok(false) => assert_eq!(value & 0xff, 0),
                Err(error) => assert_eq!(error.to_errno(), EPROTO),
            }
        }
        // The four values are one word of the arena: the compartment may write that, of course.
        assert_eq!(changed, 1, "{value:#x}");
    }
}

#[test]
fn results_with_invalid_bits_are_refused() {
    for byte in 0..=255 {
        tamper_result(byte);
        let expected = match byte {
            1 => Ok(Colour::Red),
            2 => Ok(Colour::Green),
            _ => Err(Some(EPROTO)),
        };
        assert_eq!(
            colour(2).map_err(|error| Some(error.to_errno())),
            expected,
            "{byte}"
        );
    }
}

#[test]
fn errors_that_are_none_are_refused() {
    for errno_word in [0, 1, -4096, i32::MIN, i32::MAX] {
        EDIT.set((0, errno_word as u64));
        take_over(|entry, block, arena| {
            // SAFETY: As the macro made them.
            unsafe { entry(block) };
            // SAFETY: `i32` has no invalid bits.
            let (_, words, _) = unsafe { arena.align_to_mut::<i32>() };
            // `fail` left -77 there twice: the argument, and then the errno.
            let last = words.iter().rposition(|&word| word == -77).unwrap();
            words[last] = EDIT.get().1 as i32;
            Ok(())
        });
        assert_eq!(errno(fail(-77)), Some(EPROTO), "{errno_word}");
    }
}
