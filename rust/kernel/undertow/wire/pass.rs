// SPDX-License-Identifier: GPL-2.0

//! Arguments of services: the other way, out of a compartment.
//!
//! All of them go in one block, one after the other, each at a whole word: values as forms, slices
//! as their length and then their elements. [`ask`] fills the block inside; [`answer`] takes it apart
//! in view 0, from a copy that nobody else has, and writes the result to its beginning.

use crate::{
    bindings,
    prelude::*, //
};
use core::{
    mem::MaybeUninit,
    ptr,
    slice, //
};

use super::{
    super::{
        fault::Fault,
        logic::service::BLOCK_WORDS,
        service::Service, //
    },
    borrowed::Slice,
    bounced::SliceMut,
    param::ByValue,
    value::{
        Carry,
        Wire, //
    }, //
};

const WORD: usize = size_of::<u64>();

/// A block that is being filled.
///
/// # Invariants
///
/// The first `used` words are initialised, and there are not more than [`BLOCK_WORDS`].
pub struct Block {
    words: [MaybeUninit<u64>; BLOCK_WORDS],
    used: usize,
}

impl Block {
    #[inline(always)]
    fn new() -> Self {
        // INVARIANT: None is used.
        Self {
            words: [MaybeUninit::uninit(); BLOCK_WORDS],
            used: 0,
        }
    }

    /// Returns room for `bytes` bytes, zeroed, and the place of its first word.
    #[inline(always)]
    fn room(&mut self, bytes: usize) -> Result<(usize, &mut [MaybeUninit<u64>])> {
        let start = self.used;
        let words = bytes.div_ceil(WORD);
        if words > BLOCK_WORDS - start {
            return Err(E2BIG);
        }
        let room = self.words.get_mut(start..start + words).ok_or(E2BIG)?;
        for word in room.iter_mut() {
            word.write(0);
        }
        // INVARIANT: These were initialised just now, and fit.
        self.used = start + words;
        Ok((start, room))
    }

    /// # Safety
    ///
    /// `values` must not be longer than the elements that are there, from that word on.
    #[inline(always)]
    unsafe fn copy_to<T: Carry + FromBytes>(&self, start: usize, values: &mut [T]) {
        let from = self.words.as_ptr().wrapping_add(start).cast::<T>();
        // SAFETY: The caller's promise; every bit pattern is a `T`.
        unsafe { ptr::copy_nonoverlapping(from, values.as_mut_ptr(), values.len()) };
    }
}

/// What is left of a block that nobody else can change.
pub struct Rest<'a>(&'a mut [u64]);

impl<'a> Rest<'a> {
    /// Takes `words` words off the front.
    fn take(&mut self, words: usize) -> Result<&'a mut [u64], Fault> {
        let (front, back) = core::mem::take(&mut self.0)
            .split_at_mut_checked(words)
            .ok_or(Fault::BadReturn)?;
        self.0 = back;
        Ok(front)
    }

    /// Takes a slice; returns where its elements are and how many.
    fn take_slice<T>(&mut self) -> Result<(*mut T, usize), Fault> {
        let len = usize::try_from(self.take(1)?[0]).map_err(|_| Fault::BadReturn)?;
        let bytes = len.checked_mul(size_of::<T>()).ok_or(Fault::BadReturn)?;
        let elements = self.take(bytes.div_ceil(WORD))?;
        Ok((elements.as_mut_ptr().cast(), len))
    }
}

/// How a kind of argument gets out of a compartment and, for `&mut`, back. The kinds are those of
/// [`Param`](super::Param).
#[diagnostic::on_unimplemented(
    message = "a service takes no argument of this kind",
    note = "values, `&[T]` and `&mut [T]` can be handed to a service: they are copied"
)]
pub trait Pass {
    /// The type in the function's signature.
    type Arg<'a>;

    /// What the compartment remembers for `finish`.
    type Kept<'a>;

