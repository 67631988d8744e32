// SPDX-License-Identifier: GPL-2.0

//! Switches for the tests of [`Region::write`](super::super::Region::write).

use crate::{
    bindings,
    error::to_result,
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};

static RANGE_CHECK_OFF: Atomic<bool> = Atomic::new(false);

/// Lets writes beside a region go on to the compartment that writes.
pub fn set_range_check(on: bool) {
    RANGE_CHECK_OFF.store(!on, Relaxed);
}

pub(in super::super) fn is_range_check_off() -> bool {
    RANGE_CHECK_OFF.load(Relaxed)
}

/// Returns the view of the compartment that writes.
///
/// # Errors
///
/// - `ENODEV` when nothing is enforced.
/// - Why it could not be built.
pub fn view() -> Result<u16> {
    // SAFETY: May sleep, as the caller may.
    match unsafe { bindings::undertow_writer_view() } {
        0 => Err(ENODEV),
        view @ 1.. => Ok(view as u16),
        error => Err(Error::from_errno(error)),
    }
}

/// Writes from view 0 as a bug would: an access that is denied ends with `EFAULT`.
///
/// # Safety
///
/// If the write is not denied, nobody else may use these bytes.
pub unsafe fn write_in_root(to: *const u8, bytes: &[u8]) -> Result {
    // SAFETY: `bytes` is valid for reads; a bad `to` is handled; the rest is the caller's promise.
    to_result(unsafe {
        bindings::copy_to_kernel_nofault(to.cast_mut().cast(), bytes.as_ptr().cast(), bytes.len())
            as c_int
    })
}
