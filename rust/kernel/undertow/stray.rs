// SPDX-License-Identifier: GPL-2.0

//! How often the bytes of VMFUNC occur in executable memory other than the gates.
//!
//! Isolated text must not have any, which the scan sees to ([`text`]). In view 0 they are bytes
//! like others: where one switches the view, the next fetch fails and the host ends it. The number
//! is for who wants to know what an attacker in view 0 has to choose from.
//!
//! Not counted: text that is freed after boot, and what BPF compiles.

use crate::{
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};
use core::{
    ops::Range,
    slice, //
};

use super::{
    logic::scan::count_vmfunc,
    text, //
};

static IN_KERNEL: Atomic<usize> = Atomic::new(0);

/// A module with some, by the start of its text. Counted once: text may be patched later.
struct Counted {
    start: usize,
    nr: usize,
}

kernel::sync::global_lock! {
    // SAFETY: Initialised by `kernel`, before modules are watched.
    unsafe(uninit) static IN_MODULES: Mutex<KVec<Counted>> = KVec::new();
}

fn count_in(text: Range<usize>) -> usize {
    if text.is_empty() {
        return 0;
    }
    // SAFETY: The callers pass text of the kernel or of a module that is being loaded or unloaded:
    // mapped, readable in view 0, and changed in place at most, where any byte will do.
    let bytes = unsafe { slice::from_raw_parts(text.start as *const u8, text.len()) };
    count_vmfunc(text::isa(), bytes)
}

/// Counts in the kernel's text, which the gates are a part of. Once, before modules are watched.
pub(super) fn kernel(text: Range<usize>) {
    // SAFETY: Called once, before any other function that uses the list.
    unsafe { IN_MODULES.init() };
    let gates = text::gates();
    let nr = count_in(text.start..gates.start) + count_in(gates.end..text.end);
    IN_KERNEL.store(nr, Relaxed);
    pr_info!("undertow: {} stray VMFUNC in kernel text\n", nr);
}

/// Counts in the text of a module that comes, and forgets one that goes.
pub(super) fn module(text: Range<usize>, coming: bool, name: &CStr) {
    let mut modules = IN_MODULES.lock();
    if !coming {
        modules.retain(|module| module.start != text.start);
        return;
    }
    let nr = count_in(text.clone());
    if nr == 0 {
        return;
    }
    pr_info!("undertow: {} stray VMFUNC in module {}\n", nr, name);
    let counted = Counted {
        start: text.start,
        nr,
    };
    if modules.push(counted, GFP_KERNEL).is_err() {
        pr_warn!("undertow: no memory to count them with the others\n");
    }
}

/// Returns how many there are in the kernel's text, and in that of the modules now loaded. May
/// sleep.
pub(super) fn count() -> (usize, usize) {
    let in_modules = IN_MODULES.lock().iter().map(|module| module.nr).sum();
    (IN_KERNEL.load(Relaxed), in_modules)
}
