// SPDX-License-Identifier: GPL-2.0

//! Attacks on the way out of a #VE: to leave by it without one, to say that the registers are
//! elsewhere, to keep the page that the CPU writes.

use kernel::{
    prelude::*,
    undertow::{
        selftest::{
            self,
            inside,
            Bench,
            What, //
        },
        Fault,
        Policy,
        Region, //
    }, //
};

use super::{
    call,
    entries::*,
    sweep::Victim,
    Outcome,
    ATTACK,
    PAGE,
    SECRET, //
};

/// The way out of G1 that returns and violations share begins so far before its end.
const WAY_OUT: usize = 10;
/// What `int 20` is in the language of faults.
const VECTOR: u8 = 20;

/// A region that looks like saved registers: RAX is a secret, and all leads back to the attacker.
fn frame_like(orders: u64, stack: u64) -> Result<Region> {
    const RDI: usize = 7;

    let mut words = [SECRET; 21];
    words[RDI] = orders;
    words[16] = ut_attack_keep as *const () as u64;
    words[18] = 2;
    words[19] = stack;
    let mut region = Region::new(PAGE, Policy::KernelRw)?;
    let bytes = region.bytes_mut().ok_or(EBUSY)?;
    for (place, word) in bytes.chunks_exact_mut(8).zip(words) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    region.lock(c"attacked")?;
    Ok(region)
}

/// Leaves by the way out of the stub, with registers that are said to be wherever it may hurt; and
/// enters every byte of G1 with RSI as that way wants it.
///
/// `weaken`: whoever comes is believed.
pub(super) fn forged(key: &Region, weaken: bool) -> Result<Outcome> {
    let gate = selftest::gate();
    let victim = Victim::new(SECRET)?;
    let mut vault = Region::new(PAGE, Policy::KernelRw)?;
    vault.give_to(&ATTACK)?;
    vault.lock(c"forged vault")?;

    let jump = |at: usize, rsp: u64, rdi: u64| {
        let orders = [rsp, (gate + at) as u64, rdi, 1, 0];
        Ok::<_, Error>(call(ut_attack_way_out, orders)?.0)
    };
    let (mut tries, mut ended, mut seen) = (0_u32, 0_u32, 0_u32);
    let stack = ATTACK.begin()?.alloc(8, 8)?.as_ptr() as u64;
    let targets = [
        0,
        8,
        1 << 63,
        u64::MAX,
        u64::MAX - 167,
        key.as_ptr() as u64,
        vault.as_ptr() as u64,
        victim.middle(),
        gate as u64,
        stack,
        stack - 160,
        stack - 167,
        stack - 4 * PAGE as u64 - 8,
        stack - 4 * PAGE as u64 - 1,
    ];
    for rdi in targets {
        for rsp in [victim.middle(), key.as_ptr() as u64 + 512, 0] {
            let result = jump(2 * PAGE - WAY_OUT, rsp, rdi)?;
            tries += 1;
            ended += u32::from(result.is_err());
            seen += u32::from(result == Err(Fault::Exception(VECTOR)));
        }
    }
    let mut bytes_ended = 0;
    for at in PAGE..2 * PAGE {
        bytes_ended += u32::from(jump(at, victim.middle(), key.as_ptr() as u64)?.is_err());
    }

    // What others own, as registers.
    inside::set_believed(weaken);
    let result = disclose(gate);
    inside::set_believed(false);
    let disclosed = result?;
    pr_info!(
        "UT-FORGED tries={} ended={} seen={} bytes_ended={}\n",
        tries,
        ended,
        seen,
        bytes_ended
    );
    Ok(Outcome {
        disclosed,
        intact: victim.is_whole(),
        ..Outcome::new(
            c"forged",
            if ended == tries { EFAULT.to_errno() } else { 0 },
        )
    })
}

fn disclose(gate: usize) -> Result<bool> {
    let mut call = ATTACK.begin()?;
    let orders = call.alloc(size_of::<[u64; 5]>(), 8)?.cast::<[u64; 5]>();
    let at = orders.as_ptr() as u64;
    let stack = call.alloc(1024, 16)?.as_ptr() as u64 + 512;
    let region = frame_like(at, stack)?;

    let words = [
        stack,
        (gate + 2 * PAGE - WAY_OUT) as u64,
        region.as_ptr() as u64,
        1,
        0,
    ];
    // SAFETY: `alloc` returned room for five words; the attacker attacks what the test gave it.
    unsafe {
        orders.as_ptr().write(words);
        let _ = call.run(ut_attack_way_out, orders.as_ptr().cast());
        Ok(orders.as_ptr().read_volatile()[4] == SECRET)
    }
}

/// Raises vector 20 without a violation: by `int`, and by a jump to the stub.
///
/// `weaken`: whoever comes is believed.
pub(super) fn vector_20(weaken: bool) -> Result<Outcome> {
    let stub = selftest::events::gate()?.ve as u64;

    inside::set_believed(weaken);
    let by_int = call(ut_attack_int_20, [0; 5]);
    // On its own stack, with a frame of its own making.
    let by_jump = call(ut_attack_stub, [stub, 0, 0, 0, 0]);
    inside::set_believed(false);
    let (by_int, by_jump) = (by_int?.0, by_jump?.0);
    pr_info!("UT-VECTOR int={:?} jump={:?}\n", by_int, by_jump);
    let is_seen = |result| result == Err(Fault::Exception(VECTOR));
    Ok(Outcome {
        disclosed: !is_seen(by_int) || !is_seen(by_jump),
        ..Outcome::new(
            c"vector",
            if by_int.is_err() && by_jump.is_err() {
                EFAULT.to_errno()
            } else {
                0
            },
        )
    })
}

/// Raises a #VE that comes to nothing, so that the page is in use when ordinary kernel code needs it.
///
/// `weaken`: nobody releases it.
pub(super) fn page_in_use(key: &Region, weaken: bool) -> Result<Outcome> {
    const TIMES: u64 = 1000;

    let mut vault = Region::new(PAGE, Policy::KernelRw)?;
    vault.give_to(&ATTACK)?;
    vault.lock(c"page vault")?;

    inside::set_kept(weaken);
    // The registers don't fit above the guard page.
    let result = call(
        ut_attack_deep_read,
        [key.as_ptr() as u64, 4 * 4096 - 64, 0, 0, 0],
    );
    let mut exits = u64::MAX;
    let mut tally = Default::default();
    {
        let held = ATTACK.begin()?;
        let mut bench = Bench::new(&held, ut_attack_read, vault.as_ptr());
        if !weaken {
            bench.run(What::Ve);
        }
        for _ in 0..3 {
            let (now, came) = bench.exits(What::Ve, TIMES);
            exits = exits.min(now);
            tally = came;
        }
    }
    inside::set_kept(false);
    // An ordinary fault that the host tells of: this time it is released.
    let _ = call(ut_attack_int_20, [0; 5])?;
    let ended = result?.0.is_err();
    pr_info!(
        "UT-PAGE accesses={} result={} exits_caused={}\n",
        TIMES,
        tally.result,
        exits
    );
    Ok(Outcome {
        disclosed: exits != 0,
        ..Outcome::new(c"page", if ended { EFAULT.to_errno() } else { 0 })
    })
}
