// SPDX-License-Identifier: GPL-2.0

//! The cost table: one line `UT-COST name=value` for each figure, instructions where the TSC
//! counts them.

use kernel::{
    prelude::*,
    undertow::{
        selftest::{
            self,
            events::Storm,
            Bench,
            Unused,
            What, //
        },
        Policy,
        Region, //
    },
    ThisModule, //
};

module! {
    type: Costs,
    name: "undertow_bench",
    authors: ["Undertow maintainers"],
    description: "What crossings and violations cost",
    license: "GPL",
    params: {
        crossings: u64 {
            default: 1_000_000,
            description: "crossings in which VM exits are counted, a multiple of 1000",
        },
    },
}

core::arch::global_asm!(
    r#"
    .pushsection .text..undertow.entry.BENCH, "ax", @progbits
    .p2align 4
    .globl ut_bench_null
    .type ut_bench_null, @function
ut_bench_null:
    endbr64
    ret
    int3
    .size ut_bench_null, . - ut_bench_null

    .p2align 4
    .globl ut_bench_touch
    .type ut_bench_touch, @function
ut_bench_touch:
    endbr64
    lock or byte ptr [rdi], 0
    ret
    int3
    .size ut_bench_touch, . - ut_bench_touch

    # Goes round as often as the order says.
    .p2align 4
    .globl ut_bench_spin
    .type ut_bench_spin, @function
ut_bench_spin:
    endbr64
    mov     rcx, [rdi]
1:  dec     rcx
    jnz     1b
    ret
    int3
    .size ut_bench_spin, . - ut_bench_spin

    # Word 0 of the orders: a service without arguments.
    .p2align 4
    .globl ut_bench_service
    .type ut_bench_service, @function
ut_bench_service:
    endbr64
    mov     rax, rdi
    mov     rdi, [rax]
    lea     rsi, [rax + 8]
    mov     edx, 8
    jmp     undertow_service_call
    int3
    .size ut_bench_service, . - ut_bench_service
    .popsection
    "#
);

extern "C" {
    fn ut_bench_null(nothing: *mut u8);
    fn ut_bench_touch(target: *mut u8);
    fn ut_bench_spin(orders: *mut u8);
    fn ut_bench_service(orders: *mut u8);
}

/// What a service costs that does nothing.
#[undertow::service]
fn nothing() -> Result {
    Ok(())
}

undertow::compartment! {
    static BENCH: Compartment = {
        name: c"bench",
        stacks: 2,
        services: [nothing],
    };
}

const PAGE: usize = 4096;

struct Costs {
    _vault: Region,
}

/// Services from inside: what one costs, and its VM exits.
fn services(crossings: u64) -> Result {
    let mut call = BENCH.begin()?;
    let orders = call.alloc(16, 8)?.cast::<u64>().as_ptr();
    // SAFETY: `alloc` returned room for two words.
    unsafe { orders.write(core::ptr::from_ref(&nothing::SERVICE) as u64) };
    let mut bench = Bench::new(&call, ut_bench_null, core::ptr::null());
    let without = bench.run(What::Service);
    bench = Bench::new(&call, ut_bench_service, core::ptr::null());
    bench.set_arg(orders.cast());
    let with = bench.run(What::Service);
    print(c"service_call", with.saturating_sub(without))?;
    let (exits, tally) = bench.exits(What::Service, crossings);
    pr_info!("UT-COST services={}\n", crossings);
    pr_info!(
        "UT-COST services_failed={}\n",
        match tally.result {
            0 => tally.differing,
            _ => crossings - tally.differing,
        }
    );
    pr_info!("UT-COST service_exits={}\n", exits);
    Ok(())
}

/// What an interrupt costs that comes inside, and one that comes in view 0, beside what it interrupts:
/// instructions and VM exits.
fn events() -> Result {
    const CALLS: u64 = 40;
    const LOOPS: u64 = 400_000;

    let mut call = BENCH.begin()?;
    let orders = call.alloc(8, 8)?.cast::<u64>().as_ptr();
    // SAFETY: `alloc` returned room for a word.
    unsafe { orders.write(LOOPS) };
    let mut bench = Bench::new(&call, ut_bench_spin, core::ptr::null());
    let mut run = |loops, period_ns| -> Result<(u64, u64, u64)> {
        let mut storm = Storm {
            calls: CALLS,
            loops,
            period_ns,
            ..Storm::default()
        };
        let before = selftest::exits()?;
        bench.storm(orders.cast(), &mut storm)?;
        let after = selftest::exits()?;
        if storm.ended != 0 {
            return Err(EIO);
        }
        // What the host does for itself is not the event's.
        let exits = (after.0 - before.0) - (after.1 - before.1);
        Ok((storm.tsc, exits, storm.ticks))
    };
    for (name, exits_name, loops) in [
        (c"event_in_root", c"event_in_root_exits", LOOPS),
        (c"event_inside", c"event_inside_exits", 0),
    ] {
        let (quiet, quiet_exits, _) = run(loops, 0)?;
        let (busy, busy_exits, ticks) = run(loops, 200_000)?;
        if ticks == 0 {
            return Err(EIO);
        }
        print(name, 100 * busy.saturating_sub(quiet) / ticks)?;
        print(
            exits_name,
            100 * busy_exits.saturating_sub(quiet_exits) / ticks,
        )?;
    }
    Ok(())
}

