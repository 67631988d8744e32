// SPDX-License-Identifier: GPL-2.0

//! Arguments that a compartment reads in place.

use crate::prelude::*;
use core::{
    marker::PhantomData,
    ptr,
    slice,
    str, //
};
use zerocopy::Immutable;

use super::{
    super::fault::Fault,
    Arena,
    Param, //
};

/// Where a borrowed argument lies.
#[repr(C)]
#[derive(FromBytes)]
pub struct Span {
    pub(super) addr: usize,
    pub(super) len: usize,
}

impl Span {
    pub(super) fn of<T>(start: *const T, len: usize) -> Self {
        Self {
            addr: start.expose_provenance(),
            len,
        }
    }

    /// # Safety
    ///
    /// The span must describe `len` values of `T` that live and stay unchanged for `'a`.
    #[inline(always)]
    unsafe fn as_slice<'a, T>(&self) -> &'a [T] {
        // SAFETY: By the promise of the caller.
        unsafe { slice::from_raw_parts(ptr::with_exposed_provenance(self.addr), self.len) }
    }
}

/// A `&[T]`: read in place, nothing is copied.
pub struct Slice<T>(PhantomData<T>);

// SAFETY: `finish` does nothing.
unsafe impl<T: IntoBytes + Immutable + 'static> Param for Slice<T> {
    type Arg<'a> = &'a [T];
    type Form = Span;
    type Kept<'a> = ();

    unsafe fn send<'a>(
        arg: Self::Arg<'a>,
        _arena: &mut impl Arena,
        slot: *mut Self::Form,
    ) -> Result<Self::Kept<'a>, Fault> {
        // SAFETY: The caller promises a valid slot.
        unsafe { slot.write(Span::of(arg.as_ptr(), arg.len())) };
        Ok(())
    }

    #[inline(always)]
    unsafe fn receive<'a>(form: &Self::Form) -> Result<Self::Arg<'a>, Fault> {
        // SAFETY: `send` described a `&[T]` that outlives the call, by the promise of the caller.
        Ok(unsafe { form.as_slice() })
    }

    unsafe fn finish(_kept: ()) {}
}

/// A `&T`: read in place, nothing is copied.
pub struct Ref<T>(PhantomData<T>);

// SAFETY: `finish` does nothing.
unsafe impl<T: IntoBytes + Immutable + 'static> Param for Ref<T> {
    type Arg<'a> = &'a T;
    type Form = Span;
    type Kept<'a> = ();

    unsafe fn send<'a>(
        arg: Self::Arg<'a>,
        _arena: &mut impl Arena,
        slot: *mut Self::Form,
    ) -> Result<Self::Kept<'a>, Fault> {
        // SAFETY: The caller promises a valid slot.
        unsafe { slot.write(Span::of(arg, 1)) };
        Ok(())
    }

    #[inline(always)]
    unsafe fn receive<'a>(form: &Self::Form) -> Result<Self::Arg<'a>, Fault> {
        // SAFETY: `send` described a `&T` that outlives the call, by the promise of the caller.
        Ok(unsafe { &*ptr::with_exposed_provenance(form.addr) })
    }

    unsafe fn finish(_kept: ()) {}
}

/// A `&str`: read in place, nothing is copied.
pub struct Str;

// SAFETY: `finish` does nothing.
unsafe impl Param for Str {
    type Arg<'a> = &'a str;
    type Form = Span;
    type Kept<'a> = ();

    unsafe fn send<'a>(
        arg: Self::Arg<'a>,
        _arena: &mut impl Arena,
        slot: *mut Self::Form,
    ) -> Result<Self::Kept<'a>, Fault> {
        // SAFETY: The caller promises a valid slot.
        unsafe { slot.write(Span::of(arg.as_ptr(), arg.len())) };
        Ok(())
    }

    #[inline(always)]
    unsafe fn receive<'a>(form: &Self::Form) -> Result<Self::Arg<'a>, Fault> {
        // SAFETY: `send` described a `&str` that outlives the call, by the promise of the caller.
        Ok(unsafe { str::from_utf8_unchecked(form.as_slice()) })
    }

    unsafe fn finish(_kept: ()) {}
}
