// SPDX-License-Identifier: GPL-2.0

//! Requests of services: what a compartment may ask for, and with which memory.
//!
//! Everything in a request is the compartment's claim. What is decided here is
//! decided in the root view, before anything behind the claim is touched.
//!
//! # Invariants
//!
//! - `INV-SERVICE-1`: only a service on the compartment's list is found.
//! - `INV-SERVICE-2`: a block that is accepted lies whole in the memory of the
//!   call, and is no longer than can be copied.
//! - `INV-SERVICE-3`: no service runs deeper than [`DEPTH_MAX`], sleeps where the
//!   caller may not, or runs on a stack that may end.

use core::ops::Range;

/// Words that the arguments and results of a service have at most.
pub const BLOCK_WORDS: usize = 64;

/// Services that one context can be in at once, each called from the compartment
/// that the one before called.
pub const DEPTH_MAX: usize = 4;

const WORD: u64 = size_of::<u64>() as u64;

/// Returns the place of a service on the list, `None` if it is not there.
pub fn find(list: impl Iterator<Item = usize>, wanted: usize) -> Option<usize> {
    list.into_iter().position(|it| it == wanted)
}

/// Returns how many words a block has, `None` unless all of it may be copied.
///
/// `memory` is what the call may write: its stack and its arena.
pub fn block_words(addr: u64, bytes: u64, memory: &Range<u64>) -> Option<usize> {
    let end = addr.checked_add(bytes)?;
    let is_whole = bytes != 0 && (bytes | addr) & (WORD - 1) == 0;
    let is_short = bytes <= BLOCK_WORDS as u64 * WORD;
    let is_inside = memory.start <= addr && end <= memory.end;
    (is_whole && is_short && is_inside).then_some((bytes / WORD) as usize)
}

/// Where a service would run.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Services that this context is in already.
    pub depth: usize,
    /// Whether the caller of the compartment may sleep.
    pub may_sleep: bool,
    /// Whether enough is left of the caller's stack.
    pub has_room: bool,
}

/// Why a service that the compartment may have does not run here. It is told so,
/// and goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It would sleep, and the caller of the compartment may not.
    Atomic,
    /// Too many services in compartments that services called.
    TooDeep,
    /// Too little is left of the caller's stack.
    NoStack,
}

/// Decides whether a service runs.
pub fn admit(sleeps: bool, place: &Place) -> Result<(), Refusal> {
    if sleeps && !place.may_sleep {
        Err(Refusal::Atomic)
    } else if place.depth >= DEPTH_MAX {
        Err(Refusal::TooDeep)
    } else if !place.has_room {
        Err(Refusal::NoStack)
    } else {
        Ok(())
    }
}
