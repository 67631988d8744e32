// SPDX-License-Identifier: GPL-2.0

//! The compartment that writes regions which the rest of the kernel may only read.
//!
//! In its view these regions can be written, and nothing else: who gets it to write at an address
//! of his own choice gets a fault. It is built when the first such region is locked.

use kernel::{
    prelude::*,
    ThisModule, //
};

undertow::compartment! {
    static WRITER: Compartment = {
        name: c"writer",
        stacks: 4,
    };
}

// SAFETY: Built-in code has no module.
static BUILT_IN: ThisModule = unsafe { ThisModule::from_ptr(core::ptr::null_mut()) };

#[undertow::isolated(WRITER)]
fn put(to: usize, bytes: &[u8]) -> Result {
    // SAFETY: The caller says that nobody else uses these bytes. Where they are not a region of this
    // compartment, its view ends the call at the first of them.
    unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), to as *mut u8, bytes.len()) };
    Ok(())
}

/// Builds the compartment unless that was done; see the header.
#[export]
pub extern "C" fn undertow_writer_view() -> c_int {
    match WRITER.register(&BUILT_IN) {
        Err(error) if error != EBUSY => error.to_errno(),
        _ => WRITER.view().map_or(0, c_int::from),
    }
}

/// Has the compartment write; see the header.
///
/// # Safety
///
/// `from` must be valid for reads of `bytes` bytes, which nobody writes meanwhile. `to` must be the
/// caller's alone to write: if it is a region, `bytes` bytes of it.
#[export]
pub unsafe extern "C" fn undertow_writer_put(
    to: *mut c_void,
    from: *const c_void,
    bytes: usize,
) -> c_int {
    // SAFETY: The caller's promise.
    let from = unsafe { core::slice::from_raw_parts(from.cast(), bytes) };
    match put(to as usize, from) {
        Ok(()) => 0,
        Err(error) => error.to_errno(),
    }
}
