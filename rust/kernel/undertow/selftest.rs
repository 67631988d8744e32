// SPDX-License-Identifier: GPL-2.0

//! Switching single defences off, so that each attack test can be seen to fail.
//!
//! Exists with `CONFIG_UNDERTOW_SELFTEST` only. A kernel with that option protects nothing.

use crate::{
    bindings,
    error::to_result,
    page::PAGE_SIZE,
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};

use super::{
    call::{
        Call,
        Entry, //
    },
    host,
    logic::{
        abi::{
            consts::*,
            ViewOp, //
        },
        access::Access,
        addr::{
            GfnRange,
            ViewId, //
        }, //
    }, //
};

pub mod events;

static SCAN_OFF: Atomic<bool> = Atomic::new(false);

/// Lets text with forbidden instructions pass.
pub fn set_scan(on: bool) {
    SCAN_OFF.store(!on, Relaxed);
}

pub(super) fn is_scan_off() -> bool {
    SCAN_OFF.load(Relaxed)
}

/// Sets the rights of the pages behind `bytes` bytes at `addr` in one view, past every rule.
///
/// `mask` holds `R` = 1, `W` = 2, `X` = 4.
///
/// # Errors
///
/// - `EINVAL` for rights or views that there are not.
/// - What the host answers.
pub fn set_rights(view: u16, addr: usize, bytes: usize, mask: u8) -> Result {
    let view = ViewId::new(view).map_err(|_| EINVAL)?;
    let access = Access::from_bits(mask).ok_or(EINVAL)?;
    let first = addr & !(PAGE_SIZE - 1);

    for page in (first..addr + bytes).step_by(PAGE_SIZE) {
        let range = GfnRange::new(host::gfn_at(page), 1).map_err(|_| EINVAL)?;
        let op = ViewOp::protect(view, range, access, KVM_VIEW_OP_POPULATE);
        host::set(&[op]).map_err(host::errno)?;
    }
    Ok(())
}

/// Sets the task priority that the gate gives compartments: guard M2. 15 is on, 1 is off.
pub fn set_gate_priority(priority: u32) {
    // SAFETY: Read by the gate as one aligned word.
    unsafe { (&raw mut bindings::undertow_gate_tpr).write_volatile(priority) };
}

/// Lets compartments use the FPU registers of whoever ran last.
pub fn set_fpu(open: bool) {
    let ts = if open { 0 } else { 1 << 3 };
    // SAFETY: Read by the gate as one aligned word.
    unsafe { (&raw mut bindings::undertow_gate_ts).write_volatile(ts) };
}

/// Returns the VM exits of this CPU so far, all and those that the host caused for itself.
///
/// # Errors
///
/// - What the host answers.
pub fn exits() -> Result<(u64, u64)> {
    let all = host::query(KVM_VIEWS_Q_EXITS, ViewId::ROOT).map_err(host::errno)?;
    let own = host::query(KVM_VIEWS_Q_HOST_EXITS, ViewId::ROOT).map_err(host::errno)?;
    Ok((all, own))
}

/// Returns the address of the gate in use, four pages.
pub fn gate() -> usize {
    // SAFETY: No precondition.
    unsafe { bindings::undertow_bench_gate(super::system::backend().vmfunc) }
}

/// Changes module text that is not isolated yet.
///
/// # Errors
///
/// - `EINVAL` when `addr` is no module text.
pub fn poke(addr: usize, bytes: &[u8]) -> Result {
    // SAFETY: `bytes` is valid for its length; the address is checked over there.
    to_result(unsafe {
        bindings::undertow_selftest_poke(
            addr as *mut crate::ffi::c_void,
            bytes.as_ptr().cast(),
            bytes.len(),
        )
    })
}

/// What [`Bench::run`] measures.
#[derive(Clone, Copy)]
pub enum What {
    /// A plain call of a function that does nothing.
    Call = bindings::undertow_bench_what_UNDERTOW_BENCH_CALL as isize,
    /// The same through the gate.
    Crossing = bindings::undertow_bench_what_UNDERTOW_BENCH_CROSSING as isize,
    /// The same with the host switching views.
    Switch = bindings::undertow_bench_what_UNDERTOW_BENCH_SWITCH as isize,
    /// The same with nothing but the switches of view and stack.
    Floor = bindings::undertow_bench_what_UNDERTOW_BENCH_FLOOR as isize,
    /// An access that #VE denies and the exception table fixes up.
    Ve = bindings::undertow_bench_what_UNDERTOW_BENCH_VE as isize,
}

/// A call that measures instead of being made.
pub struct Bench(bindings::undertow_bench);

impl Bench {
    /// Prepares measurements with `entry` in the compartment of `call`. `target` is for
    /// [`What::Ve`].
    pub fn new(call: &Call, entry: Entry, target: *const u8) -> Self {
        Self(bindings::undertow_bench {
            what: 0,
            view: call.view().unwrap_or(0).into(),
            entry: entry as usize,
            stack: call.stack_top() as *mut crate::ffi::c_void,
            target: target.cast(),
        })
    }

    /// Returns ticks of the TSC for 100 calls.
    pub fn run(&mut self, what: What) -> u64 {
        self.0.what = what as u32;
        // SAFETY: The stack is the call's own and the call is alive by the caller's borrow rules;
        // the entry is isolated code that takes no argument.
        unsafe { bindings::undertow_bench_run(&self.0) }
    }

    /// Returns the VM exits that doing `what` `times` times caused, and how often it failed: a
    /// crossing that was stopped, a protected access that was let through.
    pub fn exits(&mut self, what: What, times: u64) -> (u64, u64) {
        let mut failed = 0;
        self.0.what = what as u32;
        // SAFETY: As in `run`.
        let exits = unsafe { bindings::undertow_bench_exits(&self.0, times, &mut failed) };
        (exits, failed)
    }

    /// Tries the timed attack on the gate. Returns the hits, and how many tries ended in a fault.
    ///
    /// # Errors
    ///
    /// - `EOPNOTSUPP` without a TSC deadline timer, `ENOMEM`.
    pub fn timed(&self, orders: &mut bindings::undertow_timed, tries: u32) -> Result<(u32, u32)> {
        let mut ended = 0;
        // SAFETY: As in `run`; `orders` is valid for reads and writes.
        let hits = unsafe { bindings::undertow_selftest_timed(&self.0, orders, tries, &mut ended) };
        to_result(hits)?;
        Ok((hits as u32, ended))
    }
}

/// Returns the page of the bare floor.
pub fn floor() -> usize {
    // SAFETY: No precondition.
    unsafe { bindings::undertow_bench_floor() }
}

/// Returns the address of the gate that lets the host switch views, four pages.
pub fn switch_gate() -> usize {
    // SAFETY: No precondition.
    unsafe { bindings::undertow_bench_gate(false) }
}
