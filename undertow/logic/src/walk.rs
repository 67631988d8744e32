// SPDX-License-Identifier: GPL-2.0

//! Looks at what the views grant on one frame, all together.
//!
//! [`class`](super::class) says what the views shall grant; this says whether what somebody found
//! in force is sound, whoever put it there.
//!
//! # Invariants
//!
//! - `INV-WALK-1`: a frame that one view can execute and one can write is found, unless the root
//!   view alone does both: there the kernel's own page tables tell text from data.

use super::access::{
    Access,
    Rights, //
};
use super::addr::ViewId;

/// Two views, or one, whose rights on a frame do not go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Can execute the frame.
    pub executes: ViewId,
    /// Can write it.
    pub writes: ViewId,
}

/// What the views seen so far grant on one frame.
#[derive(Clone, Copy, Debug, Default)]
pub struct Frame {
    root: u8,
    executes: Option<ViewId>,
    writes: Option<ViewId>,
}

impl Frame {
    /// Adds what one view grants.
    pub fn see(&mut self, view: ViewId, access: Access) {
        if view == ViewId::ROOT {
            self.root = access.bits();
            return;
        }
        if access.allows(Rights::X) {
            self.executes.get_or_insert(view);
        }
        if access.allows(Rights::W) {
            self.writes.get_or_insert(view);
        }
    }

    /// Returns what is wrong with the frame.
    pub fn finding(&self) -> Option<Finding> {
        let root = |right: Rights| Access::from_bits(self.root).is_some_and(|it| it.allows(right));
        let or_root = |view: Option<ViewId>, right| view.or(root(right).then_some(ViewId::ROOT));

        match (
            or_root(self.executes, Rights::X),
            or_root(self.writes, Rights::W),
        ) {
            (Some(ViewId::ROOT), Some(ViewId::ROOT)) => None,
            (Some(executes), Some(writes)) => Some(Finding { executes, writes }),
            _ => None,
        }
    }
}
