// SPDX-License-Identifier: GPL-2.0

//! Who owns which frame, and the changes that make the views say so.
//!
//! A [`Layout`] records the class of every frame that is not ordinary and
//! refuses to let two owners claim the same frame. Plans are streams of
//! [`Edit`]s handed to the caller, who batches them into SET.
//!
//! # Invariants
//!
//! - `INV-LAYOUT-1`: a frame has one class; a second claim is refused.
//! - `INV-LAYOUT-2`: the gate is four adjacent frames, claimed at once.
//! - `INV-LAYOUT-3`: the [`Phase::Tighten`] half of a change only takes rights
//!   away and the [`Phase::Widen`] half only gives, so no order of edits
//!   within a half shows a frame with rights of both classes.

use super::abi::consts::{
    KVM_VIEW_OP_POPULATE,
    KVM_VIEW_OP_POPULATE_WRITE,
    KVM_VIEW_OP_VE, //
};
use super::abi::ViewOp;
use super::access::{
    Access,
    Rights, //
};
use super::addr::{
    Gfn,
    GfnRange,
    ViewId, //
};
use super::class::{
    Class,
    GatePage,
    Grant,
    View, //
};
use super::map::{
    Change,
    IntervalMap,
    Run, //
};

/// Why a claim is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayoutError {
    /// A frame of the range already has a class.
    Taken,
    /// The range is not of the class that the caller says it is.
    NotOwned,
    /// The range has the wrong number of frames for this class.
    BadShape,
    /// The owner's view cannot be the view of a compartment.
    BadOwner,
    /// No room for another run.
    Full,
}

/// One change of rights in one view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The view to change.
    pub view: ViewId,
    /// The frames.
    pub range: GfnRange,
    /// What the view grants afterwards.
    pub grant: Grant,
}

impl Edit {
    /// Returns the change as the host takes it.
    ///
    /// With `populate` the host maps the frames at once, as written where they
    /// may be written, so that their first use does not exit. The same for
    /// frames that raise #VE: what tells the CPU so is an entry, too.
    pub fn op(&self, populate: bool) -> ViewOp {
        let mut flags = 0;
        if self.grant.ve {
            flags |= KVM_VIEW_OP_VE;
        }
        if populate && (self.grant.access != Access::None || self.grant.ve) {
            flags |= KVM_VIEW_OP_POPULATE;
            if self.grant.access.allows(Rights::W) {
                flags |= KVM_VIEW_OP_POPULATE_WRITE;
            }
        }
        ViewOp::protect(self.view, self.range, self.grant.access, flags)
    }
}

/// Half of a change of class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Take away what the new class does not grant.
    Tighten,
    /// Give what the old class did not grant.
    Widen,
}

/// Takes one edit; an error stops the plan and comes back from it.
pub type Emit<'a, E> = &'a mut dyn FnMut(Edit) -> Result<(), E>;

/// Class of every guest frame, with at most `N` runs that are not ordinary.
#[derive(Clone, Debug)]
pub struct Layout<const N: usize> {
    classes: IntervalMap<Class, N>,
}

impl<const N: usize> Default for Layout<N> {
    fn default() -> Self {
        Layout::new()
    }
}

impl<const N: usize> Layout<N> {
    /// Returns the layout in which every frame is ordinary.
    pub const fn new() -> Self {
        Layout {
            classes: IntervalMap::new(Class::Ordinary),
        }
    }

    /// Returns the class of `gfn`.
    pub fn class(&self, gfn: Gfn) -> Class {
        self.classes.get(gfn)
    }

    /// Returns every run of frames that is not ordinary.
    pub fn runs(&self) -> &[Run<Class>] {
        self.classes.runs()
    }

    /// Claims the four pages of the gate.
    ///
    /// [`LayoutError::BadShape`] unless `range` has exactly four frames.
    pub fn claim_gate(&mut self, range: GfnRange) -> Result<(), LayoutError> {
        const PAGES: [GatePage; 4] = [GatePage::G0, GatePage::G1, GatePage::G2, GatePage::G3];

        if range.nr_pages() != PAGES.len() as u64 {
            return Err(LayoutError::BadShape);
        }
        self.check_free(range)?;
        // All or nothing: a gate with a page missing must not come to be.
        if self.classes.runs().len() + PAGES.len() > N {
            return Err(LayoutError::Full);
        }
        for (nth, page) in (0..).zip(PAGES) {
            let gfn = range.nth(nth).ok_or(LayoutError::BadShape)?;
            self.set(gfn.range(), Class::Gate(page))?;
        }
        Ok(())
    }

