// SPDX-License-Identifier: GPL-2.0

//! The end of a compartment, and a new beginning.
//!
//! A compartment is killed by taking every right to execute from its view. The host does that on
//! all CPUs before it answers: whoever is inside fails at its next instruction and unwinds to its
//! own gate. Who is in view 0 meanwhile, for an interrupt, is told when it wants to go on.
//!
//! After the seal no right can be given, so that what is taken then is lost for good. A kill leaves
//! the rights alone, and sends an interrupt to each CPU instead: it takes whoever is inside out,
//! who is then told as well. Nobody enters in either case.

use crate::{
    bindings,
    error::code,
    page::PAGE_SIZE,
    prelude::*,
    time::{
        delay::fsleep,
        Delta, //
    }, //
};

use super::{
    compartment::Compartment,
    host,
    logic::{
        abi::{
            consts::KVM_VIEW_OP_POPULATE,
            ViewOp, //
        },
        access::Access,
        addr::{
            GfnRange,
            ViewId, //
        },
        comp::{
            Event,
            State, //
        }, //
    },
    service,
    system,
    text, //
};

kernel::sync::global_lock! {
    // SAFETY: Initialised by `prepare`, before anything else here can be called.
    unsafe(uninit) static RESTART_LOCK: Mutex<()> = ();
}

/// Makes the lock usable.
///
/// # Safety
///
/// Called once, before any other function of this module.
pub(super) unsafe fn prepare() {
    // SAFETY: The caller's promise.
    unsafe { RESTART_LOCK.init() };
}

/// Sets the rights of all that the compartment executes: its text, the common text, G1.
///
/// Any context but NMI: takes no lock and allocates nothing.
fn set_text(compartment: &Compartment, access: Access, flags: u32) -> Result {
    let Some(view) = compartment.view() else {
        return Ok(());
    };
    let view = ViewId::new(view).map_err(|_| EINVAL)?;
    let (start, end) = (compartment.descriptor().text)();
    let [gate, common] = text::shared();

    let ops = [start..end, common, gate]
        .into_iter()
        .flat_map(|range| Iterator::step_by(range, PAGE_SIZE))
        .filter_map(|page| GfnRange::new(host::gfn_at(page), 1).ok())
        .map(|range| ViewOp::protect(view, range, access, flags));
    host::set_each(ops).map_err(host::errno)
}

/// Ends the calls inside. Any context but NMI.
fn end_calls(compartment: &Compartment) -> Result {
    if system::is_sealed() {
        // SAFETY: No precondition.
        unsafe { bindings::undertow_kick_cpus() };
        return Ok(());
    }
    compartment.set_stripped(true);
    set_text(compartment, Access::R, 0)
}

/// Keeps compartments from being killed and restarted while `f` runs, except by a fault.
pub(super) fn hold<R>(f: impl FnOnce() -> R) -> R {
    let _lock = RESTART_LOCK.lock();
    f()
}

/// Ends a compartment. May sleep.
pub(super) fn kill(compartment: &Compartment) -> Result {
    // Not while it is being restarted: the rights would come back afterwards.
    let _lock = RESTART_LOCK.lock();

    if compartment.state() == Some(State::New) {
        return Err(ENODEV);
    }
    compartment.step(Event::Kill)?;
    #[cfg(CONFIG_UNDERTOW_SELFTEST)]
    if super::selftest::events::is_kill_off() {
        return Ok(());
    }
    end_calls(compartment)
}

/// Ends a compartment because of what a call in it did; that call is still counted.
///
/// Called with interrupts off. No restart can come in between: it waits for the call.
pub(super) fn kill_by_fault(compartment: &Compartment) {
    if compartment.step(Event::Kill).is_err() {
        return;
    }
    if let Err(error) = end_calls(compartment) {
        // Who is inside is stopped by the next event. Nobody enters.
        pr_err!(
            "undertow: compartment \"{}\": the host did not take its rights: {:?}\n",
            compartment.name(),
            error
        );
    }
}

/// Starts a dead compartment again. Waits for the last call.
pub(super) fn restart(compartment: &Compartment) -> Result {
    if service::is_serving(compartment) {
        return Err(code::EDEADLK);
    }
    let _lock = loop {
        let lock = RESTART_LOCK.lock();
        if compartment.is_stripped() && system::is_sealed() {
            return Err(EPERM);
        }
        match compartment.state() {
            Some(State::Dead) if compartment.step(Event::Restart).is_ok() => break lock,
            Some(State::Dying | State::Dead) => {}
            Some(State::New) => return Err(ENODEV),
            _ => return Err(EBUSY),
        }
        drop(lock);
        fsleep(Delta::from_millis(1));
    };
    // SAFETY: No call is inside and none can begin: that is what `Restarting` means.
    unsafe { compartment.pool.wipe() };

    if compartment.is_stripped() {
        if let Err(error) = set_text(compartment, Access::Rx, KVM_VIEW_OP_POPULATE) {
            let _ = compartment.step(Event::Kill);
            let _ = set_text(compartment, Access::R, 0);
            return Err(error);
        }
        compartment.set_stripped(false);
    }
    Ok(compartment.step(Event::Seal)?)
}
