// SPDX-License-Identifier: GPL-2.0

//! What the guest core in C calls.
//!
//! Thin: each function turns what it got into types and hands it on.

use crate::{
    bindings,
    prelude::*,
    seq_file::SeqFile, //
};

use super::{
    report,
    service,
    start,
    status,
    stop,
    stray,
    system,
    walk, //
};

/// Starts the system. Returns 1 when views are enforced, 0 when not.
#[no_mangle]
extern "C" fn undertow_rs_init(mode: c_int) -> c_int {
    c_int::from(start::init(mode))
}

/// The host took a compartment out. Returns the negative errno that ends its call, or how it goes
/// on, `UNDERTOW_GO_ON` and so on.
///
/// # Safety
///
/// All must be valid for reads, and all but `info` and `gate` for writes, by nobody else. Called with
/// interrupts off, where RCU is watching.
#[no_mangle]
unsafe extern "C" fn undertow_rs_fault(
    aex: *mut bindings::kvm_view_aex,
    info: *const bindings::kvm_ve_info,
    crossing: *mut bindings::undertow_crossing,
    gate: *const bindings::undertow_gate,
    resume: *mut bindings::undertow_resume,
) -> c_long {
    // SAFETY: The caller's promise.
    unsafe { stop::stopped(&mut *aex, &*info, &mut *crossing, &*gate, resume) }
}

/// Returns whether a call must not go on because its compartment was killed.
///
/// # Safety
///
/// `crossing` must be valid for reads. Called with interrupts off, where RCU is watching.
#[no_mangle]
unsafe extern "C" fn undertow_rs_is_dead(crossing: *const bindings::undertow_crossing) -> bool {
    // SAFETY: The caller's promise.
    unsafe { stop::is_dead(&*crossing) }
}

/// A call is ended for a reason that has nothing to do with what it did. `status` says which.
///
/// # Safety
///
/// `crossing` must be valid for reads. Called with interrupts off, where RCU is watching.
#[no_mangle]
unsafe extern "C" fn undertow_rs_ended(
    crossing: *const bindings::undertow_crossing,
    status: i64,
    was_event: bool,
) {
    // SAFETY: The caller's promise.
    unsafe { stop::ended(&*crossing, status, was_event) };
}

/// A compartment asks for a service. Returns 0, or the negative errno that ends its call.
///
/// # Safety
///
/// `serving` must be valid for reads and writes, and the head of this task's list; what it says of
/// the call and the place must be so.
#[no_mangle]
unsafe extern "C" fn undertow_rs_serve(serving: *mut bindings::undertow_serving) -> i64 {
    // SAFETY: The caller's promise.
    unsafe { service::serve(&mut *serving) }
}

/// A call is ended because of the service that it asked for. `status` says what was wrong.
///
/// # Safety
///
/// Both must be valid for reads. Called with interrupts off, where RCU is watching.
#[no_mangle]
unsafe extern "C" fn undertow_rs_denied(
    crossing: *const bindings::undertow_crossing,
    status: i64,
    serving: *const bindings::undertow_serving,
) {
    // SAFETY: The caller's promise.
    unsafe { stop::denied(&*crossing, status, &*serving) };
}

/// View 0 touched memory without the right to; the access is denied.
///
/// # Safety
///
/// `info` must be valid for reads. Called with interrupts off, where RCU is watching.
#[no_mangle]
unsafe extern "C" fn undertow_rs_violation(info: *const bindings::kvm_ve_info, ip: usize) {
    // SAFETY: The caller's promise.
    unsafe { report::denied_in_root(&*info, ip) };
}

/// Prints the state of the system for debugfs.
///
/// # Safety
///
/// `m` must be the seq file that is being shown.
#[no_mangle]
unsafe extern "C" fn undertow_rs_show(m: *mut bindings::seq_file) {
    // SAFETY: The caller's promise.
    status::show(unsafe { SeqFile::from_raw(m) });
}

/// Seals all views. Returns 0 or a negative errno.
#[no_mangle]
extern "C" fn undertow_rs_seal() -> c_int {
    system::seal().map_or_else(|error| error.to_errno(), |()| 0)
}

/// A module's memory is about to be freed.
#[no_mangle]
extern "C" fn undertow_rs_module_going(module: *mut bindings::module) {
    system::module_going(module);
}

/// Counts VMFUNC in the text of the kernel, once, at boot.
#[no_mangle]
extern "C" fn undertow_rs_kernel_text(start: *const c_void, end: *const c_void) {
    stray::kernel(start as usize..end as usize);
}

/// Counts VMFUNC in the text of a module that comes, and forgets that of one that goes.
///
/// # Safety
///
/// The text must be mapped, and `name` a string.
#[no_mangle]
unsafe extern "C" fn undertow_rs_module_text(
    start: *const c_void,
    bytes: usize,
    coming: bool,
    name: *const crate::ffi::c_char,
) {
    let start = start as usize;
    // SAFETY: The caller's promise.
    stray::module(start..start + bytes, coming, unsafe {
        CStr::from_char_ptr(name)
    });
}

/// Prints the findings of a walk over all views for debugfs. Returns 0 or a negative errno.
///
/// # Safety
///
/// `m` must be the seq file that is being shown.
#[no_mangle]
unsafe extern "C" fn undertow_rs_walk(m: *mut bindings::seq_file) -> c_int {
    // SAFETY: The caller's promise.
    let m = unsafe { SeqFile::from_raw(m) };
    walk::show(m).map_or_else(|error| error.to_errno(), |()| 0)
}
