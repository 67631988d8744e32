// SPDX-License-Identifier: GPL-2.0

//! Compartments that are killed and restarted.
//!
//! `insmod undertow_kill.ko test=N [weaken=1]` prints one line:
//!
//!     UT-KILL name=... during=... after=... again=... done=... stacks=... pages=...
//!
//! with the errors of the call that was inside, of the next one and of one after the restart, how
//! many calls came to their end, and what was left behind.

use core::ffi::c_int;
use kernel::{
    interrupt::local_interrupt_disable,
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
    undertow::{
        compartment::{
            Call,
            Entry, //
        },
        selftest::events,
        Compartment, //
    },
    workqueue,
    ThisModule, //
};

module! {
    type: Kills,
    name: "undertow_kill",
    authors: ["Undertow maintainers"],
    description: "Compartments that are killed and restarted",
    license: "GPL",
    params: {
        test: u32 {
            default: 0,
            description: "0 kill calls in flight, 1 restarts, 2 on_fault, 3 wipe, 4 seal",
        },
        weaken: u32 {
            default: 0,
            description: "1: switch off what is tested",
        },
        times: u64 {
            default: 1000,
            description: "how many restarts",
        },
        loops: u64 {
            default: 20_000_000,
            description: "how long the call in flight takes",
        },
        irqs_off: u32 {
            default: 0,
            description: "1: make it with interrupts off",
        },
    },
}

// Words of the orders: [0] how often to go round, [1] 1 at the end.
core::arch::global_asm!(
    r#"
    .macro UT_KILL_TEXT name
    .pushsection .text..undertow.entry.\name, "ax", @progbits
    .p2align 4
    .globl ut_kill_work_\name
    .type ut_kill_work_\name, @function
ut_kill_work_\name:
    endbr64
    movq    (%rdi), %rcx
1:  decq    %rcx
    jnz     1b
    incq    8(%rdi)
    ret
    int3
    .size ut_kill_work_\name, . - ut_kill_work_\name

    .p2align 4
    .globl ut_kill_fault_\name
    .type ut_kill_fault_\name, @function
ut_kill_fault_\name:
    endbr64
    ud2
    int3
    .size ut_kill_fault_\name, . - ut_kill_fault_\name

    // Says what stands below the stack, and leaves a mark there.
    .p2align 4
    .globl ut_kill_mark_\name
    .type ut_kill_mark_\name, @function
ut_kill_mark_\name:
    endbr64
    movq    -1024(%rsp), %rax
    movq    %rax, 8(%rdi)
    movq    $0x7ea50f, -1024(%rsp)
    ret
    int3
    .size ut_kill_mark_\name, . - ut_kill_mark_\name
    .popsection
    .endm
    UT_KILL_TEXT MORTAL
    UT_KILL_TEXT FRAIL
    UT_KILL_TEXT BURIED
    "#,
    options(att_syntax)
);

extern "C" {
    fn ut_kill_work_MORTAL(orders: *mut u8);
    fn ut_kill_work_FRAIL(orders: *mut u8);
    fn ut_kill_work_BURIED(orders: *mut u8);
    fn ut_kill_mark_MORTAL(orders: *mut u8);
    fn ut_kill_fault_MORTAL(orders: *mut u8);
    fn ut_kill_fault_FRAIL(orders: *mut u8);
}

undertow::compartment! {
    static MORTAL: Compartment = {
        name: c"mortal",
        stacks: 2,
        max_us: 0,
    };
}

undertow::compartment! {
    static FRAIL: Compartment = {
        name: c"frail",
        stacks: 1,
        on_fault: Kill,
    };
}

undertow::compartment! {
    static BURIED: Compartment = {
        name: c"buried",
        stacks: 1,
    };
}

/// What the thread whose call is killed says: 1, or its errno, at its end.
static RESULT: Atomic<c_int> = Atomic::new(1);
static ENDS: Atomic<c_int> = Atomic::new(0);

struct Kills;

fn tsc() -> u64 {
    // SAFETY: Every CPU that this kernel runs on has it.
    unsafe { core::arch::x86_64::_rdtsc() }
}

fn errno(result: Result) -> c_int {
    result.map_or_else(|error| error.to_errno(), |()| 0)
}

/// Runs a call to its end. Returns what it left in its orders.
fn run(call: &mut Call, entry: Entry, loops: u64) -> Result<u64> {
    let orders = call.alloc(size_of::<[u64; 2]>(), 8)?.cast::<u64>();
    // SAFETY: `alloc` returned room for two words, zeroed; the entries take such orders.
    unsafe {
        orders.write(loops);
        call.run(entry, orders.as_ptr().cast())?;
        Ok(orders.add(1).read_volatile())
    }
}

fn call(compartment: &'static Compartment, entry: Entry, loops: u64) -> Result {
    if run(&mut compartment.begin()?, entry, loops)? == 1 {
        Ok(())
    } else {
        Err(EIO)
    }
}

fn short() -> Result {
    call(&MORTAL, ut_kill_work_MORTAL, 100)
}

/// What could leak: stacks in use, and table pages of the compartment's view.
fn left(compartment: &Compartment) -> Result<(u32, u64)> {
    Ok((
        events::stacks_in_use(compartment),
        events::table_pages(compartment.view().ok_or(ENODEV)?)?,
    ))
}

/// Waits without sleeping: the timer that would end the sleep may be held off.
fn spin(ticks: u64) {
    let start = tsc();
    while tsc() - start < ticks {
        core::hint::spin_loop();
    }
}

