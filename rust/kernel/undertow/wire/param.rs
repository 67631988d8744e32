// SPDX-License-Identifier: GPL-2.0

//! Arguments of an isolated function: by copy, by address, or bounced through the arena.

use crate::prelude::*;
use core::{
    marker::PhantomData,
    ptr::{
        self,
        NonNull, //
    },
    slice,
    str, //
};
use zerocopy::Immutable;

use super::{
    super::{
        compartment::Call,
        fault::Fault, //
    },
    copy_out,
    Carry,
    Wire, //
};

/// How a kind of argument gets into the compartment and, for `&mut`, back.
///
/// Like [`Wire`], the implementors are names for kinds, chosen by the `isolated` macro.
///
/// # Safety
///
/// `send` must write a form that `receive` can use. `finish` must write only what the caller of
/// `send` lent mutably, and must take addresses and lengths from [`Param::Kept`] alone.
pub unsafe trait Param {
    /// The type in the function's signature.
    type Arg<'a>;

    /// What the entry finds in the arena.
    type Form: FromBytes;

    /// What view 0 remembers for [`Param::finish`]. Never in the arena.
    type Kept<'a>;

    /// Prepares the argument in view 0 and writes its form.
    ///
    /// # Safety
    ///
    /// `slot` must be valid for writes and aligned.
    unsafe fn send<'a>(
        arg: Self::Arg<'a>,
        call: &mut Call,
        slot: *mut Self::Form,
    ) -> Result<Self::Kept<'a>, Fault>;

    /// Rebuilds the argument inside the compartment.
    ///
    /// # Safety
    ///
    /// `form` must come from [`Param::send`], with `'a` no longer than the call.
    unsafe fn receive<'a>(form: &Self::Form) -> Result<Self::Arg<'a>, Fault>;

    /// Brings back in view 0 what the compartment wrote.
    ///
    /// # Safety
    ///
    /// `kept` must come from [`Param::send`], and the [`Call`] used there must still exist.
    unsafe fn finish(kept: Self::Kept<'_>);
}

/// A value of kind `W`, copied in.
pub struct ByValue<W>(PhantomData<W>);

// SAFETY: `finish` does nothing.
unsafe impl<W: Wire> Param for ByValue<W> {
    type Arg<'a> = W::Value;
    type Form = W::Form;
    type Kept<'a> = ();

    unsafe fn send<'a>(
        arg: Self::Arg<'a>,
        _call: &mut Call,
        slot: *mut Self::Form,
    ) -> Result<Self::Kept<'a>, Fault> {
        // SAFETY: The caller promises a valid slot.
        unsafe { W::pack(arg, slot) };
        Ok(())
    }

    #[inline(always)]
    unsafe fn receive<'a>(form: &Self::Form) -> Result<Self::Arg<'a>, Fault> {
        W::unpack(form)
    }

    unsafe fn finish(_kept: ()) {}
}

/// Where a borrowed argument lies.
#[repr(C)]
#[derive(FromBytes)]
pub struct Span {
    addr: usize,
    len: usize,
}

impl Span {
    fn of<T>(start: *const T, len: usize) -> Self {
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
        _call: &mut Call,
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
        _call: &mut Call,
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
        _call: &mut Call,
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

/// A `&mut [T]`: copied into the arena, and back when the function has returned.
///
/// [`FromBytes`], because the compartment may leave any bits there.
pub struct SliceMut<T>(PhantomData<T>);

/// A mutable borrow and its twin in the arena.
pub struct Bounced<'a, T> {
    caller: &'a mut [T],
    arena: NonNull<T>,
}

// SAFETY: `finish` writes the slice that `send` was given, as many values as it has.
unsafe impl<T: Carry + FromBytes + 'static> Param for SliceMut<T> {
    type Arg<'a> = &'a mut [T];
    type Form = Span;
    type Kept<'a> = Bounced<'a, T>;

