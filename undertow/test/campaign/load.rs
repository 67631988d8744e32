// SPDX-License-Identifier: GPL-2.0

//! Callers that have nothing to do with the faults: each call returns the right value, or is told
//! that the compartment is dead or busy.

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
    undertow::Fault,
    workqueue, //
};

use super::{
    entries::*,
    inject::{
        run,
        TARGET, //
    }, //
};

/// Rounds of the generator in one call.
const ROUNDS: u64 = 2000;
/// Calls between two breaks.
const BURST: u64 = 8;

static STOP: Atomic<bool> = Atomic::new(false);
static RUNNING: Atomic<u32> = Atomic::new(0);
static GOOD: Atomic<u64> = Atomic::new(0);
static DEAD: Atomic<u64> = Atomic::new(0);
static BUSY: Atomic<u64> = Atomic::new(0);
static WRONG: Atomic<u64> = Atomic::new(0);

/// What the callers met.
pub(crate) struct Met {
    pub(crate) good: u64,
    pub(crate) dead: u64,
    pub(crate) busy: u64,
    pub(crate) wrong: u64,
}

/// Returns what the compartment has to return.
fn expected(seed: u64) -> u64 {
    (0..ROUNDS).fold(seed, |word, _| {
        word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1)
    })
}

/// Makes one call; returns whether its value was right.
pub(crate) fn call(seed: u64) -> Result<bool, Fault> {
    let got = run(&TARGET, ut_camp_work_TARGET, [ROUNDS, seed])?;
    Ok(got == expected(seed))
}

fn work(mut seed: u64) {
    while !STOP.load(Acquire) {
        for _ in 0..BURST {
            match call(seed) {
                Ok(true) => GOOD.add(1, Relaxed),
                Err(Fault::Dead) => DEAD.add(1, Relaxed),
                Err(Fault::Busy) => BUSY.add(1, Relaxed),
                result => {
                    if WRONG.fetch_add(1, Relaxed) == 0 {
                        pr_info!("UT-WRONG load got={:?}\n", result);
                    }
                }
            }
            seed = seed.wrapping_add(1);
        }
        fsleep(Delta::from_millis(1));
    }
    RUNNING.fetch_sub(1, Release);
}

/// Starts so many callers.
pub(crate) fn start(callers: u32, seed: u64) -> Result {
    STOP.store(false, Release);
    for counter in [&GOOD, &DEAD, &BUSY, &WRONG] {
        counter.store(0, Relaxed);
    }
    for number in 0..callers {
        RUNNING.fetch_add(1, Relaxed);
        let seed = seed.wrapping_add(u64::from(number) << 32);
        if let Err(error) = workqueue::system_unbound().try_spawn(GFP_KERNEL, move || work(seed)) {
            RUNNING.fetch_sub(1, Release);
            stop();
            return Err(error.into());
        }
    }
    Ok(())
}

/// Stops them; waits for the last one.
pub(crate) fn stop() -> Met {
    STOP.store(true, Release);
    while RUNNING.load(Acquire) != 0 {
        fsleep(Delta::from_millis(1));
    }
    Met {
        good: GOOD.load(Relaxed),
        dead: DEAD.load(Relaxed),
        busy: BUSY.load(Relaxed),
        wrong: WRONG.load(Relaxed),
    }
}
