// SPDX-License-Identifier: GPL-2.0

//! #VE inside compartments, and the switches of what makes it safe.

use crate::{
    bindings,
    prelude::*,
    sync::atomic::Relaxed, //
};

use super::super::{
    host,
    logic::{
        abi::{
            consts::KVM_VIEW_OP_UNREMAP,
            ViewOp, //
        },
        access::Access,
        addr::ViewId, //
    },
    stop,
    system, //
};

/// Believes whoever says that a violation came out by the gate, and reads his registers wherever he
/// says that they are.
pub fn set_believed(believed: bool) {
    // SAFETY: One byte, read as such.
    unsafe { (&raw mut bindings::undertow_inside_believed).write_volatile(believed) };
}

/// Leaves the #VE information page in use when the host takes a compartment out.
pub fn set_kept(kept: bool) {
    // SAFETY: One byte, read as such.
    unsafe { (&raw mut bindings::undertow_inside_kept).write_volatile(kept) };
}

/// Loses the record of the next `times` #VE inside, as an event between it and the end of its way out
/// would.
pub fn lose(times: u32) {
    // SAFETY: One aligned word, read as such.
    unsafe { (&raw mut bindings::undertow_inside_lose).write_volatile(times) };
}

/// Takes the next `times` #VE inside for ones that an NMI in the transit view brought out.
pub fn divert(times: u32) {
    // SAFETY: One aligned word, read as such.
    unsafe { (&raw mut bindings::undertow_inside_divert).write_volatile(times) };
}

/// Returns whether the CPU delivers #VE in a view.
pub fn takes_ve(view: u16) -> bool {
    system::inspect(|state| state.has_inside_idt(view))
}

/// Returns how often an event came between a #VE and the end of its way out.
pub fn lost() -> u64 {
    stop::LOST.load(Relaxed)
}

/// Lets a view see the kernel's IDT, or takes it away again.
///
/// # Errors
///
/// - `EINVAL` for a view that there can't be; what the host answers.
pub fn show_idt(view: u16, show: bool) -> Result {
    let id = ViewId::new(view).map_err(|_| EINVAL)?;
    let (idt, instead) = system::inspect(|state| state.inside_idt()).ok_or(ENODEV)?;
    let op = if show {
        ViewOp {
            kind: KVM_VIEW_OP_UNREMAP,
            ..ViewOp::protect(id, idt.range(), Access::R, 0)
        }
    } else {
        ViewOp::remap(id, idt, instead, Access::R)
    };
    host::set(&[op]).map_err(host::errno)
}
