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
            query,
            ViewOp, //
        },
        access::Access,
        addr::{
            GfnRange,
            ViewId, //
        }, //
    },
    system,
    text, //
};

pub mod events;
pub mod inside;
pub mod leaks;
pub mod secrets;
pub mod services;
pub mod shake;
pub mod writes;

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

/// Returns the rights that the host enforces on the page at `addr` in one view.
///
/// # Errors
///
/// - `EINVAL` for a view that there is not, or an answer that is none.
/// - What the host answers.
pub fn rights(view: u16, addr: usize) -> Result<u8> {
    let view = ViewId::new(view).map_err(|_| EINVAL)?;
    let answer = host::policy(view, host::gfn_at(addr)).map_err(host::errno)?;
    query::policy(answer).map(Access::bits).map_err(|_| EINVAL)
}

/// Returns the guest frame behind a mapped kernel address.
pub fn frame_at(addr: usize) -> u64 {
    host::gfn_at(addr)
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

/// Sets how much stack a caller must have left, in bytes. 0 is off.
pub fn set_stack_need(bytes: usize) {
    // SAFETY: Read by the crossing as one aligned word.
    unsafe { (&raw mut bindings::undertow_stack_need).write_volatile(bytes) };
}

/// Returns how much stack a caller must have left, in bytes.
pub fn stack_need() -> usize {
    // SAFETY: One aligned word.
    unsafe { (&raw const bindings::undertow_stack_need).read_volatile() }
}

/// Waits as long as a test wants the status file to take.
pub(super) fn pause() {
    // SAFETY: The caller may sleep.
    unsafe { bindings::undertow_selftest_pause() };
}

/// A second, writable name of what is at some address.
pub struct Alias(*mut crate::ffi::c_void);

impl Alias {
    /// Maps the page at `addr` once more. May sleep.
    ///
    /// # Errors
    ///
    /// - `ENOMEM`.
    pub fn new(addr: usize) -> Result<Self> {
        // SAFETY: Any address will do: one without a page gives the name of another page.
        let alias = unsafe { bindings::undertow_selftest_alias(addr as *mut crate::ffi::c_void) };
        if alias.is_null() {
            return Err(ENOMEM);
        }
        Ok(Self(alias))
    }

    /// Returns the new name.
    pub fn addr(&self) -> usize {
        self.0 as usize
    }
}

impl Drop for Alias {
    fn drop(&mut self) {
        // SAFETY: It is what `new` was given, and goes now.
        unsafe { bindings::undertow_selftest_unalias(self.0) };
    }
}

/// Returns the VM exits of this CPU so far, all and those that the host caused for itself.
///
/// They are two questions to the host. With an exit of its own in between they would not belong
/// together, and are asked again.
///
/// # Errors
///
/// - What the host answers.
pub fn exits() -> Result<(u64, u64)> {
    let ask = |what| host::query(what, ViewId::ROOT).map_err(host::errno);
    let mut before = ask(KVM_VIEWS_Q_HOST_EXITS)?;
    loop {
        let all = ask(KVM_VIEWS_Q_EXITS)?;
        let own = ask(KVM_VIEWS_Q_HOST_EXITS)?;
        if own == before {
            return Ok((all, own));
        }
        before = own;
    }
}

/// Returns where the text is that all compartments share.
pub fn common() -> core::ops::Range<usize> {
    text::common()
}

static LEARNS_TEXT: Atomic<bool> = Atomic::new(false);
static REUSES_LEARNED: Atomic<bool> = Atomic::new(false);

/// Lets compartments that learn write text, too.
pub fn set_learns_text(on: bool) {
    LEARNS_TEXT.store(on, Relaxed);
}

pub(super) fn learns_text() -> bool {
    LEARNS_TEXT.load(Relaxed)
}

/// Gives a view in which something was learned to the next compartment.
pub fn set_reuses_learned(on: bool) {
    REUSES_LEARNED.store(on, Relaxed);
}

pub(super) fn reuses_learned() -> bool {
    REUSES_LEARNED.load(Relaxed)
}

/// Returns the address of the gate in use, four pages.
pub fn gate() -> usize {
    text::gate().start
}

/// Returns where the pages are that have a gate on them, in use or not.
pub fn gates() -> core::ops::Range<usize> {
    text::gates()
}

/// Returns whether the CPU switches views itself.
pub fn has_vmfunc() -> bool {
    system::backend().vmfunc
}

/// How a view is switched: the instruction, and what it wants in RAX and RBX. The view is in RCX.
pub struct Switch {
    /// The bytes.
    pub insn: [u8; 3],
    /// RAX and RBX.
    pub registers: [u64; 2],
}

/// Returns how the gate in use switches views.
pub fn switch() -> Switch {
    if has_vmfunc() {
        Switch {
            insn: [0x0f, 0x01, 0xd4],
            registers: [0, 0],
        }
    } else {
        Switch {
            insn: [0x0f, 0x01, 0xc1],
            registers: [KVM_HC_VIEWS, KVM_VIEWS_SWITCH],
        }
    }
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
    /// The same with what the kernel checks before the gate.
    Checked = bindings::undertow_bench_what_UNDERTOW_BENCH_CHECKED as isize,
    /// The same, of a caller that has interrupts on.
    IrqsOn = bindings::undertow_bench_what_UNDERTOW_BENCH_IRQS_ON as isize,
    /// A crossing with the host switching views.
    Switch = bindings::undertow_bench_what_UNDERTOW_BENCH_SWITCH as isize,
    /// The same with nothing but the switches of view and stack.
    Floor = bindings::undertow_bench_what_UNDERTOW_BENCH_FLOOR as isize,
    /// An access that #VE denies and the exception table fixes up.
    Ve = bindings::undertow_bench_what_UNDERTOW_BENCH_VE as isize,
    /// A crossing in which the entry, which gets the target, is denied that.
    Denied = bindings::undertow_bench_what_UNDERTOW_BENCH_DENIED as isize,
    /// As `Checked`, with an entry that may ask for services.
    Service = bindings::undertow_bench_what_UNDERTOW_BENCH_SERVICE as isize,
}

/// A call that measures instead of being made.
pub struct Bench(bindings::undertow_bench);

impl Bench {
    /// Prepares measurements with `entry` in the compartment of `call`. `target` is for
    /// [`What::Ve`] and [`What::Denied`].
    pub fn new(call: &Call, entry: Entry, target: *const u8) -> Self {
        Self(bindings::undertow_bench {
            what: 0,
            view: call.view().unwrap_or(0).into(),
            entry: entry as usize,
            stack: call.stack_top() as *mut crate::ffi::c_void,
            target: target.cast(),
            call: core::ptr::from_ref(call).cast(),
            arg: core::ptr::null_mut(),
        })
    }

    /// Says what the entry of [`What::Service`] gets: memory of the call.
    pub fn set_arg(&mut self, arg: *mut u8) {
        self.0.arg = arg.cast();
    }

    /// Returns ticks of the TSC for 100 calls.
    pub fn run(&mut self, what: What) -> u64 {
        self.0.what = what as u32;
        // SAFETY: The stack is the call's own and the call is alive by the caller's borrow rules;
        // the entry is isolated code that takes no argument.
        unsafe { bindings::undertow_bench_run(&self.0) }
    }

    /// Returns the VM exits that doing `what` `times` times caused, and what the tries came to.
    pub fn exits(&mut self, what: What, times: u64) -> (u64, bindings::undertow_tally) {
        let mut tally = bindings::undertow_tally::default();
        self.0.what = what as u32;
        // SAFETY: As in `run`; `tally` is valid for writes.
        let exits = unsafe { bindings::undertow_bench_exits(&self.0, times, &mut tally) };
        (exits, tally)
    }

    /// Makes the crossing without the API, on little stack. Returns how it ended, 0 or a negative
    /// errno.
    pub fn cross(&self, arg: *mut u8) -> i64 {
        // SAFETY: As in `run`; the entry does with `arg` what the test wants.
        unsafe { bindings::undertow_selftest_cross(&self.0, arg.cast()) }
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

/// Calls `f` with about `left` bytes of stack left and interrupts off. Returns how many bytes of
/// stack it took, 0 for little.
pub fn deep<F: FnMut()>(left: usize, mut f: F) -> usize {
    /// # Safety
    ///
    /// `f` must point to an `F` that nobody else uses.
    unsafe extern "C" fn call<F: FnMut()>(f: *mut crate::ffi::c_void) {
        // SAFETY: The caller's promise.
        unsafe { (*f.cast::<F>())() }
    }
    // SAFETY: `call` gets the address of `f`, which is lent to nobody else until this returns.
    unsafe { bindings::undertow_selftest_deep(Some(call::<F>), (&raw mut f).cast(), left) }
}

/// Runs `measure` with pages executable that are not otherwise. `view` is the compartment's.
///
/// # Errors
///
/// - What the host answers.
pub fn with_unused<R>(what: Unused, view: u16, measure: impl FnOnce() -> R) -> Result<R> {
    const READ: u8 = 1;
    const READ_EXECUTE: u8 = 5;

    let set = |mask| {
        for &(page, number) in what.executable(view).iter() {
            set_rights(number, what.addr() + page * PAGE_SIZE, PAGE_SIZE, mask)?;
        }
        Ok::<(), Error>(())
    };
    set(READ_EXECUTE)?;
    let result = measure();
    set(READ)?;
    Ok(result)
}

/// Pages of the gates that are not in use, and that a measurement needs.
#[derive(Clone, Copy)]
pub enum Unused {
    /// The bare floor.
    Floor,
    /// The gate that has the host switch views.
    SwitchGate,
}

impl Unused {
    fn addr(self) -> usize {
        // SAFETY: No precondition.
        unsafe {
            match self {
                Unused::Floor => bindings::undertow_bench_floor(),
                Unused::SwitchGate => bindings::undertow_bench_gate(false),
            }
        }
    }

    /// Returns which page must be executable in which view.
    fn executable(self, view: u16) -> [(usize, u16); 4] {
        match self {
            Unused::Floor => [(0, 0), (0, 0), (0, 1), (0, view)],
            Unused::SwitchGate => [(0, 0), (1, view), (2, 1), (3, 0)],
        }
    }
}
