// SPDX-License-Identifier: GPL-2.0

//! What the kernel claims for Undertow itself, once, at boot.

use crate::{
    bindings,
    page::PAGE_SIZE,
    prelude::*, //
};
use core::ops::Range;

use super::{
    super::{
        host,
        logic::{
            addr::{
                Gfn,
                GfnRange, //
            },
            class::{
                Class,
                View, //
            },
            layout::Layout, //
        },
        text, //
    },
    apply_plan,
    create_view,
    layout_errno,
    MAX_RUNS,
    SYSTEM_STATE, //
};

/// Takes from view 0 what it must not have, and creates the transit view. An error says why not.
///
/// `inside`: the CPU can deliver #VE in views, and views can see another frame in place of one.
pub(in super::super) fn restrict(inside: bool) -> Result<(), &'static CStr> {
    let mut state = SYSTEM_STATE.lock();
    text::scan(&text::common())
        .map_err(|_| c"bytes of the common text are, by chance, a forbidden instruction")?;
    claim_own_pages(&mut state.layout).map_err(|_| c"the kernel's own pages can't be claimed")?;
    if inside {
        state.inside_idt = inside_idt();
    }
    create_view(&state.layout, View::TRANSIT)
        .map_err(|_| c"the host refused to create the transit view")?;
    apply_plan(|emit| state.layout.plan_view(View::ROOT, emit))
        .map_err(|_| c"the host refused to restrict view 0")?;
    Ok(())
}

/// Claims what no compartment may own: gates, common text, IDT, #VE pages.
fn claim_own_pages(layout: &mut Layout<MAX_RUNS>) -> Result {
    claim_gates(layout)?;

    layout
        .claim(pages(&text::common())?, Class::CommonText)
        .map_err(layout_errno)?;

    // SAFETY: No precondition.
    let idt = unsafe { bindings::undertow_idt_gfn() };
    let idt = GfnRange::new(idt, 1).map_err(|_| EINVAL)?;
    layout.claim(idt, Class::Idt).map_err(layout_errno)?;

    for cpu in host::possible_cpus() {
        // SAFETY: `cpu` is a possible CPU.
        let gfn = unsafe { bindings::undertow_ve_page_gfn(cpu) };
        let page = GfnRange::new(gfn, 1).map_err(|_| EINVAL)?;
        layout.claim(page, Class::VeInfo).map_err(layout_errno)?;
    }
    Ok(())
}

/// Returns the frame of the IDT, and the one that views see instead to take #VE.
fn inside_idt() -> Option<(Gfn, Gfn)> {
    // SAFETY: A gate was selected; called once, at boot.
    let instead = unsafe { bindings::undertow_inside_idt_gfn() };
    // SAFETY: No precondition.
    let idt = unsafe { bindings::undertow_idt_gfn() };
    if instead == 0 {
        return None;
    }
    Some((Gfn::new(idt).ok()?, Gfn::new(instead).ok()?))
}

/// Claims every page that has a gate on it: the one in use, and the others, which must not be
/// executable anywhere.
fn claim_gates(layout: &mut Layout<MAX_RUNS>) -> Result {
    let all = text::gates();
    let used = text::gate();

    layout.claim_gate(pages(&used)?).map_err(layout_errno)?;
    for unused in [all.start..used.start, used.end..all.end] {
        if !unused.is_empty() {
            layout
                .claim(pages(&unused)?, Class::UnusedGate)
                .map_err(layout_errno)?;
        }
    }
    Ok(())
}

/// Returns the frames of whole pages of the kernel's image, which lie side by side.
fn pages(addresses: &Range<usize>) -> Result<GfnRange> {
    let nr_pages = addresses.len() / PAGE_SIZE;
    GfnRange::new(host::gfn_at(addresses.start), nr_pages as u64).map_err(|_| EINVAL)
}
