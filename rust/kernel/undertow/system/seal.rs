// SPDX-License-Identifier: GPL-2.0

//! The seal: from then on rights can only be tightened.

use crate::{
    bindings,
    error::code::EALREADY,
    prelude::*, //
};

use super::{
    super::{
        host,
        restart, //
    },
    is_live,
    State,
    SYSTEM_STATE, //
};

/// Takes a reference to each module that has a compartment.
fn pin_modules(state: &State, pinned: &mut KVec<*mut bindings::module>) -> Result {
    for (_, tenant) in state.tables().tenants() {
        let module = tenant.module;
        if module.is_null() {
            continue;
        }
        pinned.reserve(1, GFP_KERNEL)?;
        // SAFETY: A module with an entry in the table is loaded, see `module_going`.
        if !unsafe { bindings::try_module_get(module) } {
            return Err(EBUSY);
        }
        pinned.push(module, GFP_KERNEL)?;
    }
    Ok(())
}

/// Returns whether rights can only be tightened. Needs no lock; true a moment before it is so.
pub(in super::super) fn is_sealed() -> bool {
    // SAFETY: One byte, 0 or 1.
    unsafe { (&raw const bindings::undertow_sealed).read_volatile() }
}

fn set_sealed(sealed: bool) {
    // SAFETY: One byte, written with the system lock held.
    unsafe { (&raw mut bindings::undertow_sealed).write_volatile(sealed) };
}

/// Freezes all rights: from now on they can only be tightened. Modules with compartments stay.
pub(in super::super) fn seal() -> Result {
    // What a kill takes now, a restart could not give any more.
    restart::hold(seal_held)
}

fn seal_held() -> Result {
    if !is_live() {
        return Err(ENODEV);
    }
    let mut state = SYSTEM_STATE.lock();
    if state.sealed {
        return Err(EALREADY);
    }
    let mut pinned = KVec::new();
    let result = pin_modules(&state, &mut pinned).and_then(|()| {
        // Before, so that a fault that kills now leaves the rights alone.
        set_sealed(true);
        host::seal().map_err(host::errno)
    });
    if let Err(error) = result {
        set_sealed(false);
        for module in pinned {
            // SAFETY: `pin_modules` took a reference.
            unsafe { bindings::module_put(module) };
        }
        return Err(error);
    }
    state.sealed = true;
    pr_info!("undertow: sealed\n");
    for (_, tenant) in state.tables().tenants() {
        if tenant.compartment.is_stripped() {
            pr_warn!(
                "undertow: compartment \"{}\" was killed before the seal: no restart\n",
                tenant.compartment.name()
            );
        }
    }
    Ok(())
}
