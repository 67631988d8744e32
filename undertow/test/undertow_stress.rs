// SPDX-License-Identifier: GPL-2.0

//! All at once: calls, kills, restarts, regions that come and go, interrupts, moves between CPUs.
//!
//! `insmod undertow_stress.ko [seconds=N] [weaken=1]` prints:
//!
//!     UT-STRESS name=calls good=... dead=... busy=... wrong=...
//!     UT-STRESS name=regions given=... read=... denied=... missed=... wrong=...
//!     UT-STRESS name=lives kills=... restarts=... wrong=...
//!     UT-STRESS name=left stacks=... views=... regions=... runs=... frames=...
//!     UT-STRESS name=total seconds=... ticks=... moves=...
//!
//! `denied`: how often the compartment was stopped when it read what it was not given; `missed`: it
//! was dead or busy before it could read.

use kernel::{
    error::code,
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
    time::{
        delay::fsleep,
        Delta, //
    },
    undertow::{
        selftest::{
            leaks::Holdings,
            shake, //
        },
        Policy,
        Region, //
    },
    ThisModule, //
};

module! {
    type: Stress,
    name: "undertow_stress",
    authors: ["Undertow maintainers"],
    description: "All that can happen to compartments, at once",
    license: "GPL",
    params: {
        seconds: u32 {
            default: 10,
            description: "for how long",
        },
        period_ns: u32 {
            default: 400_000,
            description: "between two interrupts of a CPU, on average",
        },
        weaken: u32 {
            default: 0,
            description: "1: regions are not protected",
        },
    },
}

const PAGE: usize = 4096;
const SECRET: u64 = 0x5ec7_e700_0000_0000;
const ROUNDS: u64 = 500;
const THREADS: usize = 6;

undertow::compartment! {
    static STRESSED: Compartment = {
        name: c"stressed",
        stacks: 4,
        max_us: 5_000_000,
        on_fault: Kill,
    };
}

fn mixed(seed: u64, rounds: u64) -> u64 {
    (0..rounds).fold(seed, |word, _| {
        word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1)
    })
}

#[undertow::isolated(STRESSED)]
fn mix(seed: u64, rounds: u64) -> Result<u64> {
    let word = core::hint::black_box(seed);
    Ok((0..rounds).fold(word, |word, _| {
        word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1)
    }))
}

#[undertow::isolated(STRESSED)]
fn peek(at: usize) -> Result<u64> {
    // SAFETY: Not safe at all: a compartment may try.
    Ok(unsafe { (at as *const u64).read_volatile() })
}

static GOOD: Atomic<u64> = Atomic::new(0);
static DEAD: Atomic<u64> = Atomic::new(0);
static BUSY: Atomic<u64> = Atomic::new(0);
static WRONG: Atomic<u64> = Atomic::new(0);
static GIVEN: Atomic<u64> = Atomic::new(0);
static READ: Atomic<u64> = Atomic::new(0);
static DENIED: Atomic<u64> = Atomic::new(0);
static MISSED: Atomic<u64> = Atomic::new(0);
static REGION_WRONG: Atomic<u64> = Atomic::new(0);
static KILLS: Atomic<u64> = Atomic::new(0);
static RESTARTS: Atomic<u64> = Atomic::new(0);
static LIFE_WRONG: Atomic<u64> = Atomic::new(0);

/// Counts what should not be; says what it was for the first few.
fn wrong(counter: &Atomic<u64>, what: &CStr, got: Result<u64>) {
    if counter.fetch_add(1, Relaxed) < 5 {
        pr_info!("UT-WRONG {} got={:?}\n", what, got);
    }
}

fn calls(number: usize) {
    let mut seed = number as u64;
    while !shake::is_over() {
        seed = mixed(seed, 1);
        match mix(seed, ROUNDS) {
            Ok(word) if word == mixed(seed, ROUNDS) => GOOD.add(1, Relaxed),
            Err(code::ESHUTDOWN) => {
                DEAD.add(1, Relaxed);
                // Who restarts it wants a CPU, too.
                fsleep(Delta::from_micros(100));
            }
            Err(code::EAGAIN) => BUSY.add(1, Relaxed),
            got => wrong(&WRONG, c"call", got),
        }
    }
}

