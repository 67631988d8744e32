// SPDX-License-Identifier: GPL-2.0

//! How arguments get into a compartment; here those that are copied, and lists of arguments.

use crate::prelude::*;
use core::marker::PhantomData;

use super::{
    super::fault::Fault,
    Arena,
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
        arena: &mut impl Arena,
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
    /// `kept` must come from [`Param::send`], and the arena used there must still exist.
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
        _arena: &mut impl Arena,
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

// SAFETY: There is nothing to write.
unsafe impl Param for () {
    type Arg<'a> = ();
    type Form = ();
    type Kept<'a> = ();

    unsafe fn send<'a>(
        _arg: Self::Arg<'a>,
        _arena: &mut impl Arena,
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
        arena: &mut impl Arena,
        slot: *mut Self::Form,
    ) -> Result<Self::Kept<'a>, Fault> {
                // SAFETY: The caller promises a valid slot, so its parts are valid too.
                Ok(unsafe { ($($name::send(args.$index, arena, &raw mut (*slot).$index)?,)+) })
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
