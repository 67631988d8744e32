// SPDX-License-Identifier: GPL-2.0

//! Attacks that try everything there is: each byte of the gate, each vector.

use core::arch::asm;
use kernel::{
    prelude::*,
    undertow::{
        selftest,
        Fault, //
    }, //
};

use super::{
    call,
    entries::*,
    Outcome,
    ATTACK,
    PAGE, //
};

const READ: u8 = 1;
const READ_EXECUTE: u8 = 5;

/// The vector that `ut_attack_reached` raises.
const REACHED: u8 = 0x77;

/// Pages full of one word, which the attacker can read and not write.
pub(super) struct Victim {
    words: KVec<u64>,
    word: u64,
}

impl Victim {
    pub(super) fn new(word: u64) -> Result<Self> {
        let mut words = KVec::with_capacity(2 * PAGE / 8, GFP_KERNEL)?;
        for _ in 0..words.capacity() {
            words.push(word, GFP_KERNEL)?;
        }
        Ok(Self { words, word })
    }

    /// Returns an address with a page's half of it on either side.
    pub(super) fn middle(&self) -> u64 {
        (self.words.as_ptr() as u64).next_multiple_of(PAGE as u64) + PAGE as u64 / 2
    }

    pub(super) fn is_whole(&self) -> bool {
        // SAFETY: A reference to a word; volatile, as the attacker may have got at it.
        let read = |word| unsafe { core::ptr::from_ref::<u64>(word).read_volatile() };
        self.words.iter().all(|word| read(word) == self.word)
    }
}

/// Jumps to every byte of the gate, with a stack and registers of the attacker's choice.
///
/// `weaken`: 1 the compartment may execute G3, 2 view 0 may execute G2.
pub(super) fn gate_bytes(weaken: u32) -> Result<Outcome> {
    /// The last instruction of G1 begins so far before its end.
    const SWITCH: usize = 3;
    const REQUEST: u64 = 1 << 32;

    let view = ATTACK.view().ok_or(ENODEV)?;
    let gate = selftest::gate();
    let victim = Victim::new(ut_attack_reached as *const () as u64)?;
    let [rax, rbx] = selftest::switch().registers;
    let opened = match weaken {
        1 => Some((view, gate + 3 * PAGE)),
        2 => Some((0, gate + 2 * PAGE)),
        _ => None,
    };
    let open = |mask| {
        opened.map_or(Ok(()), |(view, at)| {
            selftest::set_rights(view, at, PAGE, mask)
        })
    };
    let (mut tries, mut ended, mut late, mut reached) = (0_u32, 0_u32, 0_u32, 0_u32);

    open(READ_EXECUTE)?;
    for at in 0..4 * PAGE {
        let in_g1 = at / PAGE == 1;
        // The only ones that lead on are tried with every view that there could be.
        // Above the view stands what makes the way out a request, or not.
        let views: &[u64] = if in_g1 {
            &[0, 1, view.into(), REQUEST, REQUEST | 1]
        } else {
            &[0]
        };
        for &ecx in views {
            let orders = [victim.middle(), (gate + at) as u64, ecx, rax, rbx];
            let result = call(ut_attack_jump, orders)?.0;
            tries += 1;
            ended += u32::from(result.is_err());
            // From before that instruction on the way out is the proper one.
            let is_late = in_g1 && at % PAGE + SWITCH >= PAGE && ecx as u32 == 0;
            late += u32::from(is_late && result.is_ok());
            reached += u32::from(!in_g1 && result == Err(Fault::Exception(REACHED)));
        }
    }
    // Readable is what G2 and G3 are in every view where they can't be executed.
    open(READ)?;
    pr_info!(
        "UT-GATE tries={} ended={} returned={} late={} reached={}\n",
        tries,
        ended,
        tries - ended,
        late,
        reached
    );
    Ok(Outcome {
        disclosed: late != 0 || reached != 0,
        intact: victim.is_whole(),
        ..Outcome::new(c"gate", if ended == 0 { 0 } else { EFAULT.to_errno() })
    })
}

/// Raises every vector.
pub(super) fn every_vector(weaken: bool) -> Result<Outcome> {
    let idt = idt_page();
    let view = ATTACK.view().ok_or(ENODEV)?;
    let (mut ended, mut seen) = (0_u32, 0_u32);

    let show_idt = |show| match selftest::inside::takes_ve(view) {
        true => selftest::inside::show_idt(view, show),
        false => selftest::set_rights(view, idt, PAGE, if show { READ } else { 0 }),
    };
    if weaken {
        show_idt(true)?;
    }
    for vector in 0..=u8::MAX {
        let result = call(ut_attack_int, [vector.into(), 0, 0, 0, 0])?.0;
        ended += u32::from(result.is_err());
        seen += u32::from(match vector {
            // They stand for something else in the language of faults.
            6 => result == Err(Fault::Panicked),
            14 => matches!(result, Err(Fault::Violation { gpa: 0, .. })),
            _ => result == Err(Fault::Exception(vector)),
        });
    }
    if weaken {
        show_idt(false)?;
    }
    pr_info!("UT-INT ended={} seen={}\n", ended, seen);
    Ok(Outcome {
        disclosed: seen != 256,
        ..Outcome::new(c"int", if ended == 256 { EFAULT.to_errno() } else { 0 })
    })
}

/// Returns where the IDT is.
pub(super) fn idt_page() -> usize {
    let mut idtr = [0_u8; 10];
    // SAFETY: Stores ten bytes.
    unsafe { asm!("sidt [{}]", in(reg) idtr.as_mut_ptr()) };
    let base = idtr[2..].iter().rev();
    base.fold(0, |word, &byte| word << 8 | usize::from(byte))
}
