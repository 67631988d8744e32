// SPDX-License-Identifier: GPL-2.0

//! Learn mode: what a compartment writes beside its own memory is allowed, one page after the
//! other, and said in the log, so that one run shows all that existing code needs.
//!
//! A compartment that learns is not isolated. So it takes two to have one: the declaration with
//! [`OnFault::Audit`], and the boot parameter `undertow_learn`. Nothing is learned once the system
//! is sealed: the host refuses.
//!
//! # Invariants
//!
//! - INV-LEARN-1: no text that any view of ours executes becomes writable (INV-VIEW-7), and no
//!   region.
//! - INV-LEARN-2: a view in which something was learned is not used for another compartment.

use crate::{
    bindings,
    page::PAGE_SIZE,
    prelude::*, //
};
use core::ops::Range;

use super::{
    compartment::{
        Compartment,
        OnFault, //
    },
    host,
    logic::{
        abi::{
            consts::KVM_VIEW_OP_POPULATE,
            ViewOp, //
        },
        access::{
            Access,
            Rights, //
        },
        addr::{
            GfnRange,
            ViewId, //
        },
        verdict::{
            self,
            BadAccess,
            Violation,
            What, //
        }, //
    },
    table::Reader,
    text, //
};

/// Pages that one compartment may learn: a bound on what a loop can do.
const MAX_LEARNED: u32 = 512;

/// Returns whether a compartment learns: it asked for it, and so did who booted this kernel.
pub(super) fn applies(compartment: &Compartment) -> bool {
    // SAFETY: Written at boot only, before any compartment is registered.
    let is_on = unsafe { bindings::undertow_learn };
    is_on && compartment.descriptor().on_fault == OnFault::Audit
}

/// Says at registration what is to be expected of a compartment that asks to learn.
pub(super) fn announce(compartment: &Compartment) {
    if compartment.descriptor().on_fault != OnFault::Audit {
        return;
    }
    if applies(compartment) {
        pr_warn!(
            "undertow: compartment \"{}\" learns: it is not isolated\n",
            compartment.name()
        );
    } else {
        pr_info!(
            "undertow: compartment \"{}\" would learn what it needs, with undertow_learn\n",
            compartment.name()
        );
    }
}

/// Returns what was asked for in case of a violation in a compartment.
pub(super) fn policy(compartment: &Compartment) -> verdict::Policy {
    verdict::Policy {
        on_fault: if applies(compartment) {
            verdict::OnFault::Audit
        } else {
            verdict::OnFault::Kill
        },
        on_write: verdict::OnWrite::Oops,
    }
}

/// Returns whether a violation is one that can be learned from: any other is judged as usual.
pub(super) fn concerns(violation: &Violation) -> bool {
    matches!(violation.what, What::Access(access) if access.missing == Rights::W)
}

/// Gives a right. Interrupts are off; takes no lock.
///
/// # Errors
///
/// - `EACCES` for text.
/// - `ENOSPC` when the compartment has learned enough.
/// - What the host answers: `EPERM` after the seal.
pub(super) fn allow(
    tables: Reader<'_>,
    compartment: &Compartment,
    view: ViewId,
    access: &BadAccess,
    wanted: Access,
) -> Result {
    // INVARIANT: INV-LEARN-1: regions are not ordinary memory, for which alone the logic says so.
    if is_text(tables, access.gfn.number()) {
        return Err(EACCES);
    }
    // INVARIANT: INV-LEARN-2: counted before there is anything to leave behind.
    if compartment.count_learned() >= MAX_LEARNED {
        compartment.uncount_learned();
        return Err(ENOSPC);
    }
    let frame = GfnRange::new(access.gfn.number(), 1).map_err(|_| EINVAL)?;
    // Mapped at once: one exit less.
    let op = ViewOp::protect(view, frame, wanted, KVM_VIEW_OP_POPULATE);
    host::set_one(op).map_err(|error| {
        compartment.uncount_learned();
        host::errno(error)
    })
}

/// Returns whether the next compartment may have the view of this one.
pub(super) fn is_reusable(compartment: &Compartment) -> bool {
    #[cfg(CONFIG_UNDERTOW_SELFTEST)]
    if super::selftest::reuses_learned() {
        return true;
    }
    !applies(compartment)
}

/// Returns whether a frame holds a gate, common text or text of a compartment.
fn is_text(tables: Reader<'_>, gfn: u64) -> bool {
    #[cfg(CONFIG_UNDERTOW_SELFTEST)]
    if super::selftest::learns_text() {
        return false;
    }
    let holds = |range: Range<usize>| {
        Iterator::step_by(range, PAGE_SIZE).any(|page| host::gfn_at(page) == gfn)
    };
    holds(text::gates())
        || holds(text::common())
        || tables.tenants().any(|(_, tenant)| {
            let (start, end) = (tenant.compartment.descriptor().text)();
            holds(start..end)
        })
}
