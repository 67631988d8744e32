// SPDX-License-Identifier: GPL-2.0

//! Services: what compartments may ask view 0 for, and what becomes of those that ask for more.
//!
//! `insmod undertow_service.ko test=N [weaken=N]` prints one line:
//!
//!     UT-SERVICE name=...
//!
//! with the figures of that test. `weaken`: 1 the list, 2 the bounds, 3 the copy, 4 the kill is off.

use core::ffi::c_int;
use kernel::{
    interrupt::local_interrupt_disable,
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Relaxed,
            Release, //
        },
        rcu, //
    },
    time::{
        delay::fsleep,
        Delta, //
    },
    undertow::{
        selftest::{
            events,
            services, //
        },
        Compartment,
        Fault, //
    },
    workqueue,
    ThisModule, //
};

#[path = "service/hostile.rs"]
mod hostile;
#[path = "service/offer.rs"]
mod offer;

use offer::{
    add,
    flip,
    nap,
    park,
    tally,
    visit,
    watch, //
};

module! {
    type: Services,
    name: "undertow_service",
    authors: ["Undertow maintainers"],
    description: "Services for compartments",
    license: "GPL",
    params: {
        test: u32 {
            default: 0,
            description: "0 values, 1 depth, 2 sleep, 3 atomic, 4 kill, 5 deadline, 6 restart, 7 wrong requests, 8 wrong blocks, 9 changed meanwhile, 10 many, 11 under fire",
        },
        weaken: u32 {
            default: 0,
            description: "1 no list, 2 no bounds, 3 no copy, 4 no kill",
        },
        times: u64 {
            default: 1000,
            description: "how many calls in test 10",
        },
    },
}

undertow::compartment! {
    pub(crate) static ASKER: Compartment = {
        name: c"asker",
        stacks: 8,
        max_us: 0,
        services: [add, flip, nap, park, tally, offer::tear, visit, watch],
    };
}

undertow::compartment! {
    static OTHER: Compartment = {
        name: c"other",
        stacks: 4,
        services: [visit],
    };
}

undertow::compartment! {
    static HASTY: Compartment = {
        name: c"hasty",
        stacks: 1,
        max_us: 50_000,
        on_fault: Kill,
        services: [add, nap, tally],
    };
}

#[undertow::isolated(ASKER)]
fn sum(left: u64, right: u64) -> Result<u64> {
    add(left, right)
}

/// Has a service fill a slice from another one.
#[undertow::isolated(ASKER)]
fn flipped(words: &[u32], out: &mut [u32]) -> Result<usize> {
    flip(words, out)
}

/// Goes so far down as it may. Returns how far, and the error there.
#[undertow::isolated(ASKER)]
fn down_here(left: u32) -> Result<(u32, i32)> {
    Ok(down(left))
}

#[undertow::isolated(OTHER)]
fn down_there(left: u32) -> Result<(u32, i32)> {
    Ok(down(left))
}

fn down(left: u32) -> (u32, i32) {
    if left == 0 {
        return (0, 0);
    }
    match visit(left - 1) {
        Ok((far, error)) => (far + 1, error),
        Err(error) => (0, error.to_errno()),
    }
}

/// Sleeps, then asks for something else. Returns the CPUs before and after, and the sum.
#[undertow::isolated(ASKER)]
fn slept(ms: u32, value: u64) -> Result<(u32, u32, u64)> {
    let on_stack = [value; 8];
    let (from, to) = nap(ms)?;
    Ok((from, to, add(on_stack[3], on_stack[7])?))
}

/// As `slept`, where there is a deadline.
#[undertow::isolated(HASTY)]
fn hasty(ms: u32) -> Result<(u32, u32)> {
    let cpus = nap(ms)?;
    tally()?;
    Ok(cpus)
}

#[undertow::isolated(HASTY)]
fn hasty_sum(left: u64, right: u64) -> Result<u64> {
    add(left, right)
}

/// Waits in a service, then asks for another one.
#[undertow::isolated(ASKER)]
fn parked() -> Result<u32> {
    park()?;
    tally()
}

#[undertow::isolated(ASKER)]
fn restart_me() -> Result<i32> {
    watch(0)
}

fn errno<T>(result: Result<T>) -> c_int {
    result.map_or_else(|error| error.to_errno(), |_| 0)
}

fn weakened(how: u32) -> bool {
    module_parameters::weaken.value() == how
}

fn works() -> c_int {
    match sum(40, 2) {
        Ok(42) => 0,
        Ok(_) => 1,
        Err(error) => error.to_errno(),
    }
}

fn stacks() -> u32 {
    [&ASKER, &OTHER, &HASTY]
        .into_iter()
        .map(|it: &Compartment| events::stacks_in_use(it))
        .sum()
}

/// Values and slices go out and come back; from outside a service is a function.
fn values() -> Result {
    let mut out = [7; 4];
    let len = flipped(&[1, 2, 3], &mut out)?;
    let mut short = [7; 2];
    let too_short = errno(flipped(&[1, 2, 3], &mut short));
    let mut long = [0; 100];
    let too_big = errno(flipped(&[9; 100], &mut long));
    pr_info!(
        "UT-SERVICE name=values sum={:#x} len={} out={}{}{}{} short={} big={} outside={} served={}\n",
        sum(0xffff_ffff_0000_0000, 0xffff_ffff)?,
        len,
        out[0],
        out[1],
        out[2],
        out[3],
        too_short,
        too_big,
        add(2, 3)?,
        ASKER.served()
    );
    Ok(())
}