    unsafe fn send<'a>(
        caller: Self::Arg<'a>,
        call: &mut Call,
        slot: *mut Self::Form,
    ) -> Result<Self::Kept<'a>, Fault> {
        let arena = if size_of_val(caller) == 0 {
            NonNull::dangling()
        } else {
            call.alloc(size_of_val(caller), align_of::<T>())?.cast()
        };

        // SAFETY: `Call::alloc` returned fresh memory for as many values, and nobody else in view
        // 0 has its address. An empty copy is fine with a dangling pointer.
        unsafe {
            caller
                .as_ptr()
                .copy_to_nonoverlapping(arena.as_ptr(), caller.len())
        };

        // SAFETY: The caller promises a valid slot.
        unsafe { slot.write(Span::of(arena.as_ptr(), caller.len())) };
        Ok(Bounced { caller, arena })
    }

    #[inline(always)]
    unsafe fn receive<'a>(form: &Self::Form) -> Result<Self::Arg<'a>, Fault> {
        let start = ptr::with_exposed_provenance_mut(form.addr);

        // SAFETY: `send` described memory that only this call of the compartment uses, for as long
        // as the call lasts, by the promise of the caller.
        Ok(unsafe { slice::from_raw_parts_mut(start, form.len) })
    }

    unsafe fn finish(kept: Bounced<'_, T>) {
        let Bounced { caller, arena } = kept;

        // SAFETY: `send` allocated as many values as the slice has, and the call still exists by
        // the promise of the caller. Every bit pattern is a `T`.
        unsafe { copy_out(arena.as_ptr(), caller.as_mut_ptr(), caller.len()) };
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
        call: &mut Call,
        slot: *mut Self::Form,
    ) -> Result<Self::Kept<'a>, Fault> {
        // SAFETY: The caller promises what `SliceMut` asks for.
        unsafe { SliceMut::send(slice::from_mut(arg), call, slot) }
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

// SAFETY: There is nothing to write.
unsafe impl Param for () {
    type Arg<'a> = ();
    type Form = ();
    type Kept<'a> = ();

    unsafe fn send<'a>(
        _arg: Self::Arg<'a>,
        _call: &mut Call,
        _slot: *mut Self::Form,
    ) -> Result<Self::Kept<'a>, Fault> {
        Ok(())
    }

    #[inline(always)]
    unsafe fn receive<'a>(_form: &Self::Form) -> Result<Self::Arg<'a>, Fault> {
        Ok(())
    }

    unsafe fn finish(_kept: ()) {}
}

macro_rules! impl_param_for_tuple {
    ($($name:ident $index:tt),+) => {
        // SAFETY: The members keep the promise.
        unsafe impl<$($name: Param),+> Param for ($($name,)+) {
            type Arg<'a> = ($($name::Arg<'a>,)+);
            type Form = ($($name::Form,)+);
            type Kept<'a> = ($($name::Kept<'a>,)+);

            unsafe fn send<'a>(
        args: Self::Arg<'a>,
        call: &mut Call,
        slot: *mut Self::Form,
    ) -> Result<Self::Kept<'a>, Fault> {
                // SAFETY: The caller promises a valid slot, so its parts are valid too.
                Ok(unsafe { ($($name::send(args.$index, call, &raw mut (*slot).$index)?,)+) })
            }

            #[inline(always)]
            unsafe fn receive<'a>(form: &Self::Form) -> Result<Self::Arg<'a>, Fault> {
                // SAFETY: The caller promises for each member what it promises for the tuple.
                Ok(unsafe { ($($name::receive(&form.$index)?,)+) })
            }

            unsafe fn finish(kept: Self::Kept<'_>) {
                // SAFETY: As above.
                unsafe { $($name::finish(kept.$index);)+ }
            }
        }
    };
}

impl_param_for_tuple!(A 0);
impl_param_for_tuple!(A 0, B 1);
impl_param_for_tuple!(A 0, B 1, C 2);
impl_param_for_tuple!(A 0, B 1, C 2, D 3);
impl_param_for_tuple!(A 0, B 1, C 2, D 3, E 4);
impl_param_for_tuple!(A 0, B 1, C 2, D 3, E 4, F 5);
