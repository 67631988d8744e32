// SPDX-License-Identifier: GPL-2.0

//! Events that come while a compartment has set registers as they may never be in view 0; and
//! memory that decides who may do what.

use core::arch::asm;
use kernel::{
    bindings,
    prelude::*,
    undertow::selftest::{
        self,
        events::{
            self,
            Storm, //
        },
        Bench, //
    }, //
};

use super::{
    entries::*,
    run,
    sweep::{
        idt_page,
        Victim, //
    },
    Outcome,
    ATTACK,
    PAGE,
    SECRET, //
};

const READ_WRITE: u8 = 3;

/// Calls under fire, each with a stack pointer, flags and GS of the attacker's choice.
///
/// `weaken`: nothing is resumed, so that each event inside ends its call.
pub(super) fn events(key: u64, weaken: bool) -> Result<Outcome> {
    const LOOPS: u64 = 30_000;
    const CALLS: u64 = 40;
    /// What POPF takes: nothing; CF, IF, DF, IOPL, NT, AC.
    const FLAGS: [u64; 2] = [2, 0x4_7603];

    let victim = Victim::new(SECRET)?;
    let (mut calls, mut ended, mut done) = (0, 0, 0);
    let (_, before) = events::statistics();

    events::set_resume(!weaken);
    let mut attempt = |rsp: u64, flags: u64, gs: u64| {
        let mut call = ATTACK.begin()?;
        let orders = call.alloc(size_of::<[u64; 5]>(), 8)?.cast::<u64>();
        let words = [LOOPS, rsp, flags, 0, gs];
        // SAFETY: `alloc` returned room for five words.
        unsafe { orders.cast::<[u64; 5]>().write(words) };
        let mut storm = Storm {
            calls: CALLS,
            period_ns: 200_000,
            max_us: 200_000,
            nmi: kernel::cpu::nr_cpu_ids() > 1,
            ..Storm::default()
        };
        let result = Bench::new(&call, ut_attack_state, core::ptr::null())
            .storm(orders.as_ptr().cast(), &mut storm);
        calls += storm.calls;
        ended += storm.ended;
        // SAFETY: As above; any bits are a word.
        done += unsafe { orders.add(3).read_volatile() };
        result
    };
    let mut result = Ok(());
    for rsp in [victim.middle(), key + 8, 0, 1 << 63, u64::MAX] {
        for flags in FLAGS {
            result = result.and_then(|()| attempt(rsp, flags, 0));
        }
    }
    // Without an event it is GS that ends the call, at its end.
    result = result.and_then(|()| attempt(victim.middle(), 2, 1));
    events::set_resume(true);
    result?;
    let (_, after) = events::statistics();
    pr_info!(
        "UT-STATE calls={} done={} ended={} resumed={}\n",
        calls,
        done,
        ended,
        after - before
    );
    Ok(Outcome {
        intact: victim.is_whole(),
        // Calls with a good GS come to their end.
        disclosed: done < calls - CALLS,
        ..Outcome::new(
            c"events",
            if after == before {
                0
            } else {
                EFAULT.to_errno()
            },
        )
    })
}

fn cr3() -> u64 {
    let cr3: u64;
    // SAFETY: Reads a register.
    unsafe { asm!("mov {}, cr3", out(reg) cr3) };
    cr3 & !0xfff
}

fn descriptor_table() -> usize {
    let mut gdtr = [0_u8; 10];
    // SAFETY: Stores ten bytes.
    unsafe { asm!("sgdt [{}]", in(reg) gdtr.as_mut_ptr()) };
    let base = gdtr[2..].iter().rev();
    base.fold(0, |word, &byte| word << 8 | usize::from(byte))
}

/// Returns where the direct map shows the page at a mapped address.
fn direct(addr: usize) -> usize {
    selftest::frame_at(addr) as usize * PAGE + base()
}

fn base() -> usize {
    // SAFETY: Set once, at boot.
    unsafe { bindings::page_offset_base }
}

/// Writes to what decides who may do what, through mappings that are writable.
///
/// `weaken`: the view may write to these pages.
pub(super) fn tables(weaken: bool) -> Result<Outcome> {
    let here = 0_u64;
    let view = ATTACK.view().ok_or(ENODEV)?;
    let root = cr3() as usize + base();
    let half = root + PAGE / 2 + 8 * (base() >> 39 & 0xff);
    // SAFETY: An entry of the kernel's half of the top table, which is mapped.
    let next = unsafe { (half as *const u64).read_volatile() } as usize & 0x000f_ffff_ffff_f000;
    let targets = [
        root,
        half,
        next + base(),
        direct(idt_page()),
        direct(descriptor_table()),
        direct(selftest::gate()),
        direct(selftest::gate() + PAGE),
        &raw const here as usize,
        super::crossing::text().0,
    ];
    let (mut written, mut ended) = (0, 0);
    // What a view sees in place of the IDT can't be made writable at all.
    let takes_ve = selftest::inside::takes_ve(view);
    if weaken && takes_ve {
        selftest::inside::show_idt(view, true)?;
    }
    for target in targets {
        let rights = selftest::rights(view, target)?;
        if weaken {
            selftest::set_rights(view, target, 1, READ_WRITE)?;
        }
        let (error, _) = run(ut_attack_touch, [target as u64, 0, 0, 0, 0])?;
        if weaken {
            selftest::set_rights(view, target, 1, rights)?;
        }
        written += u32::from(error == 0);
        ended += u32::from(error == EFAULT.to_errno());
    }
    if weaken && takes_ve {
        selftest::inside::show_idt(view, false)?;
    }
    pr_info!(
        "UT-TABLES targets={} written={} ended={}\n",
        targets.len(),
        written,
        ended
    );
    Ok(Outcome {
        intact: written == 0,
        ..Outcome::new(c"tables", if ended == 0 { 0 } else { EFAULT.to_errno() })
    })
}
