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

/// What a reference is borrowed to.
///
/// # Safety
///
/// `find` must undo `span`.
pub unsafe trait Lent {
    /// What the argument refers to.
    type Target: ?Sized + 'static;

    /// Says where it lies.
    fn span(arg: &Self::Target) -> Span;

    /// Finds it again.
    ///
    /// # Safety
    ///
    /// `span` must be what `span` returned for a target that lives and stays unchanged for `'a`.
    unsafe fn find<'a>(span: &Span) -> &'a Self::Target;
}

/// A reference: what it refers to is read in place, nothing is copied.
pub struct InPlace<L>(PhantomData<L>);

// SAFETY: `finish` does nothing.
unsafe impl<L: Lent> Param for InPlace<L> {
    type Arg<'a> = &'a L::Target;
    type Form = Span;
    type Kept<'a> = ();

    unsafe fn send<'a>(
        arg: Self::Arg<'a>,
        _arena: &mut impl Arena,
        slot: *mut Self::Form,
    ) -> Result<Self::Kept<'a>, Fault> {
        // SAFETY: The caller promises a valid slot.
        unsafe { slot.write(L::span(arg)) };
        Ok(())
    }

    #[inline(always)]
    unsafe fn receive<'a>(form: &Self::Form) -> Result<Self::Arg<'a>, Fault> {
        // SAFETY: `send` described a reference that outlives the call, by the promise of the caller.
        Ok(unsafe { L::find(form) })
    }

    unsafe fn finish(_kept: ()) {}
}

/// A `&[T]`.
pub type Slice<T> = InPlace<Many<T>>;
/// A `&T`.
pub type Ref<T> = InPlace<One<T>>;
/// A `&str`.
pub type Str = InPlace<Text>;

/// See [`Slice`].
pub struct Many<T>(PhantomData<T>);

// SAFETY: The span says where the elements are and how many.
unsafe impl<T: IntoBytes + Immutable + 'static> Lent for Many<T> {
    type Target = [T];

    fn span(arg: &[T]) -> Span {
        Span::of(arg.as_ptr(), arg.len())
    }

    #[inline(always)]
    unsafe fn find<'a>(span: &Span) -> &'a [T] {
        // SAFETY: By the promise of the caller.
        unsafe { span.as_slice() }
    }
}

/// See [`Ref`].
pub struct One<T>(PhantomData<T>);

// SAFETY: The span says where it is.
unsafe impl<T: IntoBytes + Immutable + 'static> Lent for One<T> {
    type Target = T;

    fn span(arg: &T) -> Span {
        Span::of(arg, 1)
    }

    #[inline(always)]
    unsafe fn find<'a>(span: &Span) -> &'a T {
        // SAFETY: By the promise of the caller.
        unsafe { &*ptr::with_exposed_provenance(span.addr) }
    }
}

/// See [`Str`].
pub struct Text;

// SAFETY: The span says where the bytes are and how many.
unsafe impl Lent for Text {
    type Target = str;

    fn span(arg: &str) -> Span {
        Span::of(arg.as_ptr(), arg.len())
    }

    #[inline(always)]
    unsafe fn find<'a>(span: &Span) -> &'a str {
        // SAFETY: By the promise of the caller; the bytes were a `str`.
        unsafe { str::from_utf8_unchecked(span.as_slice()) }
    }
}
