// SPDX-License-Identifier: GPL-2.0

//! Attacks on memory and registers that belong to others.

use kernel::{
    prelude::*,
    undertow::{
        selftest::{
            self,
            Bench,
            What, //
        },
        Policy,
        Region, //
    }, //
};

use super::{
    entries::*,
    run,
    Outcome,
    ATTACK,
    PAGE,
    SECRET, //
};

const READ: u8 = 1;
const READ_WRITE: u8 = 3;

/// Reads a key in a `KernelRw` region.
pub(super) fn read_key(key: &Region, weaken: bool) -> Result<Outcome> {
    if weaken {
        let view = ATTACK.view().ok_or(ENODEV)?;
        selftest::set_rights(view, key.as_ptr() as usize, PAGE, READ)?;
    }
    let (error, got) = run(ut_attack_read, [key.as_ptr() as u64, 0, 0, 0, 0])?;
    Ok(Outcome {
        disclosed: got == SECRET,
        ..Outcome::new(c"read", error)
    })
}

/// Writes ordinary kernel memory.
pub(super) fn write_kernel(weaken: bool) -> Result<Outcome> {
    let page = KBox::new([SECRET; 2 * PAGE / 8], GFP_KERNEL)?;
    let target = (page.as_ptr() as usize).next_multiple_of(PAGE);

    if weaken {
        let view = ATTACK.view().ok_or(ENODEV)?;
        selftest::set_rights(view, target, 8, READ_WRITE)?;
    }
    let (error, _) = run(ut_attack_write, [target as u64, !SECRET, 0, 0, 0])?;
    // SAFETY: Within `page`, aligned to a page.
    let now = unsafe { (target as *const u64).read_volatile() };
    if weaken {
        selftest::set_rights(ATTACK.view().ok_or(ENODEV)?, target, 8, READ)?;
    }
    Ok(Outcome {
        intact: now == SECRET,
        ..Outcome::new(c"write", error)
    })
}

/// The vector registers still hold what the last user of the FPU had in them.
pub(super) fn read_fpu(weaken: bool) -> Result<Outcome> {
    selftest::set_fpu(weaken);
    let result = run(ut_attack_fpu, [0; 5]);
    selftest::set_fpu(false);
    let (error, _) = result?;
    Ok(Outcome {
        disclosed: error == 0,
        ..Outcome::new(c"fpu", error)
    })
}

/// Ordinary kernel code reads what belongs to the compartment alone: #VE, `EFAULT`.
///
/// The error printed is what the first read of many returned; how many of the others returned
/// something else stands in a line of its own.
pub(super) fn read_in_root(weaken: bool) -> Result<Outcome> {
    const TIMES: u64 = 10_000;

    let mut vault = Region::new(PAGE, Policy::KernelRw)?;
    vault.give_to(&ATTACK)?;
    if !weaken {
        vault.lock(c"vault")?;
    }
    let call = ATTACK.begin()?;
    let mut bench = Bench::new(&call, ut_attack_read, vault.as_ptr());
    let (before, _) = selftest::exits()?;
    // Mapping the page ahead is a hint to the host: the first access of all may exit.
    bench.run(What::Ve);
    let (exits, tally) = bench.exits(What::Ve, TIMES);
    let (after, _) = selftest::exits()?;
    pr_info!(
        "UT-VE accesses={} result={} differing={} exits_caused={} exits_before={} exits_after={}\n",
        TIMES,
        tally.result,
        tally.differing,
        exits,
        before,
        after
    );
    Ok(Outcome {
        disclosed: tally.result == 0 || tally.differing != 0,
        ..Outcome::new(c"root", tally.result as i32)
    })
}
