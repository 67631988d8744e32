// SPDX-License-Identifier: GPL-2.0

//! Violations: decide, count, log.
//!
//! Runs with interrupts off, in view 0, on a stack that the kernel chose. Takes no lock: what is
//! known of regions and compartments comes from [`table`](super::table).

use crate::{
    bindings,
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};

use super::{
    logic::{
        abi::VeInfo,
        addr::ViewId,
        class::{
            Class,
            Reach,
            View, //
        },
        report::Report,
        verdict::{
            decide,
            OnFault,
            OnWrite,
            Scene,
            Violation,
            What, //
        }, //
    },
    region::Policy,
    table::{
        Reader,
        RegionInfo, //
    }, //
};

static DENIED_IN_ROOT: Atomic<u64> = Atomic::new(0);

/// What is asked for when something is denied, until drivers can say it themselves.
const POLICY: super::logic::verdict::Policy = super::logic::verdict::Policy {
    on_fault: OnFault::Kill,
    on_write: OnWrite::Oops,
};

/// Returns whether one more line may go to the log: ten in five seconds, the rest is counted.
pub(super) fn may_log() -> bool {
    // SAFETY: Takes a lock by trying only; any context. The name is for the line that counts what
    // was left out.
    unsafe { bindings::__printk_ratelimit(c"undertow".as_char_ptr()) != 0 }
}

pub(super) fn class_of(region: Option<&RegionInfo<'_>>) -> Class {
    match region.map(|it| it.policy) {
        Some(Policy::KernelRw) => Class::KernelRw,
        Some(Policy::KernelRo) => Class::KernelRo,
        Some(Policy::CompartmentOnly(number)) => {
            ViewId::new(number).map_or(Class::KernelRw, Class::OnlyRo)
        }
        Some(Policy::Lent(number)) => ViewId::new(number).map_or(Class::KernelRw, Class::Lent),
        Some(Policy::WrittenBy(number)) => {
            ViewId::new(number).map_or(Class::KernelRo, Class::WrittenBy)
        }
        None => Class::Ordinary,
    }
}

pub(super) fn region_of<'a>(tables: Reader<'a>, violation: &Violation) -> Option<RegionInfo<'a>> {
    match violation.what {
        What::Access(access) => tables.region_at(access.gfn.number()),
        _ => None,
    }
}

pub(super) fn scene(violation: &Violation, class: Class) -> Scene {
    Scene {
        view: View::new(violation.view, Reach::Readable, false),
        class,
        attempts: 0,
        in_crossing: violation.view != ViewId::ROOT,
        irqs_on: false,
        is_dead: false,
        is_sealed: true,
        has_fixup: true,
        is_spurious: false,
    }
}

impl crate::fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut crate::fmt::Formatter<'_>) -> crate::fmt::Result {
        core::fmt::Display::fmt(self, f)
    }
}

/// Returns a #VE record in the terms of the logic.
pub(super) fn ve_info(info: &bindings::kvm_ve_info) -> &VeInfo {
    const { assert!(size_of::<VeInfo>() == size_of::<bindings::kvm_ve_info>()) };
    // SAFETY: Both are the same 80 bytes of plain integers; `logic` checks the layout.
    unsafe { &*core::ptr::from_ref(info).cast::<VeInfo>() }
}

/// View 0 was denied an access by #VE: says what it did. What follows is up to the exception
/// table.
///
/// # Safety
///
/// Interrupts must be off, on a CPU that RCU is watching.
pub(super) unsafe fn denied_in_root(info: &bindings::kvm_ve_info, ip: usize) {
    DENIED_IN_ROOT.add(1, Relaxed);
    if !may_log() {
        return;
    }
    let info = ve_info(info);

    let Ok(violation) = Violation::of_ve(info, ViewId::ROOT, ip as u64) else {
        pr_err!("undertow: #VE with a record of something else\n");
        return;
    };
    // SAFETY: The caller's promise, which holds to the end of this function.
    let region = region_of(unsafe { Reader::new() }, &violation);
    let class = class_of(region.as_ref());
    let mut scene = scene(&violation, class);
    // SAFETY: Searches the exception tables; safe in any context.
    scene.has_fixup = unsafe { bindings::undertow_has_fixup(ip) };

    pr_warn!(
        "{}\n",
        Report {
            violation: &violation,
            compartment: None,
            class,
            region: region.as_ref().and_then(|it| it.name.to_str().ok()),
            verdict: decide(&violation, &scene, &POLICY),
        }
    );
}

/// Returns how many accesses were denied in view 0.
pub(super) fn denied() -> u64 {
    DENIED_IN_ROOT.load(Relaxed)
}
