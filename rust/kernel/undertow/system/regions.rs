// SPDX-License-Identifier: GPL-2.0

//! Regions: frames that get a policy, and get rid of it.

use crate::{
    prelude::*,
    sync::rcu::synchronize_rcu, //
};

use super::{
    super::{
        host,
        logic::{
            addr::GfnRange,
            class::{
                Class,
                View, //
            },
            layout::{
                plan_change,
                Edit,
                Phase, //
            },
            map::Change, //
        },
        region::Policy,
        table::{
            self,
            Reader,
            RegionInfo, //
        }, //
    },
    from_ordinary,
    is_live,
    is_required,
    layout_errno,
    view_id,
    State,
    SYSTEM_STATE, //
};

fn region_class(policy: Policy) -> Result<Class> {
    Ok(match policy {
        Policy::KernelRw => Class::KernelRw,
        Policy::KernelRo => Class::KernelRo,
        Policy::CompartmentOnly(number) => Class::OnlyRo(view_id(number)?),
        Policy::Lent(number) => Class::Lent(view_id(number)?),
        Policy::WrittenBy(number) => Class::WrittenBy(view_id(number)?),
    })
}

/// Puts a region's policy in force. `None`: nothing is enforced on this system. An error comes with
/// whether view 0 has all its rights to the frames.
pub(in super::super) fn protect(
    info: &RegionInfo<'static>,
) -> Result<Option<usize>, (Error, bool)> {
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

fn region_change(tables: Reader<'_>, index: usize, policy: Policy) -> Result<(GfnRange, Class)> {
    let info = tables.region(index).ok_or(ENOENT)?;
    let range = GfnRange::new(info.gfn, info.npages).map_err(|_| EINVAL)?;
    Ok((range, region_class(policy)?))
}

/// Takes back what was lent of a region. May sleep.
fn end_loan(state: &State, index: usize, range: GfnRange, class: Class) -> Result {
    let Some(borrower) = class.owner() else {
        return Ok(());
    };
    // Whoever has read that it may be lent does so before interrupts are on again.
    table::end_loan(index);
    synchronize_rcu();
    let view = state.view(borrower.number())?;
    let edit = Edit {
        view: view.id,
        range,
        grant: class.grant(view),
    };
    host::set(&[edit.op(false)]).map_err(host::errno)
}

/// Lets ordinary kernel code read and write a region's frames again. No compartment can yet, or any
/// more: what was lent is taken back.
pub(in super::super) fn unprotect_root(index: usize, policy: Policy) -> Result {
    let state = SYSTEM_STATE.lock();
    let (range, class) = region_change(state.tables(), index, policy)?;
    let mut ops = KVec::new();
    if matches!(class, Class::Lent(_)) {
        end_loan(&state, index, range, class)?;
    }
    let change = Change {
        range,
        old: class,
        new: Class::KernelRw,
    };
    plan_change(change, Phase::Widen, &[View::ROOT], &mut |edit: Edit| {
        Ok::<(), Error>(ops.push(edit.op(false), GFP_KERNEL)?)
    })?;
    host::set(&ops).map_err(host::errno)
}

/// Forgets a region, whose frames were wiped: they are ordinary memory from now on.
pub(in super::super) fn unprotect_views(index: usize, policy: Policy) -> Result {
    let mut state = SYSTEM_STATE.lock();
    let (range, class) = region_change(state.tables(), index, policy)?;
    table::remove_region(index);
    state.take_back(&[from_ordinary(range, class)])
}
