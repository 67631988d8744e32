// SPDX-License-Identifier: GPL-2.0

//! A campaign of faults in a compartment under load.
//!
//! `insmod undertow_campaign.ko [seed=N] [faults=N] [restarts=N] [callers=N] [weaken=N]` injects
//! faults one after the other, each followed by a restart and a call, while other threads make calls;
//! then it kills and restarts many times. It prints, with figures in ticks of the TSC:
//!
//!     UT-CAMPAIGN kind=... faults=... right=... back=... median=... worst=...
//!     UT-CAMPAIGN name=load good=... dead=... busy=... wrong=...
//!     UT-CAMPAIGN name=restarts times=... good=... median=... worst=...
//!     UT-CAMPAIGN name=left of=... stacks=... tables=... views=... regions=... runs=... frames=...
//!     UT-CAMPAIGN name=total seed=... faults=... right=... back=... intact=0|1 median=... worst=...
//!
//! `right`: the caller got the fault that this was to be; `back`: after a restart a call returned
//! what it should. `left` is what there was more of afterwards.

use kernel::{
    prelude::*,
    time::{
        delay::fsleep,
        Delta, //
    },
    undertow::{
        selftest::{
            self,
            events,
            leaks::Holdings, //
        },
        Compartment,
        Fault,
        Policy,
        Region, //
    },
    ThisModule, //
};

#[path = "campaign/entries.rs"]
mod entries;
#[path = "campaign/inject.rs"]
mod inject;
#[path = "campaign/load.rs"]
mod load;
#[path = "campaign/plan.rs"]
mod plan;

use inject::{
    compartment_of,
    inject,
    Victims,
    PATIENT,
    TARGET, //
};
use plan::{
    median_and_worst,
    Kind,
    Step, //
};

module! {
    type: Campaign,
    name: "undertow_campaign",
    authors: ["Undertow maintainers"],
    description: "Faults in a compartment under load",
    license: "GPL",
    params: {
        seed: u64 {
            default: 1,
            description: "what the order, the variants and the addresses depend on",
        },
        faults: u64 {
            default: 1000,
            description: "how many",
        },
        restarts: u64 {
            default: 10_000,
            description: "how many restarts without a fault",
        },
        callers: u32 {
            default: 2,
            description: "threads that make calls meanwhile",
        },
        weaken: u32 {
            default: 0,
            description: "1: kill does not reach those inside, 2: a frame is lost with each restart, 3: a stack at the end",
        },
    },
}

const PAGE: usize = 4096;

/// Faults that are not right and get a line of their own.
const LINES: u64 = 20;

/// What the faults of one kind came to.
#[derive(Default)]
struct Row {
    faults: u64,
    right: u64,
    back: u64,
    costs: KVec<u64>,
}

struct Campaign;

fn tsc() -> u64 {
    // SAFETY: Every CPU that this kernel runs on has it.
    unsafe { core::arch::x86_64::_rdtsc() }
}

fn weakened(how: u32) -> bool {
    module_parameters::weaken.value() == how
}

/// Returns whether a call into a compartment that has just been restarted works.
fn works(compartment: &Compartment) -> bool {
    if core::ptr::eq(compartment, &TARGET) {
        // The load may hold all stacks.
        loop {
            match load::call(tsc()) {
                Err(Fault::Busy) => fsleep(Delta::from_micros(200)),
                result => return result == Ok(true),
            }
        }
    }
    inject::run(&PATIENT, entries::ut_camp_work_PATIENT, [1, 0]) == Ok(1)
}

/// Restarts what a fault left behind. Returns whether all of it is as it should be.
fn recover(step: &Step) -> bool {
    let compartment = compartment_of(step);

    if Kind::kills(step.wanted) {
        if !matches!(compartment.begin(), Err(Fault::Dead)) {
            return false;
        }
    } else if compartment.kill().is_err() {
        return false;
    }
    compartment.restart().is_ok() && works(compartment)
}

/// Injects the faults; adds what came of them to the rows.
fn faults(
    seed: u64,
    numbers: core::ops::Range<u64>,
    victims: &Victims,
    rows: &mut [Row],
) -> Result {
    let mut lines = 0;
    for number in numbers {
        let step = plan::step(seed, number);
        let row = &mut rows[step.kind as usize];
        let seen = inject(&step, victims)?;
        let start = tsc();
        let back = recover(&step);
        let cost = tsc() - start;
        let right = seen.got == step.wanted;

        row.faults += 1;
        row.right += u64::from(right);
        row.back += u64::from(back);
        row.costs.push(cost, GFP_KERNEL)?;
        if !(right && back) {
            lines += 1;
            if lines <= LINES {
                pr_info!(
                    "UT-WRONG number={} back={} step={:?} got={:?} at={:x?}\n",
                    number,
                    back,
                    step,
                    seen.got,
                    seen.at
                );
            }
            // Whatever it was, the next one needs a living compartment.
            for compartment in [&TARGET, &PATIENT] {
                let _ = compartment.kill();
                compartment.restart()?;
            }
        }
    }
    Ok(())
}