    /// Copies the argument into the block. Inside.
    fn put<'a>(arg: Self::Arg<'a>, block: &mut Block) -> Result<Self::Kept<'a>>;

    /// Takes the argument from the front of the block. In view 0.
    fn take<'a>(rest: &mut Rest<'a>) -> Result<Self::Arg<'a>, Fault>;

    /// Copies back what the service wrote. Inside.
    fn finish(kept: Self::Kept<'_>, block: &Block);
}

impl<W: Wire> Pass for ByValue<W> {
    type Arg<'a> = W::Value;
    type Kept<'a> = ();

    #[inline(always)]
    fn put<'a>(arg: Self::Arg<'a>, block: &mut Block) -> Result<Self::Kept<'a>> {
        const { assert!(align_of::<W::Form>() <= WORD) };
        let (_, room) = block.room(size_of::<W::Form>())?;
        // SAFETY: There is room for a form, aligned.
        unsafe { W::pack(arg, room.as_mut_ptr().cast()) };
        Ok(())
    }

    fn take<'a>(rest: &mut Rest<'a>) -> Result<Self::Arg<'a>, Fault> {
        let form = rest.take(size_of::<W::Form>().div_ceil(WORD))?;
        // SAFETY: There are that many bytes, aligned as `put` checks, and every bit pattern is a form.
        W::unpack(unsafe { &*form.as_ptr().cast() })
    }

    #[inline(always)]
    fn finish(_kept: (), _block: &Block) {}
}

/// Copies a length and the elements into the block; returns where these begin.
#[inline(always)]
fn put_slice<T: Carry>(values: &[T], block: &mut Block) -> Result<usize> {
    const { assert!(size_of::<T>() != 0 && align_of::<T>() <= WORD) };
    let (_, head) = block.room(WORD)?;
    if let Some(head) = head.first_mut() {
        head.write(values.len() as u64);
    }
    let (start, room) = block.room(size_of_val(values))?;
    // SAFETY: There is room for so many bytes.
    unsafe {
        ptr::copy_nonoverlapping(values.as_ptr(), room.as_mut_ptr().cast::<T>(), values.len())
    };
    Ok(start)
}

impl<T: Carry + FromBytes + 'static> Pass for Slice<T> {
    type Arg<'a> = &'a [T];
    type Kept<'a> = ();

    #[inline(always)]
    fn put<'a>(arg: Self::Arg<'a>, block: &mut Block) -> Result<Self::Kept<'a>> {
        put_slice(arg, block)?;
        Ok(())
    }

    fn take<'a>(rest: &mut Rest<'a>) -> Result<Self::Arg<'a>, Fault> {
        let (start, len) = rest.take_slice::<T>()?;
        // SAFETY: So many elements lie in the words that were taken off, which nobody else has for
        // `'a`; they are aligned, as `put` checks, and every bit pattern is a `T`.
        Ok(unsafe { slice::from_raw_parts(start, len) })
    }

    #[inline(always)]
    fn finish(_kept: (), _block: &Block) {}
}

impl<T: Carry + FromBytes + 'static> Pass for SliceMut<T> {
    type Arg<'a> = &'a mut [T];
    type Kept<'a> = (usize, &'a mut [T]);

    #[inline(always)]
    fn put<'a>(arg: Self::Arg<'a>, block: &mut Block) -> Result<Self::Kept<'a>> {
        Ok((put_slice(arg, block)?, arg))
    }

    fn take<'a>(rest: &mut Rest<'a>) -> Result<Self::Arg<'a>, Fault> {
        let (start, len) = rest.take_slice::<T>()?;
        // SAFETY: As for `Slice`; it is the only reference to these words.
        Ok(unsafe { slice::from_raw_parts_mut(start, len) })
    }

    #[inline(always)]
    fn finish((start, values): Self::Kept<'_>, block: &Block) {
        // SAFETY: `put` copied so many elements to that place.
        unsafe { block.copy_to(start, values) };
    }
}

impl Pass for () {
    type Arg<'a> = ();
    type Kept<'a> = ();