/// Kills a compartment with calls inside, made by other threads.
fn in_flight(irqs_off: bool) -> Result {
    let loops = module_parameters::loops.value();
    let threads = if irqs_off { 1 } else { 2 };

    ENDS.store(0, Relaxed);
    for _ in 0..threads {
        workqueue::system_unbound().try_spawn(GFP_KERNEL, move || {
            let guard = irqs_off.then(local_interrupt_disable);
            let result = call(&MORTAL, ut_kill_work_MORTAL, loops);
            drop(guard);
            RESULT.store(errno(result), Relaxed);
            ENDS.fetch_add(1, Release);
        })?;
    }
    if irqs_off {
        while events::stacks_in_use(&MORTAL) == 0 {
            core::hint::spin_loop();
        }
        spin(1_000_000);
    } else {
        while events::stacks_in_use(&MORTAL) == 0 {
            fsleep(Delta::from_millis(1));
        }
        fsleep(Delta::from_millis(20));
    }
    let early = ENDS.load(Acquire);
    let killed = errno(MORTAL.kill());
    let after = errno(short());
    while ENDS.load(Acquire) != threads {
        fsleep(Delta::from_millis(1));
    }
    let restarted = errno(MORTAL.restart());
    pr_info!(
        "UT-KILL name=in_flight irqs_off={} early={} killed={} during={} after={} restarted={} again={}\n",
        u8::from(irqs_off),
        early,
        killed,
        RESULT.load(Relaxed),
        after,
        restarted,
        errno(short())
    );
    Ok(())
}

/// Kills and restarts many times; nothing may be left behind.
fn restarts(times: u64) -> Result {
    // The first time the host makes tables for what it had not mapped so far.
    MORTAL.kill()?;
    MORTAL.restart()?;
    short()?;
    let before = left(&MORTAL)?;
    let (mut good, mut worst, mut sum) = (0, 0, 0);
    for _ in 0..times {
        let start = tsc();
        MORTAL.kill()?;
        let is_dead = errno(short()) == ESHUTDOWN.to_errno();
        MORTAL.restart()?;
        let ticks = tsc() - start;
        worst = worst.max(ticks);
        sum += ticks;
        good += u64::from(is_dead && short().is_ok());
    }
    let after = left(&MORTAL)?;
    pr_info!(
        "UT-KILL name=restarts times={} good={} stacks={} pages={} mean={} worst={}\n",
        times,
        good,
        after.0,
        after.1 as i64 - before.1 as i64,
        sum / times.max(1),
        worst
    );
    Ok(())
}

/// A fault kills the one that asked for it, and not the other.
fn on_fault() -> Result {
    let frail = || call(&FRAIL, ut_kill_work_FRAIL, 100);
    let during = errno(call(&FRAIL, ut_kill_fault_FRAIL, 0));
    let after = errno(frail());
    FRAIL.restart()?;
    let other = errno(call(&MORTAL, ut_kill_fault_MORTAL, 0));
    pr_info!(
        "UT-KILL name=on_fault during={} after={} again={} other={} other_after={}\n",
        during,
        after,
        errno(frail()),
        other,
        errno(short())
    );
    Ok(())
}

/// What one life wrote on its stack, the next one does not find.
fn wipe() -> Result {
    let found = || run(&mut MORTAL.begin()?, ut_kill_mark_MORTAL, 0);

    let (first, kept) = (found()?, found()?);
    MORTAL.kill()?;
    MORTAL.restart()?;
    pr_info!(
        "UT-KILL name=wipe first={:#x} kept={:#x} wiped={:#x}\n",
        first,
        kept,
        found()?
    );
    Ok(())
}

/// A call that was begun before the kill and starts after it. Returns its error, and how often the
/// work was done.
fn begun_before() -> Result<(c_int, u64)> {
    let mut call = MORTAL.begin()?;
    let orders = call.alloc(size_of::<[u64; 2]>(), 8)?.cast::<u64>();
    MORTAL.kill()?;
    // SAFETY: As in `run`.
    let (result, done) = unsafe {
        orders.write(100);
        let result = call.run(ut_kill_work_MORTAL, orders.as_ptr().cast());
        (result, orders.add(1).read_volatile())
    };
    drop(call);
    MORTAL.restart()?;
    Ok((errno(result.map_err(Error::from)), done))
}

/// Once the system is sealed no right comes back. What was killed before stays dead, and the rest
/// can be killed and restarted as ever.
fn sealed(times: u64) -> Result {
    BURIED.kill()?;
    events::seal()?;
    pr_info!(
        "UT-KILL name=before restarted={} again={}\n",
        errno(BURIED.restart()),
        errno(call(&BURIED, ut_kill_work_BURIED, 100))
    );
    on_fault()?;
    in_flight(false)?;
    if kernel::cpu::nr_cpu_ids() > 1 {
        in_flight(true)?;
    }
    events::set_kill(false);
    let result = in_flight(false).and_then(|()| begun_before());
    events::set_kill(true);
    let (weak, weak_done) = result?;
    let (during, done) = begun_before()?;
    pr_info!(
        "UT-KILL name=begun during={} done={} weak={} weak_done={}\n",
        during,
        done,
        weak,
        weak_done
    );
    restarts(times)
}

impl kernel::Module for Kills {
    fn init(module: &'static ThisModule) -> Result<Self> {
        MORTAL.register(module)?;
        FRAIL.register(module)?;
        BURIED.register(module)?;

        events::set_kill(module_parameters::weaken.value() == 0);
        let result = match module_parameters::test.value() {
            0 => in_flight(module_parameters::irqs_off.value() != 0),
            1 => restarts(module_parameters::times.value()),
            2 => on_fault(),
            3 => wipe(),
            4 => sealed(module_parameters::times.value()),
            _ => Err(EINVAL),
        };
        events::set_kill(true);
        result.map(|()| Self)
    }
}
