// SPDX-License-Identifier: GPL-2.0

//! Arguments that a compartment may change: their values are bounced through the arena.

use crate::prelude::*;
use core::{
    marker::PhantomData,
    ptr::{
        self,
        NonNull, //
    },
    slice, //
};

use super::{
    super::fault::Fault,
    borrowed::Span,
    Arena,
    Carry,
    Param, //
};

/// A `&mut [T]`: copied into the arena, and back when the function has returned.
///
/// [`FromBytes`], because the compartment may leave any bits there.
pub struct SliceMut<T>(PhantomData<T>);

/// A mutable borrow and its twin in the arena.
pub struct Bounced<'a, T> {
    caller: &'a mut [T],
    twin: NonNull<T>,
}

// SAFETY: `finish` writes the slice that `send` was given, as many values as it has.
unsafe impl<T: Carry + FromBytes + 'static> Param for SliceMut<T> {
    type Arg<'a> = &'a mut [T];
    type Form = Span;
    type Kept<'a> = Bounced<'a, T>;

    unsafe fn send<'a>(
        caller: Self::Arg<'a>,
        arena: &mut impl Arena,
        slot: *mut Self::Form,
    ) -> Result<Self::Kept<'a>, Fault> {
        let twin = if size_of_val(caller) == 0 {
            NonNull::dangling()
        } else {
            arena.alloc(size_of_val(caller), align_of::<T>())?.cast()
        };

        // SAFETY: `Arena` returned fresh memory for as many values, and nobody else in view
        // 0 has its address. An empty copy is fine with a dangling pointer.
        unsafe {
            caller
                .as_ptr()
                .copy_to_nonoverlapping(twin.as_ptr(), caller.len())
        };

        // SAFETY: The caller promises a valid slot.
        unsafe { slot.write(Span::of(twin.as_ptr(), caller.len())) };
        Ok(Bounced { caller, twin })
    }

    #[inline(always)]
    unsafe fn receive<'a>(form: &Self::Form) -> Result<Self::Arg<'a>, Fault> {
        let start = ptr::with_exposed_provenance_mut(form.addr);

        // SAFETY: `send` described memory that only this call of the compartment uses, for as long
        // as the call lasts, by the promise of the caller.
        Ok(unsafe { slice::from_raw_parts_mut(start, form.len) })
    }

    unsafe fn finish(kept: Bounced<'_, T>) {
        let Bounced { caller, twin } = kept;

        // SAFETY: `send` allocated as many values as the slice has, and the call still exists by
        // the promise of the caller. Every bit pattern is a `T`.
        unsafe { copy_out(twin.as_ptr(), caller.as_mut_ptr(), caller.len()) };
    }
}

/// A `&mut T`: bounced like a slice of one.
pub struct Mut<T>(PhantomData<T>);

// SAFETY: `SliceMut` keeps the promise.
unsafe impl<T: Carry + FromBytes + 'static> Param for Mut<T> {
    type Arg<'a> = &'a mut T;
    type Form = Span;
    type Kept<'a> = Bounced<'a, T>;

    unsafe fn send<'a>(
        arg: Self::Arg<'a>,
        arena: &mut impl Arena,
        slot: *mut Self::Form,
    ) -> Result<Self::Kept<'a>, Fault> {
        // SAFETY: The caller promises what `SliceMut` asks for.
        unsafe { SliceMut::send(slice::from_mut(arg), arena, slot) }
    }

    #[inline(always)]
    unsafe fn receive<'a>(form: &Self::Form) -> Result<Self::Arg<'a>, Fault> {
        // SAFETY: `send` described one value in the arena that only this call of the compartment
        // uses, by the promise of the caller.
        Ok(unsafe { &mut *ptr::with_exposed_provenance_mut(form.addr) })
    }

    unsafe fn finish(kept: Bounced<'_, T>) {
        // SAFETY: The caller promises what `SliceMut` asks for.
        unsafe { SliceMut::finish(kept) };
    }
}

/// Copies `count` values out of memory that a compartment may be writing.
///
/// # Safety
///
/// `src` and `dst` must be valid for `count` values of `T` and must not overlap.
unsafe fn copy_out<T: FromBytes>(src: *const T, dst: *mut T, count: usize) {
    const WORD: usize = size_of::<u64>();

    let size = count * size_of::<T>();
    let src = src.cast::<u8>();
    let dst = dst.cast::<u8>();
    // The arena hands out aligned memory, so that whole words are the normal case.
    let words = if src.cast::<u64>().is_aligned() {
        size / WORD
    } else {
        0
    };

    for i in 0..words {
        // SAFETY: In bounds by the caller's promise; the source is aligned, as was just checked.
        // Volatile, because the compartment may write at the same time.
        unsafe {
            let word = src.cast::<u64>().add(i).read_volatile();
            dst.cast::<u64>().add(i).write_unaligned(word);
        }
    }
    for i in words * WORD..size {
        // SAFETY: In bounds by the caller's promise. Volatile as above.
        unsafe { dst.add(i).write(src.add(i).read_volatile()) };
    }
}
