// SPDX-License-Identifier: GPL-2.0

//! The system as a whole: which views exist, who owns which frame, and whether any of it is
//! enforced.
//!
//! All changes go through here under one lock: claim the frames in the [`Layout`], then let the
//! host put in force what the layout's plan says. Nothing else changes rights. Here are the state
//! and the ways to change it; below, who asks for a change: the kernel at boot (`own`), compartments
//! that come and go (`tenants`), regions (`regions`), the seal (`seal`).
//!
//! # Invariants
//!
//! - INV-SYSTEM-1: what the host enforces is what the layout plans, except for a change that
//!   failed half-way, which leaves fewer rights, never more; and for what was lent on demand, which
//!   is taken back before anything else happens to it.

use crate::{
    bindings,
    error::code,
    page::PAGE_SIZE,
    prelude::*, //
};

use super::{
    host,
    logic::{
        abi::{
            consts::KVM_VIEW_OP_VE,
            ViewOp, //
        },
        access::Access,
        addr::{
            Gfn,
            GfnRange,
            ViewId, //
        },
        class::{
            Class,
            Grant,
            Reach,
            View, //
        },
        layout::{
            plan_change,
            Edit,
            Layout,
            LayoutError,
            Phase, //
        },
        map::Change, //
    },
    table::{
        Reader,
        MAX_VIEWS, //
    },
};

mod own;
mod regions;
mod seal;
mod tenants;

pub(super) use self::{
    own::restrict,
    regions::{
        protect,
        unprotect_root,
        unprotect_views, //
    },
    seal::{
        is_sealed,
        seal, //
    },
    tenants::{
        adopt,
        module_going, //
    }, //
};
pub(super) use super::start::{
    backend,
    is_live,
    is_required, //
};

/// Runs of frames with an owner, all views together.
const MAX_RUNS: usize = 512;

pub(super) struct State {
    layout: Layout<MAX_RUNS>,
    /// One bit per view that the host was told to create.
    created: u64,
    /// One bit per created view that has no compartment.
    free: u64,
    /// One bit per view in which the CPU can deliver #VE.
    takes_ve: u64,
    /// The frame of the IDT, and what such views see in its place.
    inside_idt: Option<(Gfn, Gfn)>,
    sealed: bool,
}

kernel::sync::global_lock! {
    // SAFETY: Initialised by `prepare`, before anything else here can be called.
    unsafe(uninit) static SYSTEM_STATE: Mutex<State> = State {
        layout: Layout::new(),
        created: 0b11,
        free: 0,
        takes_ve: 0,
        inside_idt: None,
        sealed: false,
    };
}

fn layout_errno(error: LayoutError) -> Error {
    match error {
        LayoutError::Taken => code::EEXIST,
        LayoutError::Full => code::ENOSPC,
        LayoutError::NotOwned | LayoutError::BadShape | LayoutError::BadOwner => code::EINVAL,
    }
}

/// Makes the lock usable.
///
/// # Safety
///
/// Called once, before any other function of this module.
pub(super) unsafe fn prepare() {
    // SAFETY: The caller's promise.
    unsafe { SYSTEM_STATE.init() };
}

/// Has the host carry out the edits that `plan` emits, in order.
fn apply_plan(
    plan: impl FnOnce(&mut dyn FnMut(Edit) -> Result<(), Error>) -> Result<(), Error>,
) -> Result {
    let mut ops = KVec::new();
    plan(&mut |edit| Ok(ops.push(edit.op(true), GFP_KERNEL)?))?;
    host::set(&ops).map_err(host::errno)
}

fn create_view(layout: &Layout<MAX_RUNS>, view: View) -> Result {
    host::create(view.id, view.default_access()).map_err(host::errno)?;
    apply_plan(|emit| layout.plan_view(view, emit))
}

impl State {
    /// Returns whether rights can only be tightened any more.
    pub(super) fn is_sealed(&self) -> bool {
        self.sealed
    }

    /// Returns how many views exist, view 0 included.
    pub(super) fn nr_views(&self) -> u32 {
        self.created.count_ones()
    }

    /// Returns whether the host was told to create this view.
    pub(super) fn has_view(&self, number: u16) -> bool {
        self.created & 1 << number != 0
    }

    /// Returns whether the CPU delivers #VE in a view.
    #[cfg(CONFIG_UNDERTOW_SELFTEST)]
    pub(super) fn has_inside_idt(&self, number: u16) -> bool {
        self.takes_ve & 1 << number != 0
    }

    /// Returns the frame of the IDT, and what views see in its place.
    #[cfg(CONFIG_UNDERTOW_SELFTEST)]
    pub(super) fn inside_idt(&self) -> Option<(Gfn, Gfn)> {
        self.inside_idt
    }

    /// Returns how many runs of frames have an owner.
    #[cfg(CONFIG_UNDERTOW_SELFTEST)]
    pub(super) fn nr_runs(&self) -> usize {
        self.layout.runs().len()
    }

