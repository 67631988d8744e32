// SPDX-License-Identifier: GPL-2.0

//! Threads under interrupts that come at any moment, and moves to another CPU.

use crate::{
    bindings,
    error::to_result,
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub struct Shaken {
    /// Interrupts of the timers.
    pub ticks: u64,
    /// Moves of a thread to another CPU.
    pub moves: u64,
}

/// Returns whether a thread of [`shake`] has to come to its end.
pub fn is_over() -> bool {
    // SAFETY: Called by a kernel thread; in another one it answers no.
    unsafe { bindings::kthread_should_stop() }
}

/// Runs `threads` threads for so many seconds, each of which calls `work` with its number. They
/// are interrupted every `period_ns` on average. May sleep.
///
/// `work` returns soon after [`is_over`] is true.
///
/// # Errors
///
/// - `EINVAL` for none or more than eight threads, or no period.
/// - `ENOMEM`, `EINTR` when a thread could not be created.
pub fn shake(work: fn(usize), threads: usize, period_ns: u32, seconds: u32) -> Result<Shaken> {
    static WORK: Atomic<usize> = Atomic::new(0);

    extern "C" fn run(number: *mut c_void) -> c_int {
        let work = WORK.load(Relaxed);
        // SAFETY: `shake` stored such a function before it started this thread, and waits for it.
        let work = unsafe { core::mem::transmute::<usize, fn(usize)>(work) };
        work(number as usize);
        0
    }

    WORK.store(work as usize, Relaxed);
    let mut shake = bindings::undertow_shake::default();
    // SAFETY: `run` takes a number, and returns when the thread is told to stop.
    to_result(unsafe {
        bindings::undertow_selftest_shake(Some(run), threads, period_ns, seconds, &mut shake)
    })?;
    Ok(Shaken {
        ticks: shake.ticks,
        moves: shake.moves,
    })
}