/// What it costs to kill the compartment and to restart it.
fn lives() -> Result {
    let mut least = u64::MAX;
    for _ in 0..32 {
        let before = ticks();
        BENCH.kill()?;
        BENCH.restart()?;
        least = least.min(ticks() - before);
    }
    print(c"kill_restart", 100 * least)
}

fn print(name: &CStr, ticks: u64) -> Result {
    if ticks == 0 {
        pr_err!("{} does not come back\n", name);
        return Err(EIO);
    }
    pr_info!("UT-COST {}={}.{:02}\n", name, ticks / 100, ticks % 100);
    Ok(())
}

fn ticks() -> u64 {
    let (high, low): (u64, u64);
    // SAFETY: Reads a counter.
    unsafe { core::arch::asm!("lfence", "rdtsc", out("rdx") high, out("rax") low) };
    high << 32 | low
}

/// Returns the least ticks that a call with each of these takes.
fn least(targets: impl Iterator<Item = *mut u8>) -> Result<u64> {
    let mut least = u64::MAX;
    for target in targets {
        let mut call = BENCH.begin()?;
        let before = ticks();
        // SAFETY: The entry touches one byte, of memory that this module owns.
        unsafe { call.run(ut_bench_touch, target)? };
        least = least.min(ticks() - before);
    }
    Ok(least)
}

/// What it costs to be denied something inside, and to be lent something: by #VE, if the CPU delivers
/// it there, and by the host.
fn inside(view: u16) -> Result {
    const TIMES: u64 = 10_000;
    const PAGES: usize = 64;

    let mut key = Region::new(PAGE, Policy::KernelRw)?;
    key.lock(c"bench key")?;
    {
        let call = BENCH.begin()?;
        let mut bench = Bench::new(&call, ut_bench_touch, key.as_ptr());
        for (name, exits_name) in [
            (c"inside_deny", c"inside_deny_exits"),
            (c"inside_deny_by_host", c"inside_deny_by_host_exits"),
        ] {
            print(name, bench.run(What::Denied))?;
            let (exits, tally) = bench.exits(What::Denied, TIMES);
            if tally.result != EFAULT.to_errno().into() || tally.differing != 0 {
                return Err(EIO);
            }
            pr_info!("UT-COST {}={}\n", exits_name, exits / TIMES);
            // Without the mark for #VE from now on.
            selftest::set_rights(view, key.as_ptr() as usize, 1, 0)?;
        }
    }

    let mut loan = Region::new(PAGES * PAGE, Policy::KernelRw)?;
    loan.lend_to(&BENCH)?;
    loan.lock(c"bench loan")?;
    let pages = |first: usize| {
        let start = loan.as_ptr().cast_mut();
        (first..first + PAGES / 2).map(move |nr| start.wrapping_add(nr * PAGE))
    };
    let given = least(pages(0))?;
    let plain = least(pages(0))?;
    for page in pages(PAGES / 2) {
        selftest::set_rights(view, page as usize, 1, 0)?;
    }
    let by_host = least(pages(PAGES / 2))?;
    print(c"inside_grant", 100 * (given - plain))?;
    print(c"inside_grant_by_host", 100 * (by_host - plain))
}

impl kernel::Module for Costs {
    fn init(module: &'static ThisModule) -> Result<Self> {
        BENCH.register(module)?;
        let view = BENCH.view().ok_or(ENODEV)?;
        inside(view)?;
        events()?;
        lives()?;
        let call = BENCH.begin()?;

        let mut vault = Region::new(PAGE, Policy::KernelRw)?;
        vault.give_to(&BENCH)?;
        vault.lock(c"bench vault")?;

        let mut bench = Bench::new(&call, ut_bench_null, vault.as_ptr());
        for (name, what) in [
            (c"call", What::Call),
            (c"crossing", What::Crossing),
            (c"crossing_checked", What::Checked),
            (c"crossing_irqs_on", What::IrqsOn),
            (c"ve_round_trip", What::Ve),
        ] {
            print(name, bench.run(what))?;
        }
        // With another back end the gate in use is the one that asks the host, and VMFUNC is none.
        if selftest::has_vmfunc() {
            let ticks =
                selftest::with_unused(Unused::SwitchGate, view, || bench.run(What::Switch))?;
            print(c"hypercall_switch", ticks)?;
            let ticks = selftest::with_unused(Unused::Floor, view, || bench.run(What::Floor))?;
            print(c"floor", ticks)?;
        }

        let crossings = module_parameters::crossings.value();
        services(crossings / 10)?;
        let (exits, tally) = bench.exits(What::Crossing, crossings);
        let failed = match tally.result {
            0 => tally.differing,
            _ => crossings - tally.differing,
        };
        pr_info!("UT-COST crossings={}\n", crossings);
        pr_info!("UT-COST crossings_failed={}\n", failed);
        pr_info!("UT-COST crossing_exits={}\n", exits);
        pr_info!("UT-COST portions_repeated={}\n", tally.repeated);
        pr_info!(
            "UT-COST exits_per_million={}\n",
            exits * 1_000_000 / crossings.max(1)
        );
        Ok(Self { _vault: vault })
    }
}
