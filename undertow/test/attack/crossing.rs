// SPDX-License-Identifier: GPL-2.0

//! Attacks on the crossing: other ways into view 0 than the gate, the gate with registers and at a
//! moment of the attacker's choice, a caller without a stack.

use kernel::{
    bindings,
    prelude::*,
    undertow::{
        selftest::{
            self,
            Bench, //
        },
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

const READ_EXECUTE: u8 = 5;

/// The text of the compartment, whole pages.
pub(super) fn text() -> (usize, usize) {
    (
        (&raw const __ut_text_start_ATTACK) as usize,
        (&raw const __ut_text_end_ATTACK) as usize,
    )
}

/// Writes what switches views into the text, which is not isolated yet.
pub(super) fn put_switches() -> Result {
    let insn = selftest::switch().insn;
    selftest::poke((&raw const ut_attack_gap_in) as usize, &insn)?;
    selftest::poke((&raw const ut_attack_gap_out) as usize, &insn)
}

/// Switches to view 0 outside the gate, reads there, and comes back.
pub(super) fn stray_switch(key: &Region, weaken: bool) -> Result<Outcome> {
    let (start, end) = text();
    if weaken {
        selftest::set_rights(0, start, end - start, READ_EXECUTE)?;
    }
    let view = ATTACK.view().ok_or(ENODEV)?.into();
    let [rax, rbx] = selftest::switch().registers;
    let (error, got) = run(ut_attack_switch, [key.as_ptr() as u64, 0, view, rax, rbx])?;
    Ok(Outcome {
        disclosed: got == SECRET,
        ..Outcome::new(c"switch", error)
    })
}

/// Jumps to the gate's way out when the timer is about to fire, with RSP at a victim.
pub(super) fn timed_jump(weaken: bool, tries: u32) -> Result<Outcome> {
    /// The last three bytes of G1.
    const EXIT: usize = 2 * PAGE - 3;

    selftest::set_gate_priority(if weaken { 1 } else { 15 });
    let mut call = ATTACK.begin()?;
    let memory = call
        .alloc(size_of::<bindings::undertow_timed>(), 8)?
        .cast::<bindings::undertow_timed>();
    // SAFETY: `alloc` returned room for it, zeroed, and nobody else has the address yet.
    let orders = unsafe { &mut *memory.as_ptr() };
    orders.target = (selftest::gate() + EXIT) as u64;
    [orders.rax, orders.rbx] = selftest::switch().registers;

    let result = Bench::new(&call, ut_attack_timed, core::ptr::null()).timed(orders, tries);
    selftest::set_gate_priority(15);
    let (hits, ended) = result?;
    pr_info!("UT-TIMED tries={} hits={} ended={}\n", tries, hits, ended);
    let error = if ended == tries { EFAULT.to_errno() } else { 0 };
    Ok(Outcome {
        intact: hits == 0,
        ..Outcome::new(c"timed", error)
    })
}

/// A caller with `left` bytes of stack makes a call that goes wrong.
pub(super) fn little_stack(weaken: bool, left: usize) -> Result<Outcome> {
    let victim = KBox::new(SECRET, GFP_KERNEL)?;
    let need = selftest::stack_need();
    let mut result = Err(EINVAL);

    if weaken {
        selftest::set_stack_need(0);
    }
    let used = selftest::deep(left, || {
        result = run(
            ut_attack_write,
            [core::ptr::from_ref(&*victim) as u64, !SECRET, 0, 0, 0],
        );
    });
    selftest::set_stack_need(need);

    pr_info!("UT-STACK left={} need={} used={}\n", left, need, used);
    let (error, _) = result?;
    // SAFETY: Within `victim`.
    let now = unsafe { core::ptr::from_ref(&*victim).read_volatile() };
    Ok(Outcome {
        intact: now == SECRET,
        ..Outcome::new(c"stack", error)
    })
}

/// The same with nobody looking at the stack, and so little of it that the host's record has no
/// room: does not come back.
pub(super) fn no_stack(left: usize) -> Result<Outcome> {
    let call = ATTACK.begin()?;
    let bench = Bench::new(&call, ut_attack_fpu, core::ptr::null());
    let mut status = 0;

    selftest::set_stack_need(0);
    selftest::deep(left, || status = bench.cross(core::ptr::null_mut()));
    Ok(Outcome::new(c"end", status as i32))
}

/// Keeps all interrupts of this CPU waiting, called with interrupts off. Its one defence is the
/// host's limit.
pub(super) fn spin() -> Result<Outcome> {
    /// More than a second on the emulated machine, and an end if nobody makes one.
    const TIMES: u64 = 40_000_000;

    let mut result = Err(EINVAL);
    selftest::deep(usize::MAX, || {
        result = run(ut_attack_spin, [TIMES, 0, 0, 0, 0]);
    });
    let (error, ended) = result?;
    Ok(Outcome {
        disclosed: ended != 0,
        ..Outcome::new(c"spin", error)
    })
}
