// SPDX-License-Identifier: GPL-2.0

//! What the system holds, so that a test can see whether anything was left behind.

use crate::{
    bindings,
    prelude::*, //
};

use super::{
    super::{
        compartment::Compartment,
        slot::GUARD_BYTES,
        system, //
    },
    events, //
};

/// What is in use, or, as a difference, what there is more of than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holdings {
    /// Stacks of the compartment.
    pub stacks: i64,
    /// Table pages that the host has for its view.
    pub tables: i64,
    /// Views of this kernel.
    pub views: i64,
    /// Protected regions.
    pub regions: i64,
    /// Runs of frames with an owner.
    pub runs: i64,
    /// Frames that are not free.
    pub frames: i64,
}

impl Holdings {
    /// Returns what is in use now. May sleep.
    ///
    /// # Errors
    ///
    /// - `ENODEV` when the compartment has no view; what the host answers.
    pub fn now(compartment: &Compartment) -> Result<Self> {
        let view = compartment.view().ok_or(ENODEV)?;
        let (views, regions, runs) = system::inspect(|state| {
            (
                state.nr_views(),
                state.tables().regions().count(),
                state.nr_runs(),
            )
        });
        Ok(Self {
            stacks: events::stacks_in_use(compartment).into(),
            tables: events::table_pages(view)? as i64,
            views: views.into(),
            regions: regions as i64,
            runs: runs as i64,
            // SAFETY: The caller may sleep.
            frames: -(unsafe { bindings::undertow_selftest_free_frames() } as i64),
        })
    }

    /// Returns what there is more of than before.
    pub fn since(self, before: &Self) -> Self {
        Self {
            stacks: self.stacks - before.stacks,
            tables: self.tables - before.tables,
            views: self.views - before.views,
            regions: self.regions - before.regions,
            runs: self.runs - before.runs,
            frames: self.frames - before.frames,
        }
    }
}

/// Returns where the guard page below a compartment's first stack begins, 0 if it has none.
pub fn guard_page(compartment: &Compartment) -> usize {
    let first = compartment.pool.writable().next();
    first.map_or(0, |(start, _)| start - GUARD_BYTES)
}
