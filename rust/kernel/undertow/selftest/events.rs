// SPDX-License-Identifier: GPL-2.0

//! Events inside, and the switches of what makes resuming after them safe.

use crate::{
    bindings,
    error::to_result,
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};

use super::{
    super::{
        compartment::Compartment,
        host,
        logic::{
            abi::{
                consts::KVM_VIEWS_Q_PT_PAGES,
                Aex, //
            },
            addr::ViewId,
            resume::{
                Context,
                Crossing, //
            }, //
        },
        stop,
        system, //
    },
    Bench, //
};

pub use bindings::undertow_storm as Storm;

static RESUME_OFF: Atomic<bool> = Atomic::new(false);
static FLAGS_OFF: Atomic<bool> = Atomic::new(false);
static KILL_OFF: Atomic<bool> = Atomic::new(false);
static TAIL_OFF: Atomic<bool> = Atomic::new(false);
static VIEW_OFF: Atomic<bool> = Atomic::new(false);
static FORGED_VIEW: Atomic<u32> = Atomic::new(0);
static FORGED_RIP: Atomic<u64> = Atomic::new(0);

/// Lets an event inside end the call, as if nothing could be resumed.
pub fn set_resume(on: bool) {
    RESUME_OFF.store(!on, Relaxed);
}

/// Takes flags from the record as they are.
pub fn set_flags(checked: bool) {
    FLAGS_OFF.store(!checked, Relaxed);
}

/// Lets calls that are inside when their compartment is killed go on.
pub fn set_kill(on: bool) {
    KILL_OFF.store(!on, Relaxed);
}

/// Takes an event in the restore tail for one like any other.
pub fn set_tail(checked: bool) {
    TAIL_OFF.store(!checked, Relaxed);
}

/// Makes the next record of an event speak of another view and address; 0 ends that. Without
/// `checked` a crossing is taken to be in the view that the record speaks of.
pub fn set_forgery(view: u16, rip: u64, checked: bool) {
    VIEW_OFF.store(!checked, Relaxed);
    FORGED_RIP.store(rip, Relaxed);
    FORGED_VIEW.store(view.into(), Relaxed);
}

/// Returns where the parts of the gate in use are.
///
/// # Errors
///
/// - `ENODEV` on a system that does not enforce views.
pub fn gate() -> Result<&'static bindings::undertow_gate> {
    // SAFETY: Null, or a gate, which lives and stays as it is for ever.
    unsafe { bindings::undertow_gate_get().as_ref() }.ok_or(ENODEV)
}

/// Writes to the record as only the host can.
pub(in super::super) fn forge(mut aex: Aex) -> Aex {
    if aex.event == 0 {
        let view = FORGED_VIEW.xchg(0, Relaxed);
        if view != 0 {
            aex.view = view as u16;
            aex.rip = FORGED_RIP.load(Relaxed);
        }
    }
    aex
}

pub(in super::super) fn weaken_crossing(crossing: &mut Crossing) {
    if TAIL_OFF.load(Relaxed) {
        crossing.gate.landing = 0..0;
        crossing.gate.tail = 0..0;
    }
}

/// Returns the view that a crossing is taken to be in.
pub(in super::super) fn view_of(own: ViewId, aex: &Aex) -> ViewId {
    match ViewId::new(aex.view) {
        Ok(view) if VIEW_OFF.load(Relaxed) && view.is_compartment() => view,
        _ => own,
    }
}

pub(in super::super) fn is_kill_off() -> bool {
    KILL_OFF.load(Relaxed)
}

pub(in super::super) fn is_resume_off() -> bool {
    RESUME_OFF.load(Relaxed)
}

pub(in super::super) fn weaken_context(context: &mut Context, aex: &Aex) {
    if FLAGS_OFF.load(Relaxed) {
        context.rflags = aex.rflags;
    }
}

/// Returns the calls that a fault ended, and the events after which a call went on.
pub fn statistics() -> (u64, u64) {
    stop::statistics()
}

/// Returns how many stacks of a compartment are in use.
pub fn stacks_in_use(compartment: &Compartment) -> u32 {
    compartment.pool.in_use()
}

/// Seals the system.
///
/// # Errors
///
/// - What the host answers.
pub fn seal() -> Result {
    system::seal()
}

/// Returns how many table pages a view has.
///
/// # Errors
///
/// - `EINVAL` for a view that there can't be; what the host answers.
pub fn table_pages(view: u16) -> Result<u64> {
    let view = ViewId::new(view).map_err(|_| EINVAL)?;
    host::query(KVM_VIEWS_Q_PT_PAGES, view).map_err(host::errno)
}

impl Bench {
    /// Makes calls while events come. With no `loops` in view 0 the bench's entry is called.
    ///
    /// # Errors
    ///
    /// - `ENODEV` for NMIs without a second CPU, `ENOMEM`.
    pub fn storm(&mut self, orders: *mut u8, storm: &mut Storm) -> Result {
        let entry = self.0.entry;
        if storm.loops != 0 {
            self.0.entry = 0;
        }
        // SAFETY: The stack is the call's own and the call is alive by the caller's borrow rules;
        // the entry is isolated code that takes orders of this kind.
        let result =
            unsafe { bindings::undertow_selftest_storm(&self.0, orders.cast(), &mut *storm) };
        self.0.entry = entry;
        to_result(result)
    }
}
