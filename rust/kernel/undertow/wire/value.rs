// SPDX-License-Identifier: GPL-2.0

//! Values that cross by copy: what they look like in the arena and what makes them valid.

use crate::prelude::*;
use core::{
    marker::PhantomData,
    mem::MaybeUninit,
    slice, //
};
use zerocopy::{
    Immutable,
    TryFromBytes, //
};

use super::super::fault::Fault;

/// How a kind of value crosses by copy.
///
/// The implementors are names for the kinds ([`Plain`], [`Opt`], [`Res`], tuples of these); the
/// `isolated` macro picks them from the types that it sees in the function's signature.
pub trait Wire {
    /// What the Rust code on both sides handles.
    type Value;

    /// The same in the arena. [`FromBytes`], because the other side may leave any bits there.
    type Form: FromBytes;

    /// Writes `value` as a form, field by field: padding would carry scraps of the writer's stack.
    ///
    /// # Safety
    ///
    /// `slot` must be valid for writes and aligned.
    unsafe fn pack(value: Self::Value, slot: *mut Self::Form);

    /// Returns the value of a form that the other side wrote, or [`Fault::BadReturn`] when it is
    /// none. `form` must be a private copy: what is checked must be what is used.
    fn unpack(form: &Self::Form) -> Result<Self::Value, Fault>;
}

/// Types whose bytes may cross as they are: no pointers, no padding, no interior mutability, and
/// a check for valid bit patterns.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot cross into or out of a compartment by copy",
    label = "this type has no byte form that can be checked",
    note = "integers, `bool`, arrays, tuples, `Option` and `Result<_, Error>` of such types can",
    note = "own types can with `#[repr(C)]` and \
            `#[derive(TryFromBytes, IntoBytes, Immutable, KnownLayout)]` from `zerocopy_derive`"
)]
pub trait Carry: TryFromBytes + IntoBytes + Immutable {}

impl<T: TryFromBytes + IntoBytes + Immutable> Carry for T {}

/// A `T` that crosses byte by byte.
pub struct Plain<T>(PhantomData<T>);

/// The bytes of what should be a `T`.
///
/// # Invariants
///
/// All bytes are initialised.
#[repr(transparent)]
#[derive(FromBytes)]
pub struct Raw<T>(MaybeUninit<T>);

impl<T: Carry> Wire for Plain<T> {
    type Value = T;
    type Form = Raw<T>;

    #[inline(always)]
    unsafe fn pack(value: T, slot: *mut Raw<T>) {
        // INVARIANT: `IntoBytes` types have no uninitialised bytes.
        // SAFETY: `Raw` is transparent, and the caller promises a valid slot.
        unsafe { slot.cast::<T>().write(value) };
    }

    #[inline(always)]
    fn unpack(form: &Raw<T>) -> Result<T, Fault> {
        // SAFETY: The type invariant of `Raw` says that the bytes are initialised.
        let bytes = unsafe { slice::from_raw_parts(form.0.as_ptr().cast(), size_of::<T>()) };

        T::try_read_from_bytes(bytes).map_err(|_| Fault::BadReturn)
    }
}

/// The first word of a form with alternatives. Zero, the arena's first content, is none of these.
const PRESENT: u32 = 1;
const ABSENT: u32 = 2;

/// An `Option` of something that crosses.
pub struct Opt<W>(PhantomData<W>);

/// A tag, and what the tag says: a payload, or perhaps an errno.
#[repr(C)]
#[derive(FromBytes)]
pub struct Tagged<F> {
    tag: u32,
    errno: i32,
    payload: F,
}

impl<F> Tagged<F> {
    /// Writes the tag and returns where the payload goes.
    ///
    /// # Safety
    ///
    /// `slot` must be valid for writes and aligned.
    #[inline(always)]
    unsafe fn write_tag(slot: *mut Self, tag: u32, errno: i32) -> *mut F {
        // SAFETY: By the promise of the caller.
        unsafe {
            (&raw mut (*slot).tag).write(tag);
            (&raw mut (*slot).errno).write(errno);
            &raw mut (*slot).payload
        }
    }
}

impl<W: Wire> Wire for Opt<W> {
    type Value = Option<W::Value>;
    type Form = Tagged<W::Form>;

    #[inline(always)]
    unsafe fn pack(value: Self::Value, slot: *mut Self::Form) {
        // SAFETY: The caller promises a valid slot, so its parts are valid too.
        unsafe {
            match value {
                Some(value) => W::pack(value, Tagged::write_tag(slot, PRESENT, 0)),
                None => _ = Tagged::write_tag(slot, ABSENT, 0),
            }
        }
    }

    #[inline(always)]
    fn unpack(form: &Self::Form) -> Result<Self::Value, Fault> {
        match form.tag {
            PRESENT => W::unpack(&form.payload).map(Some),
            ABSENT => Ok(None),
            _ => Err(Fault::BadReturn),
        }
    }
}

/// A `Result<_, Error>` of something that crosses. The error travels as its errno.
pub struct Res<W>(PhantomData<W>);

impl<W: Wire> Wire for Res<W> {
    type Value = Result<W::Value>;
    type Form = Tagged<W::Form>;

    #[inline(always)]
    unsafe fn pack(value: Self::Value, slot: *mut Self::Form) {
        // SAFETY: The caller promises a valid slot, so its parts are valid too.
        unsafe {
            match value {
                Ok(value) => W::pack(value, Tagged::write_tag(slot, PRESENT, 0)),
                Err(error) => _ = Tagged::write_tag(slot, ABSENT, error.to_errno()),
            }
        }
    }

    #[inline(always)]
    fn unpack(form: &Self::Form) -> Result<Self::Value, Fault> {
        match form.tag {
            PRESENT => W::unpack(&form.payload).map(Ok),
            // Not `from_errno`, which writes to the log: this runs inside, too.
            ABSENT => Error::try_from_errno(form.errno)
                .map(Err)
                .ok_or(Fault::BadReturn),
            _ => Err(Fault::BadReturn),
        }
    }
}

macro_rules! impl_wire_for_tuple {
    ($($name:ident $index:tt),+) => {
        impl<$($name: Wire),+> Wire for ($($name,)+) {
            type Value = ($($name::Value,)+);
            type Form = ($($name::Form,)+);

            #[inline(always)]
            unsafe fn pack(value: Self::Value, slot: *mut Self::Form) {
                // SAFETY: The caller promises a valid slot, so its parts are valid too.
                unsafe { $($name::pack(value.$index, &raw mut (*slot).$index);)+ }
            }

            #[inline(always)]
            fn unpack(form: &Self::Form) -> Result<Self::Value, Fault> {
                Ok(($($name::unpack(&form.$index)?,)+))
            }
        }
    };
}

impl_wire_for_tuple!(A 0);
impl_wire_for_tuple!(A 0, B 1);
impl_wire_for_tuple!(A 0, B 1, C 2);
impl_wire_for_tuple!(A 0, B 1, C 2, D 3);
impl_wire_for_tuple!(A 0, B 1, C 2, D 3, E 4);
impl_wire_for_tuple!(A 0, B 1, C 2, D 3, E 4, F 5);
