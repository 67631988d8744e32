// SPDX-License-Identifier: GPL-2.0

//! The system as a whole: which views exist, who owns which frame, and whether any of it is
//! enforced.
//!
//! All changes go through here under one lock: claim the frames in the [`Layout`], then let the
//! host put in force what the layout's plan says. Nothing else changes rights.
//!
//! # Invariants
//!
//! - INV-SYSTEM-1: what the host enforces is what the layout plans, except for a change that
//!   failed half-way, which leaves fewer rights, never more.

use crate::{
    bindings,
    error::code,
    page::PAGE_SIZE,
    prelude::*,
    ThisModule, //
};

use super::{
    compartment::Compartment,
    host,
    logic::{
        addr::{
            GfnRange,
            ViewId, //
        },
        class::{
            Class,
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
    region::Policy,
    table::{
        self,
        RegionInfo,
        MAX_VIEWS, //
    },
    text, //
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
    sealed: bool,
}

kernel::sync::global_lock! {
    // SAFETY: Initialised by `prepare`, before anything else here can be called.
    unsafe(uninit) static SYSTEM_STATE: Mutex<State> = State {
        layout: Layout::new(),
        created: 0b11,
        free: 0,
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

/// Takes from view 0 what it must not have, and creates the transit view. An error says why not.
pub(super) fn restrict(gate: usize) -> Result<(), &'static CStr> {
    let mut state = SYSTEM_STATE.lock();
    claim_own_pages(&mut state.layout, gate)
        .map_err(|_| c"the kernel's own pages can't be claimed")?;
    create_view(&state.layout, View::TRANSIT)
        .map_err(|_| c"the host refused to create the transit view")?;
    apply_plan(|emit| state.layout.plan_view(View::ROOT, emit))
        .map_err(|_| c"the host refused to restrict view 0")?;
    Ok(())
}

/// Claims what no compartment may own: gate, common text, IDT, #VE pages.
fn claim_own_pages(layout: &mut Layout<MAX_RUNS>, gate: usize) -> Result {
    let pages = |addr: usize, bytes: usize| {
        GfnRange::new(host::gfn_at(addr), (bytes / PAGE_SIZE) as u64).map_err(|_| EINVAL)
    };
    layout
        .claim_gate(pages(gate, 4 * PAGE_SIZE)?)
        .map_err(layout_errno)?;

    let (start, end) = text::common();
    text::scan(start, end).map_err(|_| ENOEXEC)?;
    layout
        .claim(pages(start, end - start)?, Class::CommonText)
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
    /// Returns every view that a change has to reach.
    fn views(&self) -> Result<KVec<View>> {
        let mut views = KVec::new();
        for number in 0..MAX_VIEWS as u16 {
            if self.created & 1 << number != 0 {
                views.push(view(number)?, GFP_KERNEL)?;
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
        create_view(&self.layout, view(number)?)?;
        self.created |= 1 << number;
        Ok(number)
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

fn view(number: u16) -> Result<View> {
    let id = ViewId::new(number).map_err(|_| EINVAL)?;
    Ok(match id {
        ViewId::ROOT => View::ROOT,
        ViewId::TRANSIT => View::TRANSIT,
        id => View {
            id,
            reach: Reach::Readable,
        },
    })
}

/// Gives a compartment its memory and, on a live system, its view.
pub(super) fn adopt(compartment: &'static Compartment, module: &'static ThisModule) -> Result {
    let desc = compartment.descriptor();

    if !is_live() && is_required() {
        pr_err!(
            "undertow: compartment \"{}\" refused: protection is required, and not available\n",
            desc.name
        );
        return Err(ENODEV);
    }
    let mut state = SYSTEM_STATE.lock();
    if state.sealed {
        pr_err!(
            "undertow: compartment \"{}\" refused: the system is sealed\n",
            desc.name
        );
        return Err(EPERM);
    }
    compartment.pool.create(desc.stacks, desc.heap)?;
    let number = if is_live() {
        settle(&mut state, compartment)
    } else {
        pr_warn!("undertow: compartment \"{}\" runs unprotected\n", desc.name);
        state.take_number()
    };
    match number {
        Ok(number) => {
            table::set_compartment(number, Some((compartment, module)));
            Ok(())
        }
        Err((error, is_clean)) => {
            if is_clean {
                // SAFETY: No call could begin yet, and no view has rights to the pages any more.
                unsafe { compartment.pool.destroy() };
            }
            Err(error)
        }
    }
}

/// Gives a compartment a view. An error comes with whether everything was taken back.
fn settle(state: &mut State, compartment: &'static Compartment) -> Result<u16, (Error, bool)> {
    let number = state.take_view().map_err(|error| (error, true))?;
    let mut changes = KVec::new();

    if let Err(error) = build(state, compartment, number, &mut changes) {
        let is_clean = state.take_back(&changes).is_ok();
        // With something left in it, the view is not used again.
        if is_clean {
            state.free |= 1 << number;
        }
        return Err((error, is_clean));
    }
    compartment.set_view(number);
    pr_info!(
        "undertow: compartment \"{}\": view {}, {} frames, text scanned clean\n",
        compartment.name(),
        number,
        changes.len()
    );
    Ok(number)
}

/// Claims the compartment's frames and puts their rights in force.
fn build(
    state: &mut State,
    compartment: &Compartment,
    number: u16,
    changes: &mut KVec<Change<Class>>,
) -> Result {
    let owner = view(number)?.id;
    let (start, end) = (compartment.descriptor().text)();

    if start % PAGE_SIZE != 0 || end % PAGE_SIZE != 0 || start >= end {
        pr_err!("undertow: the isolated text is not made of whole pages\n");
        return Err(ENOEXEC);
    }
    state.claim(start, end - start, Class::Text(owner), changes)?;
    for (addr, bytes) in compartment.pool.writable() {
        state.claim(addr, bytes, Class::Stack(owner), changes)?;
    }

    // From here on nobody can change the text, and nobody can run it yet: what the scan sees is
    // what will run.
    state.change(changes, Phase::Tighten)?;
    text::scan(start, end).map_err(|hit| {
        pr_err!(
            "undertow: compartment \"{}\" refused: {} at text offset {:#x}\n",
            compartment.name(),
            hit.pattern.name,
            hit.offset
        );
        ENOEXEC
    })?;
    state.change(changes, Phase::Widen)
}

/// Takes a module's compartments down before its memory is freed.
pub(super) fn module_going(module: *mut bindings::module) {
    let mut state = SYSTEM_STATE.lock();

    for (number, owner) in table::modules() {
        let Some(compartment) = table::compartment(number) else {
            continue;
        };
        if module.is_null() || owner != module {
            continue;
        }
        let is_idle = compartment.retire();
        if !is_idle {
            pr_err!(
                "undertow: compartment \"{}\" has calls inside while its module goes\n",
                compartment.name()
            );
        }
        table::set_compartment(number, None);
        let released = if is_live() {
            release_frames(&mut state, number)
        } else {
            Ok(())
        };
        match released {
            Ok(()) => {
                if !is_live() {
                    state.created &= !(1 << number);
                } else if is_idle && !state.owns_anything(number) {
                    state.free |= 1 << number;
                }
                if is_idle {
                    // SAFETY: No call is inside and none can begin: the compartment is dead.
                    unsafe { compartment.pool.destroy() };
                }
            }
            // The module's pages would come back to the allocator without the right to write.
            Err(error) => pr_emerg!(
                "undertow: compartment \"{}\" can't be taken down: {:?}\n",
                compartment.name(),
                error
            ),
        }
    }
}

/// Makes every frame of one compartment ordinary again.
fn release_frames(state: &mut State, number: u16) -> Result {
    let owner = view(number)?.id;
    let mut changes = KVec::new();
    for run in state.layout.runs() {
        if matches!(run.value, Class::Text(it) | Class::Stack(it) if it == owner) {
            changes.push(from_ordinary(run.range, run.value), GFP_KERNEL)?;
        }
    }
    state.take_back(&changes)
}

fn region_class(policy: Policy) -> Result<Class> {
    Ok(match policy {
        Policy::KernelRw => Class::KernelRw,
        Policy::KernelRo => Class::KernelRo,
        Policy::CompartmentOnly(number) => Class::OnlyRo(view(number)?.id),
    })
}

/// Puts a region's policy in force. `None`: nothing is enforced on this system. An error comes with
/// whether view 0 has all its rights to the frames.
pub(super) fn protect(info: &RegionInfo) -> Result<Option<usize>, (Error, bool)> {
    let clean = |error| (error, true);

    if !is_live() {
        return if is_required() {
            Err(clean(ENODEV))
        } else {
            Ok(None)
        };
    }
    let class = region_class(info.policy).map_err(clean)?;
    let range = GfnRange::new(info.gfn, info.npages).map_err(|_| clean(EINVAL))?;
    let mut state = SYSTEM_STATE.lock();

    state
        .layout
        .claim(range, class)
        .map_err(|error| clean(layout_errno(error)))?;
    let index = table::add_region(info).map_err(|error| {
        let _ = state.layout.release(range, class);
        clean(error)
    })?;
    let change = [from_ordinary(range, class)];
    let result = state
        .change(&change, Phase::Tighten)
        .and_then(|()| state.change(&change, Phase::Widen));
    if let Err(error) = result {
        table::remove_region(index);
        let is_clean = state.take_back(&change).is_ok();
        return Err((error, is_clean));
    }
    Ok(Some(index))
}

fn region_change(index: usize) -> Result<(GfnRange, Class)> {
    let info = table::region(index).ok_or(ENOENT)?;
    let range = GfnRange::new(info.gfn, info.npages).map_err(|_| EINVAL)?;
    Ok((range, region_class(info.policy)?))
}

/// Lets ordinary kernel code read and write a region's frames again. No compartment can yet.
pub(super) fn unprotect_root(index: usize) -> Result {
    let (range, class) = region_change(index)?;
    let mut ops = KVec::new();
    let change = Change {
        range,
        old: class,
        new: Class::KernelRw,
    };
    plan_change(change, Phase::Widen, &[View::ROOT], &mut |edit: Edit| {
        Ok::<(), Error>(ops.push(edit.op(false), GFP_KERNEL)?)
    })?;
    let _state = SYSTEM_STATE.lock();
    host::set(&ops).map_err(host::errno)
}

/// Forgets a region, whose frames were wiped: they are ordinary memory from now on.
pub(super) fn unprotect_views(index: usize) -> Result {
    let (range, class) = region_change(index)?;
    let mut state = SYSTEM_STATE.lock();
    table::remove_region(index);
    state.take_back(&[from_ordinary(range, class)])
}

/// Takes a reference to each module that has a compartment. The caller holds the system lock.
fn pin_modules(pinned: &mut KVec<*mut bindings::module>) -> Result {
    for (_, module) in table::modules() {
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
pub(super) fn seal() -> Result {
    if !is_live() {
        return Err(ENODEV);
    }
    let mut state = SYSTEM_STATE.lock();
    if state.sealed {
        return Err(EALREADY);
    }
    let mut pinned = KVec::new();
    let result = pin_modules(&mut pinned).and_then(|()| host::seal().map_err(host::errno));
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

/// Returns whether the system is sealed. May sleep.
pub(super) fn is_sealed() -> bool {
    SYSTEM_STATE.lock().sealed
}

/// Returns how many views exist, view 0 included. May sleep.
pub(super) fn nr_views() -> u32 {
    SYSTEM_STATE.lock().created.count_ones()
}
