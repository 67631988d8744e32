// SPDX-License-Identifier: GPL-2.0

//! Text that runs inside compartments, and what must not be in it.

use crate::{
    bindings,
    page::PAGE_SIZE,
    prelude::*, //
};

use super::logic::scan::{
    self,
    Hit,
    Isa, //
};

extern "C" {
    /// First byte of the private copy of `core` and the memory functions; page aligned.
    static __undertow_common_start: u8;
    /// End of the copy; page aligned.
    static __undertow_common_end: u8;
}

/// Returns the address range of the text that all compartments may run.
pub(super) fn common() -> (usize, usize) {
    (
        (&raw const __undertow_common_start) as usize,
        (&raw const __undertow_common_end) as usize,
    )
}

/// Looks for instructions that a compartment may not have, at every byte offset.
///
/// `start` and `end` are the bounds of mapped text, multiples of the page size. What can't change
/// between this and the moment when it becomes executable, the caller sees to.
pub(super) fn scan(start: usize, end: usize) -> Result<(), Hit> {
    debug_assert!(start % PAGE_SIZE == 0 && end % PAGE_SIZE == 0);

    #[cfg(CONFIG_UNDERTOW_SELFTEST)]
    if super::selftest::is_scan_off() {
        return Ok(());
    }
    // SAFETY: The callers pass the bounds of text in the kernel image or in a loaded module,
    // which stays mapped and, in view 0, readable.
    let bytes = unsafe { core::slice::from_raw_parts(start as *const u8, end - start) };
    // SAFETY: No precondition.
    let isa = if unsafe { bindings::undertow_host_has_apx() } {
        Isa::WithApx
    } else {
        Isa::WithoutApx
    };
    scan::first_hit(isa, bytes).map_or(Ok(()), Err)
}
