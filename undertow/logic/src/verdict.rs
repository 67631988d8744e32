// SPDX-License-Identifier: GPL-2.0

//! What to do about a violation.
//!
//! [`decide`] is a pure function of what happened, where, and what was asked
//! for in such a case. It runs in the root view, after the record was copied.
//! It never answers with more than the layout or the policy allows: whatever it
//! does not know ends the call.
//!
//! # Invariants
//!
//! - `INV-VERDICT-1`: no verdict gives execute, and none gives more than the
//!   layout says, be it at once or on demand, except what audit may learn about
//!   ordinary memory and read-only regions.
//! - `INV-VERDICT-2`: a compartment that was killed is never resumed.
//! - `INV-VERDICT-3`: an access that keeps failing is not resumed a third time.

use super::abi::{
    Aex,
    Cause,
    DecodeError,
    VeInfo, //
};
use super::access::{
    Access,
    Rights, //
};
use super::addr::{
    Gfn,
    ViewId, //
};
use super::class::{
    Class,
    View, //
};
use super::names::{
    Event,
    EventKind,
    ExitReason, //
};

/// A data access or a fetch that a view does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadAccess {
    /// The frame.
    pub gfn: Gfn,
    /// Guest physical address.
    pub gpa: u64,
    /// Guest linear address, if the CPU knew one.
    pub gla: Option<u64>,
    /// What was asked for and not granted.
    pub missing: Rights,
    /// Whether it was the page walk, so that the frame is a page table.
    pub is_walk: bool,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// An access that the view does not allow.
    Access(BadAccess),
    /// An event that arrived in a view, and was dropped.
    Event(Event),
    /// An event that the host delivers in the root view: NMI, machine check, or
    /// an interrupt that waits until the caller's state lets it in.
    Pending,
    /// An exit that a view may not cause.
    Refused(ExitReason),
    /// The root view with RIP where it may not execute: a crossing that did
    /// not go through the gate.
    Guard,
    /// It kept an interrupt waiting for longer than the host allows.
    Timeout,
}

/// What happened, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The view in which it happened.
    pub view: ViewId,
    /// Address of the instruction.
    pub rip: u64,
    /// What happened.
    pub what: What,
}

impl Violation {
    /// Reads what the host recorded when it ended a stay in a view.
    pub fn of_aex(aex: &Aex) -> Result<Violation, DecodeError> {
        aex.check()?;
        let what = match aex.cause()? {
            Cause::Violation => What::Access(BadAccess {
                gfn: Gfn::of_gpa(aex.gpa).map_err(|_| DecodeError::Range)?,
                gpa: aex.gpa,
                gla: aex.gla(),
                missing: aex.missing()?,
                is_walk: aex.qualification().is_walk(),
            }),
            Cause::Event if aex.event == 0 => What::Pending,
            Cause::Event => What::Event(Event::new(aex.event).ok_or(DecodeError::Value)?),
            Cause::Refused => What::Refused(ExitReason(aex.exit_reason)),
            Cause::Guard => What::Guard,
            // Nobody did anything wrong.
            Cause::Reset => return Err(DecodeError::Value),
            Cause::Timeout => What::Timeout,
        };
        Ok(Violation {
            view: aex.view()?,
            rip: aex.rip,
            what,
        })
    }

    /// Reads the #VE information page.
    ///
    /// The caller says in which `view` it happened: it knows, because views
    /// that suppress #VE cannot raise one, while the EPTP index in the record
    /// is wrong on some hardware.
    pub fn of_ve(info: &VeInfo, view: ViewId, rip: u64) -> Result<Violation, DecodeError> {
        if info.reason != super::abi::ve_info::EXIT_REASON_EPT_VIOLATION {
            return Err(DecodeError::Value);
        }
        Ok(Violation {
            view,
            rip,
            what: What::Access(BadAccess {
                gfn: Gfn::of_gpa(info.gpa).map_err(|_| DecodeError::Range)?,
                gpa: info.gpa,
                gla: info.gla(),
                missing: info.qualification().missing(),
                is_walk: info.qualification().is_walk(),
            }),
        })
    }
}

/// What the caller knows about the place where it happened.
#[derive(Clone, Copy, Debug)]
pub struct Scene {
    /// The view, with what it reaches.
    pub view: View,
    /// Class of the frame, for an access.
    pub class: Class,
    /// How often this very violation was resumed just before.
    pub attempts: u32,
    /// Whether a crossing is in progress, so that there is a call to end.
    pub in_crossing: bool,
    /// Whether that call was made with interrupts on.
    pub irqs_on: bool,
    /// Whether the compartment was killed meanwhile.
    pub is_dead: bool,
    /// Whether rights can only be tightened by now.
    pub is_sealed: bool,
    /// Whether the exception table has an entry for the instruction.
    pub has_fixup: bool,
    /// Whether the page tables permit the access that a #PF refused.
    pub is_spurious: bool,
}

