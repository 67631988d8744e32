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
//! - INV-TABLE-3: what an entry points to is freed after the entry was cleared and both the lock
//!   was taken and a grace period of RCU went by. Modules are: they drop their regions, and give
//!   back their compartments under the lock, before the loader waits for RCU and frees them.

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
use core::marker::PhantomData;

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
pub(super) struct RegionInfo<'a> {
    /// What it is called in messages.
    pub(super) name: &'a CStr,
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

struct Room {
    compartment: Atomic<usize>,
    module: Atomic<usize>,
}

static VIEWS: [Room; MAX_VIEWS] = [const {
    Room {
        compartment: Atomic::new(0),
        module: Atomic::new(0),
    }
}; MAX_VIEWS];

/// The compartment that runs in a view, and the module that it belongs to: null is the kernel
/// itself.
pub(super) struct Tenant<'a> {
    pub(super) compartment: &'a Compartment,
    pub(super) module: *mut bindings::module,
}

/// Leave to read the tables for as long as `'a` lasts.
///
/// Names and compartments lie in modules. Without it a reader could be left with the name of a
/// module that has gone.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a>(PhantomData<&'a ()>);

impl<'a> Reader<'a> {
    /// # Safety
    ///
    /// As long as `'a` lasts the caller must hold the system lock, or have interrupts off where RCU
    /// is watching: INV-TABLE-3 then keeps everything alive.
    pub(super) unsafe fn new() -> Self {
        Self(PhantomData)
    }

    fn region_of(self, entry: &Entry) -> Option<RegionInfo<'a>> {
        let npages = entry.npages.load(Acquire);
        if npages == 0 {
            return None;
        }
        let name = entry.name.load(Relaxed) as *const crate::ffi::c_char;
        Some(RegionInfo {
            // SAFETY: By INV-TABLE-1 this is what `add_region` stored: a string's address. It lives
            // for `'a`, by the promise made to `new`.
            name: unsafe { CStr::from_char_ptr(name) },
            gfn: entry.gfn.load(Relaxed),
            npages,
            policy: Policy::decode(entry.policy.load(Relaxed)),
        })
    }

    /// Returns all regions there are.
    pub(super) fn regions(self) -> impl Iterator<Item = RegionInfo<'a>> {
        REGIONS
            .iter()
            .filter_map(move |entry| self.region_of(entry))
    }

    /// Returns the region that holds the frame, if one does.
    pub(super) fn region_at(self, gfn: u64) -> Option<RegionInfo<'a>> {
        self.regions()
            .find(|region| gfn.wrapping_sub(region.gfn) < region.npages)
    }

    /// Returns one region.
    pub(super) fn region(self, index: usize) -> Option<RegionInfo<'a>> {
        self.region_of(REGIONS.get(index)?)
    }

    /// Returns who runs in `view`.
    pub(super) fn tenant(self, view: u16) -> Option<Tenant<'a>> {
        let room = VIEWS.get(usize::from(view))?;
        let compartment = room.compartment.load(Acquire) as *const Compartment;
        Some(Tenant {
            // SAFETY: Null or, stored by `set_compartment`, the address of a compartment, which
            // lives for `'a`, by the promise made to `new`.
            compartment: unsafe { compartment.as_ref() }?,
            module: room.module.load(Relaxed) as *mut bindings::module,
        })
    }

    /// Returns every compartment with its view.
    pub(super) fn tenants(self) -> impl Iterator<Item = (u16, Tenant<'a>)> {
        (0..MAX_VIEWS as u16).filter_map(move |view| Some((view, self.tenant(view)?)))
    }
}

/// Adds a region. `ENOSPC` when the table is full. The caller holds the system lock.
pub(super) fn add_region(info: &RegionInfo<'static>) -> Result<usize> {
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

/// Nothing of a region is lent any more. The caller holds the system lock.
pub(super) fn end_loan(index: usize) {
    REGIONS[index]
        .policy
        .store(Policy::KernelRw.encode(), Relaxed);
}

/// Removes a region. The caller holds the system lock.
pub(super) fn remove_region(index: usize) {
    REGIONS[index].npages.store(0, Release);
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