    /// Claims a stack slot: its lowest frame is the guard, the others are the
    /// stack.
    ///
    /// [`LayoutError::BadShape`] when nothing is left beside the guard.
    pub fn claim_slot(&mut self, range: GfnRange, owner: ViewId) -> Result<(), LayoutError> {
        let stack = range.skip(1).ok_or(LayoutError::BadShape)?;
        check_owner(Class::Stack(owner))?;
        self.check_free(range)?;
        self.set(stack, Class::Stack(owner))?;
        let guarded = self.set(range.first().range(), Class::Guard(owner));
        if guarded.is_err() {
            // Not `?`: what was claimed must be free again. Freeing what was
            // just one more run cannot need another one.
            self.set(stack, Class::Ordinary)?;
        }
        guarded
    }

    /// Claims frames for any other class.
    ///
    /// Gate pages have [`Layout::claim_gate`], and nothing claims ordinary.
    pub fn claim(&mut self, range: GfnRange, class: Class) -> Result<(), LayoutError> {
        if matches!(class, Class::Gate(_) | Class::Ordinary) {
            return Err(LayoutError::BadShape);
        }
        check_owner(class)?;
        self.check_free(range)?;
        self.set(range, class)
    }

    /// Makes frames ordinary again, which all must be of `class`.
    pub fn release(&mut self, range: GfnRange, class: Class) -> Result<(), LayoutError> {
        if !self.classes.is_all(range, class) {
            return Err(LayoutError::NotOwned);
        }
        self.set(range, Class::Ordinary)
    }

    /// Hands out what a view must be told after it was created: the grants on
    /// every frame where they differ from the view's default.
    pub fn plan_view<E>(&self, view: View, emit: Emit<'_, E>) -> Result<(), E> {
        let ordinary = Class::Ordinary.grant(view);
        let mut pending: Option<Edit> = None;
        for run in self.classes.runs() {
            let grant = run.value.grant(view);
            if grant == ordinary {
                continue;
            }
            let edit = Edit {
                view: view.id,
                range: run.range,
                grant,
            };
            match pending.as_mut().and_then(|last| append(last, &edit)) {
                Some(merged) => pending = Some(merged),
                None => {
                    if let Some(done) = pending.replace(edit) {
                        emit(done)?;
                    }
                }
            }
        }
        pending.map_or(Ok(()), emit)
    }

    fn check_free(&self, range: GfnRange) -> Result<(), LayoutError> {
        if self.classes.is_all(range, Class::Ordinary) {
            Ok(())
        } else {
            Err(LayoutError::Taken)
        }
    }

    fn set(&mut self, range: GfnRange, class: Class) -> Result<(), LayoutError> {
        self.classes
            .set(range, class)
            .map_err(|_| LayoutError::Full)
    }
}

/// Hands out one half of what a change of class means for all `views`.
///
/// Between the halves no view grants more than both classes do: the place to
/// scan text that can no longer change and cannot yet run.
pub fn plan_change<E>(
    change: Change<Class>,
    phase: Phase,
    views: &[View],
    emit: Emit<'_, E>,
) -> Result<(), E> {
    for &view in views {
        let before = change.old.grant(view);
        let after = change.new.grant(view);
        let between = Grant {
            access: before.access.meet(after.access),
            // Not kept for later: a page that becomes text must have stopped
            // to raise #VE in the root view before it can run anywhere.
            ve: after.ve,
        };
        let (from, to) = match phase {
            Phase::Tighten => (before, between),
            Phase::Widen => (between, after),
        };
        if from != to {
            emit(Edit {
                view: view.id,
                range: change.range,
                grant: to,
            })?;
        }
    }
    Ok(())
}

fn check_owner(class: Class) -> Result<(), LayoutError> {
    match class.owner() {
        Some(owner) if !owner.is_compartment() => Err(LayoutError::BadOwner),
        _ => Ok(()),
    }
}

/// Returns both edits as one if they touch and grant the same.
fn append(last: &Edit, next: &Edit) -> Option<Edit> {
    if last.grant != next.grant || last.range.end() != next.range.start() {
        return None;
    }
    let range = GfnRange::between(last.range.start(), next.range.end()).ok()?;
    Some(Edit { range, ..*last })
}