/// What a compartment asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFault {
    /// End the compartment.
    Kill,
    /// Say so, give the right, go on: to learn what a compartment needs.
    Audit,
}

/// What a region that the kernel may only read asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnWrite {
    /// Say so, give the right, go on.
    Audit,
    /// End the writer.
    Oops,
    /// End the kernel.
    Panic,
}

/// What was asked for in case of a violation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Asked for by the compartment.
    pub on_fault: OnFault,
    /// Asked for by the region.
    pub on_write: OnWrite,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Go on where it stopped.
    Resume,
    /// Go on past the gate: the compartment has returned.
    Finish,
    /// Tell the host what the layout grants, or lends now that it is wanted,
    /// then go on.
    Grant(Access),
    /// Log it, let the host grant this, then go on.
    Audit(Access),
    /// Go on where the exception table says.
    Fixup,
    /// Kill the compartment and end the call with an error.
    Kill,
    /// End the task that did it.
    Oops,
    /// End the kernel.
    Panic,
}

/// Decides what to do about a violation.
pub fn decide(violation: &Violation, scene: &Scene, policy: &Policy) -> Verdict {
    match (violation.view, violation.what) {
        // Before all else: the record and the caller must speak of one place.
        (view, _) if view != scene.view.id => end(scene),
        (ViewId::ROOT, What::Access(access)) if !access.missing.contains(Rights::X) => {
            decide_root(&access, scene, policy)
        }
        // Not a bug of the kernel: a crossing that did not go through the gate.
        (ViewId::ROOT, _) => end(scene),
        _ if scene.is_dead || !scene.in_crossing => end(scene),
        // It was on its way out. Nothing there can touch what is missing.
        (ViewId::TRANSIT, What::Pending) => Verdict::Finish,
        (ViewId::TRANSIT, _) => end(scene),
        (_, What::Access(access)) => decide_access(&access, scene, policy),
        (_, What::Event(event)) => decide_event(event, scene),
        (_, What::Pending) => Verdict::Resume,
        (_, What::Refused(_) | What::Guard | What::Timeout) => end(scene),
    }
}

/// Decides about a data access of the ordinary kernel.
fn decide_root(access: &BadAccess, scene: &Scene, policy: &Policy) -> Verdict {
    let granted = scene.class.grant(scene.view).access;
    if granted.allows(access.missing) && scene.attempts == 0 {
        return Verdict::Resume;
    }
    let is_write = access.missing.contains(Rights::W);
    match (scene.class, policy.on_write) {
        (Class::KernelRo | Class::WrittenBy(_), OnWrite::Panic) if is_write => Verdict::Panic,
        (Class::KernelRo | Class::WrittenBy(_), OnWrite::Audit)
            if is_write && !scene.is_sealed && scene.attempts == 0 =>
        {
            Verdict::Audit(Access::Rw)
        }
        _ if scene.has_fixup => Verdict::Fixup,
        _ => Verdict::Oops,
    }
}

/// Decides about an access inside a compartment.
fn decide_access(access: &BadAccess, scene: &Scene, policy: &Policy) -> Verdict {
    let granted = scene.class.grant(scene.view).access;
    if granted.allows(access.missing) {
        // The layout allows it: the host was slower than the compartment, or
        // lost the page meanwhile.
        return match scene.attempts {
            0 => Verdict::Resume,
            1 if !scene.is_sealed && !granted.allows(Rights::X) => Verdict::Grant(granted),
            _ => end(scene),
        };
    }
    let is_data = !access.missing.contains(Rights::X) && !access.is_walk;
    let lent = scene.class.on_demand(scene.view);
    if is_data && lent.allows(access.missing) && !scene.is_sealed && scene.attempts == 0 {
        return Verdict::Grant(lent);
    }
    let may_learn = policy.on_fault == OnFault::Audit && !scene.is_sealed;
    if scene.class == Class::Ordinary && is_data && may_learn && scene.attempts == 0 {
        let wanted = if access.missing.contains(Rights::W) {
            Access::Rw
        } else {
            Access::R
        };
        return Verdict::Audit(granted.join(wanted));
    }
    end(scene)
}

/// Decides about an event that arrived inside a compartment.
fn decide_event(event: Event, scene: &Scene) -> Verdict {
    match event.kind() {
        // With interrupts off in the caller, the compartment turned them on.
        EventKind::Interrupt if scene.irqs_on => Verdict::Resume,
        EventKind::Nmi => Verdict::Resume,
        _ if event.is_exception(Event::MACHINE_CHECK) => Verdict::Resume,
        _ if event.is_exception(Event::PAGE_FAULT) && scene.is_spurious && scene.attempts == 0 => {
            Verdict::Resume
        }
        _ => end(scene),
    }
}

/// Ends the call, or the kernel when there is no call to end.
fn end(scene: &Scene) -> Verdict {
    if scene.in_crossing {
        Verdict::Kill
    } else {
        Verdict::Panic
    }
}
