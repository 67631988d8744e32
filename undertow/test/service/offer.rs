// SPDX-License-Identifier: GPL-2.0

//! What the tests' compartments can ask for.

use core::ffi::c_int;
use kernel::{
    prelude::*,
    sync::atomic::{
        Acquire,
        Atomic,
        Relaxed,
        Release, //
    },
    time::{
        delay::fsleep,
        Delta, //
    },
    undertow::selftest::services, //
};

use super::{
    down_here,
    down_there,
    ASKER, //
};

static TALLY: Atomic<u32> = Atomic::new(0);
static OPEN: Atomic<bool> = Atomic::new(true);
static PARKED: Atomic<bool> = Atomic::new(false);
static REFUSED: Atomic<c_int> = Atomic::new(1);
static UNLISTED: Atomic<u32> = Atomic::new(0);

/// How far [`tear`] and who changes the block are.
static STAGE: Atomic<u32> = Atomic::new(0);

#[undertow::service]
pub(crate) fn add(left: u64, right: u64) -> Result<u64> {
    Ok(left.wrapping_add(right))
}

/// Flips the low bits of each word.
#[undertow::service]
pub(crate) fn flip(words: &[u32], out: &mut [u32]) -> Result<usize> {
    let out = out.get_mut(..words.len()).ok_or(ENOSPC)?;
    for (to, from) in out.iter_mut().zip(words) {
        *to = from ^ 0xff;
    }
    Ok(words.len())
}

/// Sleeps and goes on on another CPU, if there is one. Returns the CPUs before and after the sleep.
#[undertow::service(may_sleep)]
pub(crate) fn nap(ms: u32) -> Result<(u32, u32)> {
    let from = services::move_on();
    fsleep(Delta::from_millis(ms.into()));
    Ok((from, services::move_on()))
}

/// Waits until somebody opens.
#[undertow::service(may_sleep)]
pub(crate) fn park() -> Result<()> {
    PARKED.store(true, Release);
    while !OPEN.load(Acquire) {
        fsleep(Delta::from_millis(1));
    }
    PARKED.store(false, Release);
    Ok(())
}

/// Counts.
#[undertow::service]
pub(crate) fn tally() -> Result<u32> {
    Ok(TALLY.fetch_add(1, Relaxed))
}

/// Calls into the one compartment or the other.
#[undertow::service]
pub(crate) fn visit(left: u32) -> Result<(u32, i32)> {
    if left % 2 == 0 {
        down_here(left)
    } else {
        down_there(left)
    }
}

/// Kills the compartment that waits, and would have it restarted: that would wait for itself.
#[undertow::service(may_sleep)]
pub(crate) fn watch(_nothing: u32) -> Result<i32> {
    ASKER.kill()?;
    let result = ASKER.restart();
    REFUSED.store(
        result.map_or_else(|error| error.to_errno(), |()| 0),
        Relaxed,
    );
    Ok(0)
}

/// On nobody's list.
#[undertow::service]
pub(crate) fn unlisted(left: u64, right: u64) -> Result<u64> {
    UNLISTED.fetch_add(1, Relaxed);
    Ok(left ^ right)
}

/// Looks at its argument, lets somebody change it, and looks again. Returns both.
#[undertow::service(may_sleep)]
pub(crate) fn tear(words: &[u64]) -> Result<(u64, u64)> {
    // SAFETY: A reference to a word. Volatile, to see what the compiler may not: that it changes.
    let look = || unsafe { core::ptr::from_ref(&words[0]).read_volatile() };

    let before = look();
    STAGE.store(1, Release);
    while STAGE.load(Acquire) != 2 {
        fsleep(Delta::from_millis(1));
    }
    Ok((before, look()))
}

pub(crate) fn stage() -> &'static Atomic<u32> {
    &STAGE
}

pub(crate) fn tallied() -> u32 {
    TALLY.load(Relaxed)
}

pub(crate) fn was_unlisted() -> u32 {
    UNLISTED.load(Relaxed)
}

pub(crate) fn refused() -> c_int {
    REFUSED.load(Relaxed)
}

pub(crate) fn close() {
    OPEN.store(false, Release);
}

pub(crate) fn open() {
    OPEN.store(true, Release);
}

pub(crate) fn is_parked() -> bool {
    PARKED.load(Acquire)
}