    /// Returns leave to read the tables.
    pub(super) fn tables(&self) -> Reader<'_> {
        // SAFETY: A state can be had from the lock only, which is therefore held.
        unsafe { Reader::new() }
    }

    /// Returns every view that a change has to reach.
    fn views(&self) -> Result<KVec<View>> {
        let mut views = KVec::new();
        for number in 0..MAX_VIEWS as u16 {
            if self.has_view(number) {
                views.push(self.view(number)?, GFP_KERNEL)?;
            }
        }
        Ok(views)
    }

    /// Puts one half of a change of class in force, for several ranges at once.
    fn change(&self, changes: &[Change<Class>], phase: Phase) -> Result {
        let views = self.views()?;
        apply_plan(|emit| {
            for &change in changes {
                plan_change(change, phase, &views, &mut *emit)?;
            }
            Ok(())
        })
    }

    /// Gives a compartment a view: one that was given back, or a new one.
    fn take_view(&mut self) -> Result<u16> {
        if self.free != 0 {
            let number = self.free.trailing_zeros() as u16;
            self.free &= !(1 << number);
            return Ok(number);
        }
        let number = (!self.created).trailing_zeros() as u16;
        if usize::from(number) >= MAX_VIEWS {
            return Err(ENOSPC);
        }
        create_view(&self.layout, self.view(number)?)?;
        self.created |= 1 << number;
        self.let_ve_in(number)?;
        Ok(number)
    }

    /// Returns a view as plans need it.
    fn view(&self, number: u16) -> Result<View> {
        let takes_ve = self.takes_ve & 1 << number != 0;
        Ok(View::new(view_id(number)?, Reach::Readable, takes_ve))
    }

    /// Has the CPU deliver #VE in a view, where it can. Where not, violations there are exits.
    fn let_ve_in(&mut self, number: u16) -> Result {
        let Some((idt, instead)) = self.inside_idt else {
            return Ok(());
        };
        let op = ViewOp::remap(view_id(number)?, idt, instead, Access::R);
        if host::set(&[op]).is_err() {
            return Ok(());
        }
        // INVARIANT: INV-SYSTEM-1: the IDT itself stays absent, as planned.
        self.takes_ve |= 1 << number;
        let view = self.view(number)?;
        self.tell(view, |grant| grant.ve)
    }

    /// Tells the host once more what a view grants on frames with an owner: those that `which` picks.
    fn tell(&self, view: View, which: impl Fn(Grant) -> bool) -> Result {
        apply_plan(|emit| {
            for run in self.layout.runs() {
                let grant = run.value.grant(view);
                if run.value != Class::Idt && which(grant) {
                    emit(Edit {
                        view: view.id,
                        range: run.range,
                        grant,
                    })?;
                }
            }
            Ok(())
        })
    }

    /// Has writes to ordinary memory raise #VE in the view of a compartment that learns.
    fn learn_by_ve(&self, number: u16) -> Result {
        let view = self.view(number)?;
        let Some((idt, _)) = self.inside_idt.filter(|_| view.takes_ve) else {
            return Ok(());
        };
        // SAFETY: Set once, at boot.
        let end = unsafe { bindings::undertow_max_gfn() };
        let access = Class::Ordinary.grant(view).access;
        let mut ops = KVec::new();
        for (start, end) in [(0, idt.number()), (idt.number() + 1, end)] {
            if let Ok(range) = GfnRange::between(start, end) {
                let op = ViewOp::protect(view.id, range, access, KVM_VIEW_OP_VE);
                ops.push(op, GFP_KERNEL)?;
            }
        }
        host::set(&ops).map_err(host::errno)?;
        // What has an owner is not ordinary. Nobody has entered the view yet.
        self.tell(view, |_| true)
    }

    /// Returns whether frames belong to this view: a region that was not given back, say.
    fn owns_anything(&self, number: u16) -> bool {
        self.layout
            .runs()
            .iter()
            .any(|run| run.value.owner().map(ViewId::number) == Some(number))
    }

    /// Gives a compartment that runs unprotected an entry in the table.
    fn take_number(&mut self) -> Result<u16, (Error, bool)> {
        let number = (!self.created).trailing_zeros() as u16;
        if usize::from(number) >= MAX_VIEWS {
            return Err((ENOSPC, true));
        }
        self.created |= 1 << number;
        Ok(number)
    }

    /// Claims frames for `class`; what was claimed is remembered in `changes`.
    fn claim(
        &mut self,
        addr: usize,
        bytes: usize,
        class: Class,
        changes: &mut KVec<Change<Class>>,
    ) -> Result {
        for page in (addr..addr + bytes).step_by(PAGE_SIZE) {
            let range = GfnRange::new(host::gfn_at(page), 1).map_err(|_| EINVAL)?;
            changes.reserve(1, GFP_KERNEL)?;
            self.layout.claim(range, class).map_err(layout_errno)?;
            changes.push(from_ordinary(range, class), GFP_KERNEL)?;
        }
        Ok(())
    }

    /// Makes the frames of `changes` ordinary again, in the layout and in every view.
    fn take_back(&mut self, changes: &[Change<Class>]) -> Result {
        let mut back = KVec::with_capacity(changes.len(), GFP_KERNEL)?;
        for &Change { range, old, new } in changes {
            back.push(
                Change {
                    range,
                    old: new,
                    new: old,
                },
                GFP_KERNEL,
            )?;
        }
        self.change(&back, Phase::Tighten)?;
        self.change(&back, Phase::Widen)?;
        for change in changes {
            self.layout
                .release(change.range, change.new)
                .map_err(layout_errno)?;
        }
        Ok(())
    }
}

fn from_ordinary(range: GfnRange, class: Class) -> Change<Class> {
    Change {
        range,
        old: Class::Ordinary,
        new: class,
    }
}

fn view_id(number: u16) -> Result<ViewId> {
    ViewId::new(number).map_err(|_| EINVAL)
}

/// Calls `look` with the state, which does not change meanwhile: nothing registers, nothing is
/// taken down, and no module with a name in the tables goes. May sleep.
pub(super) fn inspect<R>(look: impl FnOnce(&State) -> R) -> R {
    look(&SYSTEM_STATE.lock())
}
