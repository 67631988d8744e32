// SPDX-License-Identifier: GPL-2.0

//! Text that runs inside compartments, and what must not be in it.

use crate::{
    bindings,
    page::PAGE_SIZE,
    prelude::*, //
};
use core::{
    ops::Range,
    slice, //
};

use super::logic::scan::{
    self,
    BorderHit,
    Isa,
    BORDER_BYTES, //
};

extern "C" {
    /// First byte of the gates; page aligned.
    static __undertow_gate_start: u8;
    /// End of the gates; page aligned.
    static __undertow_gate_end: u8;
    /// First byte of the private copy of `core` and the memory functions; page aligned.
    static __undertow_common_start: u8;
    /// End of the copy; page aligned.
    static __undertow_common_end: u8;
}

/// Pages of one gate: G0 to G3.
const GATE_PAGES: usize = 4;

/// Returns where the text is that all compartments may run.
pub(super) fn common() -> Range<usize> {
    (&raw const __undertow_common_start) as usize..(&raw const __undertow_common_end) as usize
}

/// Returns where the gates are, in use or not.
pub(super) fn gates() -> Range<usize> {
    (&raw const __undertow_gate_start) as usize..(&raw const __undertow_gate_end) as usize
}

/// Returns where the gate is that crossings use.
pub(super) fn gate() -> Range<usize> {
    // SAFETY: No precondition; callers come after a gate was selected.
    let base = unsafe { bindings::undertow_gate_base() };
    base..base + GATE_PAGES * PAGE_SIZE
}

/// Returns what every compartment's view executes beside the compartment's own text: G1, the only
/// page of the gate that it does, and the common text.
pub(super) fn shared() -> [Range<usize>; 2] {
    let g1 = gate().start + PAGE_SIZE;
    [g1..g1 + PAGE_SIZE, common()]
}

/// Returns which prefixes this CPU decodes.
pub(super) fn isa() -> Isa {
    // SAFETY: No precondition.
    if unsafe { bindings::undertow_host_has_apx() } {
        Isa::WithApx
    } else {
        Isa::WithoutApx
    }
}

/// Looks for instructions that a compartment may not have, at every byte offset, also where one
/// begins or ends in text of another owner that the compartment's view executes right beside.
///
/// `text` is mapped text, whole pages. What can't change between this and the moment when it
/// becomes executable, the caller sees to.
pub(super) fn scan(text: &Range<usize>) -> Result<(), BorderHit> {
    debug_assert!(text.start % PAGE_SIZE == 0 && text.end % PAGE_SIZE == 0);

    #[cfg(CONFIG_UNDERTOW_SELFTEST)]
    if super::selftest::is_scan_off() {
        return Ok(());
    }
    let isa = isa();
    let (has_below, has_above) = scan::neighbours(text, &shared());
    let border = |has: bool| if has { BORDER_BYTES } else { 0 };
    let bytes = |start: usize, len: usize| {
        // SAFETY: The callers pass the bounds of text in the kernel image or in a loaded module,
        // which stays mapped and, in view 0, readable. So is a neighbour, which has whole pages.
        unsafe { slice::from_raw_parts(start as *const u8, len) }
    };
    scan::first_hit_between(
        isa,
        bytes(text.start - border(has_below), border(has_below)),
        bytes(text.start, text.len()),
        bytes(text.end, border(has_above)),
    )
    .map_or(Ok(()), Err)
}
