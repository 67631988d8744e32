// SPDX-License-Identifier: GPL-2.0

//! What crosses between view 0 and a compartment, and how.
//!
//! [`isolated`](super::isolated) turns a function into three: the caller's function, which runs
//! [`call`] in view 0; an entry, which runs [`serve`] inside the compartment; and the body that
//! the driver author wrote. Both sides meet in a [`Block`] in the arena of the call, memory that
//! the compartment may write at any time, also from another CPU while the call is being finished.
//! Three rules keep that harmless:
//!
//! - Everything in the arena has a *form*: a type for which every bit pattern is valid.
//! - View 0 copies a form out of the arena once and judges the copy ([`Wire::unpack`]).
//! - No address or length is ever read back: what view 0 copies to, and how much, it remembers
//!   itself ([`Param::Kept`]).
//!
//! This does not decide what the compartment may read: `&[T]` arguments are passed by address, so
//! the memory behind them must be readable in the compartment's view.

use crate::prelude::*;
use core::ptr::NonNull;

use super::{
    compartment::{
        Call,
        Compartment, //
    },
    fault::Fault, //
};

mod borrowed;
mod bounced;
mod param;
mod pass;
mod value;

pub use self::{
    borrowed::{
        Ref,
        Slice,
        Str, //
    },
    bounced::{
        Mut,
        SliceMut, //
    },
    param::{
        ByValue,
        Param, //
    },
    pass::{
        answer,
        ask,
        Pass, //
    },
    value::{
        Carry,
        Opt,
        Plain,
        Res,
        Wire, //
    }, //
};

/// The largest form that is carried by value, in bytes.
///
/// Values travel over two kernel stacks of 16 KiB; anything larger belongs behind a `&mut`.
pub const MAX_BY_VALUE: usize = 1024;

/// The code that [`Call::run`] starts inside the compartment.
pub type Entry = unsafe extern "C" fn(*mut u8);

/// `Block::state` after the body returned. Not zero, which is what the arena starts with.
const DONE: u32 = 0x444f_4e45;

/// One call as it lies in the arena.
#[repr(C)]
struct Block<P: Param, R: Wire> {
    args: P::Form,
    ret: R::Form,
    state: u32,
}

/// Where a call keeps what both sides need: memory for the time of the call.
///
/// # Safety
///
/// What `alloc` returns must be zeroed, of the size and alignment asked for, returned only once,
/// and valid for reads and writes by both sides until the arena is dropped.
pub unsafe trait Arena {
    /// Returns fresh memory, or [`Fault::TooBig`].
    fn alloc(&mut self, size: usize, align: usize) -> Result<NonNull<u8>, Fault>;
}

// SAFETY: This is what `Call::alloc` promises.
unsafe impl Arena for Call {
    fn alloc(&mut self, size: usize, align: usize) -> Result<NonNull<u8>, Fault> {
        Call::alloc(self, size, align)
    }
}

/// Runs `entry` in the compartment with `args` and returns what it returned.
///
/// The caller's `&mut` arguments change only when this returns `Ok`.
///
/// # Errors
///
/// - The [`Fault`] that kept the call from starting or that ended it.
/// - [`Fault::TooBig`] when the arguments do not fit into the arena.
/// - [`Fault::BadReturn`] when the compartment left something that is no `R`.
///
/// # Safety
///
/// `entry` must do nothing with its argument but pass it to [`serve`] with the same `P` and `R`.
pub unsafe fn call<P: Param, R: Wire>(
    compartment: &'static Compartment,
    entry: Entry,
    args: P::Arg<'_>,
) -> Result<R::Value, Fault> {
    const {
        assert!(
            size_of::<R::Form>() <= MAX_BY_VALUE && size_of::<P::Form>() <= MAX_BY_VALUE,
            "an isolated function passes or returns more than 1024 bytes by value: use `&` or `&mut`"
        )
    };

    let mut call = compartment.begin()?;
    let (block, kept) = prepare::<P, R>(args, &mut call)?;

    // SAFETY: By the caller's promise `entry` passes the block on to `serve`, which finds in it what
    // was written above.
    unsafe { call.run(entry, block.cast()) }?;

    // SAFETY: Both come from `prepare`, and `call` still exists.
    unsafe { collect(block, kept) }
}

/// Puts a block with `args` into the arena.
fn prepare<'a, P: Param, R: Wire>(
    args: P::Arg<'a>,
    arena: &mut impl Arena,
) -> Result<(*mut Block<P, R>, P::Kept<'a>), Fault> {
    let block = arena
        .alloc(size_of::<Block<P, R>>(), align_of::<Block<P, R>>())?
        .cast::<Block<P, R>>()
        .as_ptr();

    // SAFETY: `Arena` returned memory for a block, and view 0 has no reference to it.
    let kept = unsafe { P::send(args, arena, &raw mut (*block).args)? };
    Ok((block, kept))
}

/// Takes the result out of a block that the compartment has had, and finishes the arguments.
///
/// # Safety
///
/// `block` and `kept` must come from [`prepare`], and the arena used there must still exist.
unsafe fn collect<P: Param, R: Wire>(
    block: *const Block<P, R>,
    kept: P::Kept<'_>,
) -> Result<R::Value, Fault> {
    // SAFETY: `prepare` made the block, and every bit pattern is a `u32`. The compartment may write
    // at the same time: a volatile read is done once and not repeated by the compiler.
    if unsafe { (&raw const (*block).state).read_volatile() } != DONE {
        return Err(Fault::BadReturn);
    }
    // SAFETY: As above; `Wire::Form` is `FromBytes`, so every bit pattern is a form.
    let form = unsafe { (&raw const (*block).ret).read_volatile() };
    let value = R::unpack(&form)?;

    // SAFETY: By the promise of the caller.
    unsafe { P::finish(kept) };
    Ok(value)
}

/// Runs `body` inside the compartment on the arguments of `block`.
///
/// Inlined into the entry so that no text of view 0 is needed to get going.
///
/// # Safety
///
/// `block` must be the argument of an entry started by [`call`] with the same `P` and `R`.
#[inline(always)]
pub unsafe fn serve<P: Param, R: Wire>(
    block: *mut u8,
    body: impl for<'a> FnOnce(P::Arg<'a>) -> R::Value,
) {
    let block = block.cast::<Block<P, R>>();

    // SAFETY: `call` wrote the arguments there before it started the entry. Should other code of
    // this compartment have changed them since, only the compartment is harmed: view 0 does not
    // rely on anything that happens here.
    let form = unsafe { (&raw const (*block).args).read() };

    // SAFETY: As above; the form was made by `P::send`, and the caller of `call` waits, so the
    // borrows behind it last until the entry returns.
    let Ok(args) = (unsafe { P::receive(&form) }) else {
        return;
    };
    let value = body(args);

    // SAFETY: The block is writable in the compartment's view while the call lasts.
    unsafe {
        R::pack(value, &raw mut (*block).ret);
        (&raw mut (*block).state).write_volatile(DONE);
    }
}
