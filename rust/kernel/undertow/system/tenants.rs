// SPDX-License-Identifier: GPL-2.0

//! Compartments that get a view, and give it back when their module goes.

use crate::{
    bindings,
    page::PAGE_SIZE,
    prelude::*,
    ThisModule, //
};

use super::{
    super::{
        compartment::Compartment,
        learn,
        logic::{
            class::Class,
            comp::{
                self,
                Event, //
            },
            layout::Phase,
            map::Change, //
        },
        table::{
            self,
            Reader, //
        },
        text, //
    },
    from_ordinary,
    is_live,
    is_required,
    view_id,
    State,
    SYSTEM_STATE, //
};

/// Gives a compartment its memory and, on a live system, its view.
pub(in super::super) fn adopt(
    compartment: &'static Compartment,
    module: &'static ThisModule,
) -> Result {
    let desc = compartment.descriptor();

    if !is_live() && is_required() {
        pr_err!(
            "undertow: compartment \"{}\" refused: protection is required, and not available\n",
            desc.name
        );
        return Err(ENODEV);
    }
    let mut state = SYSTEM_STATE.lock();
    // Somebody else was faster.
    if compartment.state() != Some(comp::State::New) {
        return Err(EBUSY);
    }
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
            Ok(compartment.step(Event::Seal).map_err(|_| EBUSY)?)
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
    let mut result = build(state, compartment, number, &mut changes);

    if result.is_ok() && learn::applies(compartment) {
        result = state.learn_by_ve(number);
    }
    if let Err(error) = result {
        let is_clean = state.take_back(&changes).is_ok();
        // With something left in it, the view is not used again.
        if is_clean && learn::is_reusable(compartment) {
            state.free |= 1 << number;
        }
        return Err((error, is_clean));
    }
    compartment.set_view(number);
    learn::announce(compartment);
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
    let owner = view_id(number)?;
    let (start, end) = (compartment.descriptor().text)();
    let text = start..end;

    if start % PAGE_SIZE != 0 || end % PAGE_SIZE != 0 || text.is_empty() {
        pr_err!("undertow: the isolated text is not made of whole pages\n");
        return Err(ENOEXEC);
    }
    state.claim(start, text.len(), Class::Text(owner), changes)?;
    let class = if compartment.descriptor().secret {
        Class::Secret(owner)
    } else {
        Class::Stack(owner)
    };
    for (addr, bytes) in compartment.pool.writable() {
        state.claim(addr, bytes, class, changes)?;
    }

    // From here on nobody can change the text, and nobody can run it yet: what the scan sees is
    // what will run.
    state.change(changes, Phase::Tighten)?;
    text::scan(&text).map_err(|hit| {
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
pub(in super::super) fn module_going(module: *mut bindings::module) {
    let mut state = SYSTEM_STATE.lock();
    // SAFETY: The lock is held to the end of this function.
    let tables = unsafe { Reader::new() };

    for (number, tenant) in tables.tenants() {
        let compartment = tenant.compartment;
        if module.is_null() || tenant.module != module {
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
                } else if is_idle && learn::is_reusable(compartment) && !state.owns_anything(number)
                {
                    // INVARIANT: INV-LEARN-2: nothing was learned in this one.
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
    let owner = view_id(number)?;
    let mut changes = KVec::new();
    for run in state.layout.runs() {
        if matches!(run.value, Class::Text(it) | Class::Stack(it) | Class::Secret(it) if it == owner)
        {
            changes.push(from_ordinary(run.range, run.value), GFP_KERNEL)?;
        }
    }
    state.take_back(&changes)
}
