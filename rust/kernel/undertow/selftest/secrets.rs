// SPDX-License-Identifier: GPL-2.0

//! What is in the memory of calls, as view 0 sees it.

use super::super::{
    call::Call,
    compartment::Compartment, //
};

/// Returns how many words like this one lie in the stacks and arenas of a compartment; `None` if it
/// has none.
pub fn words(compartment: &Compartment, wanted: u64) -> Option<usize> {
    let mut some = false;
    let mut found = 0;
    for (addr, bytes) in compartment.pool.writable() {
        some = true;
        found += (addr..addr + bytes)
            .step_by(8)
            // SAFETY: INV-POOL-1: within the pool, readable in view 0.
            .filter(|&at| unsafe { (at as *const u64).read_volatile() } == wanted)
            .count();
    }
    some.then_some(found)
}

/// Returns the address of a word in the middle of the stack of a call.
pub fn stack_word(call: &Call) -> usize {
    call.stack_top() - super::super::slot::STACK_BYTES / 2
}
