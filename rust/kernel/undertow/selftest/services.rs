// SPDX-License-Identifier: GPL-2.0

//! The switches of what stands between a compartment and the services of view 0.

use crate::{
    bindings,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};

static LIST_OFF: Atomic<bool> = Atomic::new(false);
static BOUNDS_OFF: Atomic<bool> = Atomic::new(false);
static COPY_OFF: Atomic<bool> = Atomic::new(false);

/// Lets compartments ask for services that are not on their list, and takes their word for what is
/// one.
pub fn set_list(on: bool) {
    LIST_OFF.store(!on, Relaxed);
}

/// Takes the compartment's word for where the arguments may lie.
pub fn set_bounds(on: bool) {
    BOUNDS_OFF.store(!on, Relaxed);
}

/// Has services work on the compartment's memory instead of a copy.
pub fn set_copy(on: bool) {
    COPY_OFF.store(!on, Relaxed);
}

pub(in super::super) fn is_list_off() -> bool {
    LIST_OFF.load(Relaxed)
}

pub(in super::super) fn are_bounds_off() -> bool {
    BOUNDS_OFF.load(Relaxed)
}

pub(in super::super) fn is_copy_off() -> bool {
    COPY_OFF.load(Relaxed)
}

/// Goes on on another CPU, if there is one. Returns the CPU that it was on. May sleep.
pub fn move_on() -> u32 {
    // SAFETY: No precondition.
    unsafe { bindings::undertow_selftest_move() }
}
