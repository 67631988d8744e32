// SPDX-License-Identifier: GPL-2.0

//! What a compartment may have and gets when it asks for it: pages of regions that were lent to it.

use crate::prelude::*;

use super::{
    host,
    logic::{
        abi::{
            consts::{
                KVM_VIEW_OP_POPULATE,
                KVM_VIEW_OP_POPULATE_WRITE, //
            },
            ViewOp, //
        },
        access::Access,
        addr::ViewId,
        verdict::BadAccess, //
    },
};

/// Gives a right, which the layout knows of, by one hypercall. Interrupts are off; takes no lock.
///
/// Who takes it back first waits until interrupts were on everywhere: so the right can't come after
/// that.
///
/// # Errors
///
/// - What the host answers: `EPERM` after the seal.
// Not inlined: the caller may have little stack, and needs it when it logs.
#[inline(never)]
pub(super) fn allow(view: ViewId, access: &BadAccess, wanted: Access) -> Result {
    let flags = KVM_VIEW_OP_POPULATE | KVM_VIEW_OP_POPULATE_WRITE;
    let op = ViewOp::protect(view, access.gfn.range(), wanted, flags);
    host::set_one(op).map_err(host::errno)
}
