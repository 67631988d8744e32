// SPDX-License-Identifier: GPL-2.0

//! Services without a gate, and with an attacker in its place.

use crate::{
    error::Error,
    undertow::Fault, //
};
use core::{
    cell::RefCell,
    ffi::{
        c_long,
        c_void,
        CStr, //
    },
    slice, //
};

/// What becomes of a block before the service sees it.
pub type Forger = fn(&mut [u64]);

thread_local! {
    static FORGER: RefCell<Option<Forger>> = const { RefCell::new(None) };
}

/// Makes the next request of this thread a forged one.
pub fn forge(forger: Forger) {
    FORGER.set(Some(forger));
}

pub struct Service {
    pub name: &'static CStr,
    pub run: fn(&mut [u64]) -> Result<(), Fault>,
    pub sleeps: bool,
}

impl Service {
    pub const fn new(
        name: &'static CStr,
        run: fn(&mut [u64]) -> Result<(), Fault>,
        sleeps: bool,
    ) -> Self {
        Self { name, run, sleeps }
    }
}

/// # Safety
///
/// As in the kernel: a service, and a block of whole words.
pub(crate) unsafe fn undertow_service_call(
    service: *const c_void,
    block: *mut c_void,
    bytes: usize,
) -> c_long {
    assert!(bytes > 0 && bytes.is_multiple_of(8) && bytes <= 512);
    // SAFETY: The caller's promise.
    let (service, block) = unsafe {
        (
            &*service.cast::<Service>(),
            slice::from_raw_parts_mut(block.cast::<u64>(), bytes / 8),
        )
    };
    if let Some(forger) = FORGER.take() {
        forger(block);
    }
    (service.run)(block).map_or_else(|fault| Error::from(fault).to_errno().into(), |()| 0)
}