fn region(weaken: bool, word: u64, give: bool) -> Result {
    let mut region = Region::new(PAGE, Policy::KernelRw)?;
    region
        .bytes_mut()
        .and_then(|bytes| bytes.first_chunk_mut())
        .map(|first| *first = word.to_ne_bytes())
        .ok_or(EINVAL)?;
    if give {
        region.give_to(&STRESSED)?;
        GIVEN.add(1, Relaxed);
    }
    if !weaken {
        region.lock(c"stress")?;
    }
    match peek(region.as_ptr() as usize) {
        Ok(got) if give && got == word => READ.add(1, Relaxed),
        Err(code::EFAULT) if !give => DENIED.add(1, Relaxed),
        Err(code::ESHUTDOWN | code::EAGAIN) => MISSED.add(1, Relaxed),
        got => wrong(&REGION_WRONG, c"region", got),
    }
    Ok(())
}

fn regions(weaken: bool) {
    let mut number = 0;
    while !shake::is_over() {
        if let Err(error) = region(weaken, SECRET | number, number % 4 != 0) {
            wrong(&REGION_WRONG, c"region", Err(error));
        }
        number += 1;
        fsleep(Delta::from_micros(500));
    }
}

fn lives() {
    let mut dice = 1;
    while !shake::is_over() {
        dice = mixed(dice, 1);
        fsleep(Delta::from_micros(500 + (dice >> 51) as i64));
        // Dead already after a fault: killed once more, that is no error.
        match STRESSED.kill() {
            Ok(()) => KILLS.add(1, Relaxed),
            Err(error) => wrong(&LIFE_WRONG, c"kill", Err(error)),
        }
        match STRESSED.restart() {
            Ok(()) => RESTARTS.add(1, Relaxed),
            Err(error) => wrong(&LIFE_WRONG, c"restart", Err(error)),
        }
    }
}

fn work(number: usize) {
    match number {
        0 => lives(),
        1 => regions(module_parameters::weaken.value() == 1),
        _ => calls(number),
    }
}

struct Stress;

impl kernel::Module for Stress {
    fn init(module: &'static ThisModule) -> Result<Self> {
        let seconds = module_parameters::seconds.value();
        let period = module_parameters::period_ns.value();

        STRESSED.register(module)?;
        // What is touched for the first time takes memory that stays.
        shake::shake(work, THREADS, period, 2)?;
        let before = Holdings::now(&STRESSED)?;
        let shaken = shake::shake(work, THREADS, period, seconds)?;
        let left = Holdings::now(&STRESSED)?.since(&before);

        let of = |counter: &Atomic<u64>| counter.load(Relaxed);
        pr_info!(
            "UT-STRESS name=calls good={} dead={} busy={} wrong={}\n",
            of(&GOOD),
            of(&DEAD),
            of(&BUSY),
            of(&WRONG)
        );
        pr_info!(
            "UT-STRESS name=regions given={} read={} denied={} missed={} wrong={}\n",
            of(&GIVEN),
            of(&READ),
            of(&DENIED),
            of(&MISSED),
            of(&REGION_WRONG)
        );
        pr_info!(
            "UT-STRESS name=lives kills={} restarts={} wrong={}\n",
            of(&KILLS),
            of(&RESTARTS),
            of(&LIFE_WRONG)
        );
        pr_info!(
            "UT-STRESS name=left stacks={} views={} regions={} runs={} frames={}\n",
            left.stacks,
            left.views,
            left.regions,
            left.runs,
            left.frames
        );
        pr_info!(
            "UT-STRESS name=total seconds={} ticks={} moves={}\n",
            seconds,
            shaken.ticks,
            shaken.moves
        );
        Ok(Self)
    }
}
