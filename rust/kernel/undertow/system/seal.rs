// SPDX-License-Identifier: GPL-2.0

//! The seal: from then on rights can only be tightened.

use crate::{
    bindings,
    error::code::EALREADY,
    prelude::*, //
};

use super::{
    super::host,
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

/// Freezes all rights: from now on they can only be tightened. Modules with compartments stay.
pub(in super::super) fn seal() -> Result {
    if !is_live() {
        return Err(ENODEV);
    }
    let mut state = SYSTEM_STATE.lock();
    if state.sealed {
        return Err(EALREADY);
    }
    let mut pinned = KVec::new();
    let result = pin_modules(&state, &mut pinned).and_then(|()| host::seal().map_err(host::errno));
    if let Err(error) = result {
        for module in pinned {
            // SAFETY: `pin_modules` took a reference.
            unsafe { bindings::module_put(module) };
        }
        return Err(error);
    }
    state.sealed = true;
    pr_info!("undertow: sealed\n");
    Ok(())
}
