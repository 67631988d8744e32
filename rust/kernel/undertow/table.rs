// SPDX-License-Identifier: GPL-2.0

//! Who owns which frames and which view, for readers that may not wait.
//!
//! A violation is judged with interrupts off, in exception context, perhaps while another CPU
//! registers a region. So these tables only grow or clear single entries: an entry is filled
//! first and published last, by a release store that the reader's acquire load pairs with.
//!
//! # Invariants
//!
//! - INV-TABLE-1: an entry whose `npages` is not 0 has all its other fields set.
//! - INV-TABLE-2: writers hold the lock of [`system`](super::system).

use crate::{
    bindings,
    prelude::*,
    sync::atomic::{
        Acquire,
        Atomic,
        Relaxed,
        Release, //
    },
    ThisModule, //
};

use super::{
    compartment::Compartment,
    region::Policy, //
};

/// Regions that can exist at once.
pub(super) const MAX_REGIONS: usize = 64;

/// Views that this kernel uses at most, view 0 and the transit view included.
pub(super) const MAX_VIEWS: usize = 64;

/// A protected region as the tables know it.
#[derive(Clone, Copy)]
pub(super) struct RegionInfo {
    /// What it is called in messages.
    pub(super) name: &'static CStr,
    /// First frame.
    pub(super) gfn: u64,
    /// Number of frames.
    pub(super) npages: u64,
    /// Who may do what.
    pub(super) policy: Policy,
}

struct Entry {
    name: Atomic<usize>,
    policy: Atomic<u64>,
    gfn: Atomic<u64>,
    npages: Atomic<u64>,
}

static REGIONS: [Entry; MAX_REGIONS] = [const {
    Entry {
        name: Atomic::new(0),
        policy: Atomic::new(0),
        gfn: Atomic::new(0),
        npages: Atomic::new(0),
    }
}; MAX_REGIONS];

/// The compartment that runs in a view, and the module that it belongs to.
struct Tenant {
    compartment: Atomic<usize>,
    module: Atomic<usize>,
}

static VIEWS: [Tenant; MAX_VIEWS] = [const {
    Tenant {
        compartment: Atomic::new(0),
        module: Atomic::new(0),
    }
}; MAX_VIEWS];

impl Entry {
    fn read(&self) -> Option<RegionInfo> {
        let npages = self.npages.load(Acquire);
        if npages == 0 {
            return None;
        }
        Some(RegionInfo {
            // SAFETY: By INV-TABLE-1 this is what `add_region` stored: a `&'static CStr`'s
            // address.
            name: unsafe {
                CStr::from_char_ptr(self.name.load(Relaxed) as *const crate::ffi::c_char)
            },
            gfn: self.gfn.load(Relaxed),
            npages,
            policy: Policy::decode(self.policy.load(Relaxed)),
        })
    }
}

/// Adds a region. `ENOSPC` when the table is full. The caller holds the system lock.
pub(super) fn add_region(info: &RegionInfo) -> Result<usize> {
    for (index, entry) in REGIONS.iter().enumerate() {
        if entry.npages.load(Relaxed) == 0 {
            entry.name.store(info.name.as_char_ptr() as usize, Relaxed);
            entry.policy.store(info.policy.encode(), Relaxed);
            entry.gfn.store(info.gfn, Relaxed);
            entry.npages.store(info.npages, Release);
            return Ok(index);
        }
    }
    Err(ENOSPC)
}

/// Removes a region. The caller holds the system lock.
pub(super) fn remove_region(index: usize) {
    REGIONS[index].npages.store(0, Release);
}

/// Returns all regions there are.
pub(super) fn regions() -> impl Iterator<Item = RegionInfo> {
    REGIONS.iter().filter_map(Entry::read)
}

/// Returns the region that holds the frame, if one does.
pub(super) fn region_at(gfn: u64) -> Option<RegionInfo> {
    regions().find(|region| gfn.wrapping_sub(region.gfn) < region.npages)
}

/// Returns one region. The caller holds the system lock or owns the region.
pub(super) fn region(index: usize) -> Option<RegionInfo> {
    REGIONS.get(index)?.read()
}

/// Says which compartment runs in `view`. The caller holds the system lock.
pub(super) fn set_compartment(
    view: u16,
    tenant: Option<(&'static Compartment, &'static ThisModule)>,
) {
    let (compartment, module) = tenant.map_or((0, 0), |(compartment, module)| {
        (
            core::ptr::from_ref(compartment) as usize,
            module.as_ptr() as usize,
        )
    });
    let entry = &VIEWS[usize::from(view)];
    entry.module.store(module, Relaxed);
    entry.compartment.store(compartment, Release);
}

/// Returns the compartment that runs in `view`.
pub(super) fn compartment(view: u16) -> Option<&'static Compartment> {
    let addr = VIEWS.get(usize::from(view))?.compartment.load(Acquire);
    let ptr = addr as *const Compartment;
    // SAFETY: Null or, stored by `set_compartment`, the address of a `&'static Compartment` whose
    // module is loaded: `system::module_going` clears the entry first.
    unsafe { ptr.as_ref() }
}

/// Returns every compartment with its view.
pub(super) fn compartments() -> impl Iterator<Item = (u16, &'static Compartment)> {
    (0..MAX_VIEWS as u16).filter_map(|view| compartment(view).map(|it| (view, it)))
}

/// Returns the module of every compartment; null is the kernel itself.
pub(super) fn modules() -> impl Iterator<Item = (u16, *mut bindings::module)> {
    compartments().map(|(view, _)| {
        let module = VIEWS[usize::from(view)].module.load(Relaxed);
        (view, module as *mut bindings::module)
    })
}