    #[inline(always)]
    fn put<'a>(_arg: Self::Arg<'a>, _block: &mut Block) -> Result<Self::Kept<'a>> {
        Ok(())
    }

    fn take<'a>(_rest: &mut Rest<'a>) -> Result<Self::Arg<'a>, Fault> {
        Ok(())
    }

    #[inline(always)]
    fn finish(_kept: (), _block: &Block) {}
}

macro_rules! impl_pass_for_tuple {
    ($($name:ident $index:tt),+) => {
        impl<$($name: Pass),+> Pass for ($($name,)+) {
            type Arg<'a> = ($($name::Arg<'a>,)+);
            type Kept<'a> = ($($name::Kept<'a>,)+);

            #[inline(always)]
            fn put<'a>(arg: Self::Arg<'a>, block: &mut Block) -> Result<Self::Kept<'a>> {
                Ok(($($name::put(arg.$index, block)?,)+))
            }

            fn take<'a>(rest: &mut Rest<'a>) -> Result<Self::Arg<'a>, Fault> {
                Ok(($($name::take(rest)?,)+))
            }

            #[inline(always)]
            fn finish(kept: Self::Kept<'_>, block: &Block) {
                $($name::finish(kept.$index, block);)+
            }
        }
    };
}

impl_pass_for_tuple!(A 0);
impl_pass_for_tuple!(A 0, B 1);
impl_pass_for_tuple!(A 0, B 1, C 2);
impl_pass_for_tuple!(A 0, B 1, C 2, D 3);
impl_pass_for_tuple!(A 0, B 1, C 2, D 3, E 4);
impl_pass_for_tuple!(A 0, B 1, C 2, D 3, E 4, F 5);

/// Asks for a service. Runs inside, or in view 0 where nothing is enforced.
///
/// # Errors
///
/// - `E2BIG` when arguments and result don't fit into 512 bytes.
/// - `EAGAIN` for a service that sleeps when the caller of the compartment may not.
/// - `ELOOP` when the caller is in too many services already, `ENOBUFS` when it has too little
///   stack left.
/// - `EPROTO` when the answer is no `R`, which only the compartment can have made so.
#[inline(always)]
pub fn ask<P: Pass, R: Wire>(service: &'static Service, args: P::Arg<'_>) -> Result<R::Value> {
    const { assert!(align_of::<R::Form>() <= WORD) };
    let mut block = Block::new();
    block.room(size_of::<R::Form>())?;
    let kept = P::put(args, &mut block)?;

    // SAFETY: The block has that many words that are initialised; every bit pattern may come back.
    // The service is a static.
    // Inside, `undertow_link` makes the function the way out: undertow/common/service.S.
    let result = unsafe {
        bindings::undertow_service_call(
            ptr::from_ref(service).cast(),
            block.words.as_mut_ptr().cast(),
            block.used * WORD,
        )
    };
    if result != 0 {
        // Not `from_errno`, which writes to the log.
        return Err(Error::try_from_errno(result as c_int).unwrap_or(EPROTO));
    }
    P::finish(kept, &block);
    // SAFETY: The first words are a form: every bit pattern is one.
    R::unpack(unsafe { &*block.words.as_ptr().cast() }).map_err(|_| EPROTO)
}

/// Runs `body` in view 0 on the arguments in `block`, which nobody else can change.
///
/// # Errors
///
/// - [`Fault::BadReturn`] when the arguments are none of `P`.
pub fn answer<P: Pass, R: Wire>(
    block: &mut [u64],
    body: impl for<'a> FnOnce(P::Arg<'a>) -> R::Value,
) -> Result<(), Fault> {
    let mut rest = Rest(block);
    let form = rest.take(size_of::<R::Form>().div_ceil(WORD))?;
    let value = body(P::take(&mut rest)?);

    // SAFETY: There is room for a form, aligned as `ask` checks.
    unsafe { R::pack(value, form.as_mut_ptr().cast()) };
    Ok(())
}