/// From one compartment to the other and back.
fn depth() -> Result {
    let (round, round_error) = down_here(2)?;
    let (far, error) = down_here(20)?;
    pr_info!(
        "UT-SERVICE name=depth round={} round_error={} far={} error={} works={} stacks={}\n",
        round,
        round_error,
        far,
        error,
        works(),
        stacks()
    );
    Ok(())
}

fn sleep() -> Result {
    let (mut good, mut moved) = (0, 0);
    for value in 0..20 {
        let (from, to, sum) = slept(1, value)?;
        good += u32::from(sum == 2 * value);
        moved += u32::from(from != to);
    }
    pr_info!(
        "UT-SERVICE name=sleep good={} moved={} stacks={}\n",
        good,
        moved,
        stacks()
    );
    Ok(())
}

/// A service that sleeps, asked for where the caller may not.
fn atomic() -> Result {
    let irqs_off = {
        let _guard = local_interrupt_disable();
        (errno(slept(1, 1)), works())
    };
    let in_rcu = {
        let _guard = rcu::read_lock();
        (errno(slept(1, 1)), works())
    };
    pr_info!(
        "UT-SERVICE name=atomic irqs_off={} works={} rcu={} works={} else={} stacks={}\n",
        irqs_off.0,
        irqs_off.1,
        in_rcu.0,
        in_rcu.1,
        errno(slept(1, 1)),
        stacks()
    );
    Ok(())
}

/// What the thread got whose call waits in a service: 1 as long as it does.
static RESULT: Atomic<c_int> = Atomic::new(1);
static RESTARTED: Atomic<c_int> = Atomic::new(1);

/// A compartment is killed while its service runs.
fn kill() -> Result {
    let tallied = offer::tallied();
    RESULT.store(1, Relaxed);
    RESTARTED.store(1, Relaxed);
    offer::close();
    workqueue::system_unbound().try_spawn(GFP_KERNEL, || {
        RESULT.store(errno(parked()), Release);
    })?;
    while !offer::is_parked() {
        fsleep(Delta::from_millis(1));
    }
    ASKER.kill()?;
    let meanwhile = errno(sum(1, 2));
    workqueue::system_unbound().try_spawn(GFP_KERNEL, || {
        RESTARTED.store(errno(ASKER.restart()), Release);
    })?;
    fsleep(Delta::from_millis(20));
    let early = (RESULT.load(Acquire), RESTARTED.load(Acquire));
    offer::open();
    while RESULT.load(Acquire) == 1 || RESTARTED.load(Acquire) == 1 {
        fsleep(Delta::from_millis(1));
    }
    pr_info!(
        "UT-SERVICE name=kill meanwhile={} early={},{} result={} more={} restarted={} works={} stacks={}\n",
        meanwhile,
        early.0,
        early.1,
        RESULT.load(Relaxed),
        offer::tallied() - tallied,
        RESTARTED.load(Relaxed),
        works(),
        stacks()
    );
    Ok(())
}

/// The time in a service counts.
fn deadline() -> Result {
    let tallied = offer::tallied();
    let short = errno(hasty(1));
    let more = offer::tallied() - tallied;
    let late = errno(hasty(120));
    let dead = errno(hasty_sum(1, 2));
    HASTY.restart()?;
    pr_info!(
        "UT-SERVICE name=deadline short={} more={} late={} more={} dead={} again={} stacks={}\n",
        short,
        more,
        late,
        offer::tallied() - tallied - more,
        dead,
        errno(hasty_sum(1, 2)),
        stacks()
    );
    Ok(())
}

/// A service can't restart who waits for it.
fn restart() -> Result {
    let got = restart_me();
    pr_info!(
        "UT-SERVICE name=restart call={} inside={} dead={} restarted={} works={} stacks={}\n",
        errno(got),
        offer::refused(),
        errno(sum(1, 2)),
        errno(ASKER.restart()),
        works(),
        stacks()
    );
    Ok(())
}

/// Nothing is left behind by many calls, good and bad.
fn many(times: u64) -> Result {
    let (mut good, mut bad) = (0, 0);
    for number in 0..times {
        good += u64::from(sum(number, 1) == Ok(number + 1));
        bad += u64::from(matches!(hostile::denied(number), Err(Fault::Denied(_))));
    }
    let (calls, faults) = ASKER.statistics();
    pr_info!(
        "UT-SERVICE name=many times={} good={} bad={} calls={} faults={} served={} stacks={}\n",
        times,
        good,
        bad,
        calls,
        faults,
        ASKER.served(),
        stacks()
    );
    Ok(())
}

struct Services;

impl kernel::Module for Services {
    fn init(module: &'static ThisModule) -> Result<Self> {
        ASKER.register(module)?;
        OTHER.register(module)?;
        HASTY.register(module)?;

        services::set_list(!weakened(1));
        services::set_bounds(!weakened(2));
        services::set_copy(!weakened(3));
        events::set_kill(!weakened(4));
        let result = match module_parameters::test.value() {
            0 => values(),
            1 => depth(),
            2 => sleep(),
            3 => atomic(),
            4 => kill(),
            5 => deadline(),
            6 => restart(),
            7 => hostile::requests(),
            8 => hostile::blocks(),
            9 => hostile::changed(),
            11 => hostile::storm(),
            10 => many(module_parameters::times.value()),
            _ => Err(EINVAL),
        };
        services::set_list(true);
        services::set_bounds(true);
        services::set_copy(true);
        events::set_kill(true);
        result.map(|()| Self)
    }
}