/// Kills and restarts; returns how often a call got the right answer before and after.
fn restarts(times: u64, costs: &mut KVec<u64>) -> Result<u64> {
    let mut good = 0;
    costs.reserve(times as usize, GFP_KERNEL)?;
    for number in 0..times {
        let start = tsc();
        TARGET.kill()?;
        let dead = matches!(load::call(number), Err(Fault::Dead));
        TARGET.restart()?;
        let alive = load::call(number) == Ok(true);
        costs.push(tsc() - start, GFP_KERNEL)?;
        good += u64::from(dead && alive);
        if weakened(2) {
            core::mem::forget(Region::new(PAGE, Policy::KernelRw)?);
        }
    }
    Ok(good)
}

fn report_left(of: &str, before: &Holdings) -> Result {
    let left = Holdings::now(&TARGET)?.since(before);
    pr_info!(
        "UT-CAMPAIGN name=left of={} stacks={} tables={} views={} regions={} runs={} frames={}\n",
        of,
        left.stacks,
        left.tables,
        left.views,
        left.regions,
        left.runs,
        left.frames
    );
    Ok(())
}

/// Prints a line for each kind. Returns the sums, and all costs.
fn report_rows(rows: &mut [Row], all: &mut KVec<u64>) -> Result<(u64, u64, u64)> {
    let mut sums = (0, 0, 0);
    for (kind, row) in Kind::ALL.iter().zip(rows) {
        let (median, worst) = median_and_worst(&mut row.costs);
        pr_info!(
            "UT-CAMPAIGN kind={} faults={} right={} back={} median={} worst={}\n",
            kind.name(),
            row.faults,
            row.right,
            row.back,
            median,
            worst
        );
        sums = (sums.0 + row.faults, sums.1 + row.right, sums.2 + row.back);
        all.extend_from_slice(&row.costs, GFP_KERNEL)?;
    }
    Ok(sums)
}

fn run(victims: &Victims) -> Result {
    /// Rounds before anything is counted: the host maps what had not been touched so far.
    const WARM_UP: u64 = 12 * Kind::ALL.len() as u64;

    let seed = module_parameters::seed.value();
    let count = module_parameters::faults.value();
    let callers = module_parameters::callers.value();
    let mut rows = KVec::new();
    for _ in Kind::ALL {
        rows.push(Row::default(), GFP_KERNEL)?;
    }

    load::start(callers, seed)?;
    let result = faults(seed, 0..count.min(WARM_UP), victims, &mut rows);
    load::stop();
    result?;
    let before = Holdings::now(&TARGET)?;

    load::start(callers, seed)?;
    let result = faults(seed, count.min(WARM_UP)..count, victims, &mut rows);
    let met = load::stop();
    result?;
    report_left("faults", &before)?;

    let times = module_parameters::restarts.value();
    let mut costs = KVec::with_capacity(times as usize, GFP_KERNEL)?;
    let before = Holdings::now(&TARGET)?;
    let good = restarts(times, &mut costs)?;
    let kept = weakened(3).then(|| TARGET.begin());
    report_left("restarts", &before)?;
    drop(kept);

    let (median, worst) = median_and_worst(&mut costs);
    pr_info!(
        "UT-CAMPAIGN name=restarts times={} good={} median={} worst={}\n",
        times,
        good,
        median,
        worst
    );
    pr_info!(
        "UT-CAMPAIGN name=load good={} dead={} busy={} wrong={}\n",
        met.good,
        met.dead,
        met.busy,
        met.wrong
    );
    let mut all = KVec::new();
    let (faults, right, back) = report_rows(&mut rows, &mut all)?;
    let (median, worst) = median_and_worst(&mut all);
    pr_info!(
        "UT-CAMPAIGN name=total seed={} faults={} right={} back={} intact={} median={} worst={}\n",
        seed,
        faults,
        right,
        back,
        u8::from(victims.are_whole()),
        median,
        worst
    );
    Ok(())
}

impl kernel::Module for Campaign {
    fn init(module: &'static ThisModule) -> Result<Self> {
        // One of the faults is a switch that the scan would have found.
        selftest::poke(
            (&raw const entries::ut_camp_gap) as usize,
            &selftest::switch().insn,
        )?;
        selftest::set_scan(false);
        let registered = TARGET.register(module);
        selftest::set_scan(true);
        registered?;
        PATIENT.register(module)?;

        let mut key = Region::new(PAGE, Policy::KernelRw)?;
        key.lock(c"key")?;
        let victims = Victims::new(key)?;

        events::set_kill(!weakened(1));
        let result = run(&victims);
        load::stop();
        events::set_kill(true);
        result.map(|()| Self)
    }
}
