// SPDX-License-Identifier: GPL-2.0

//! What becomes of a call that the host took out of its compartment.
//!
//! Runs with interrupts off, in view 0, on the caller's stack. Takes no lock.

use crate::{
    bindings,
    error::code,
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};

use super::{
    compartment::{
        Compartment,
        OnFault, //
    },
    learn,
    lend,
    logic::{
        abi::{
            Aex,
            Cause, //
        },
        addr::ViewId,
        class::Class,
        inside::{
            explain,
            Vector20, //
        },
        report::Report,
        resume::{
            self,
            Context,
            Crossing,
            Gate,
            Next, //
        },
        verdict::{
            decide,
            Verdict,
            Violation,
            What, //
        }, //
    },
    report::{
        class_of,
        may_log,
        region_of,
        scene,
        ve_info, //
    },
    restart,
    service,
    system::is_sealed,
    table::Reader, //
};

/// Calls that a fault ended, logged or not.
static STOPPED: Atomic<u64> = Atomic::new(0);
/// Events after which a call went on.
static RESUMED: Atomic<u64> = Atomic::new(0);

/// Events that came between a #VE and the end of its way out.
#[cfg(CONFIG_UNDERTOW_SELFTEST)]
pub(super) static LOST: Atomic<u64> = Atomic::new(0);

/// Returns the calls that a fault ended, and the events after which one went on.
pub(super) fn statistics() -> (u64, u64) {
    (STOPPED.load(Relaxed), RESUMED.load(Relaxed))
}

/// What the gate and the frame of a crossing say, in the terms of the logic.
fn crossing_of(
    view: ViewId,
    crossing: &bindings::undertow_crossing,
    gate: &bindings::undertow_gate,
) -> Crossing {
    let page = |nr: u64| gate.base as u64 + nr * crate::page::PAGE_SIZE as u64;

    Crossing {
        view,
        has_context: crossing.has_context,
        cs: bindings::__KERNEL_CS as u16,
        ss: bindings::__KERNEL_DS as u16,
        gate: Gate {
            landing: page(1)..gate.landed as u64,
            tail: gate.tail as u64..gate.tail_end as u64,
            transit: page(2)..page(3),
            request: gate.request as u64,
        },
    }
}

/// Decides what becomes of a call. Returns the errno that ends it, or how it goes on.
///
/// # Safety
///
/// `context` must be valid for writes. Interrupts must be off, on a CPU that RCU is watching.
pub(super) unsafe fn stopped(
    aex: &mut bindings::kvm_view_aex,
    info: &bindings::kvm_ve_info,
    crossing: &mut bindings::undertow_crossing,
    gate: &bindings::undertow_gate,
    context: *mut bindings::undertow_resume,
) -> c_long {
    // SAFETY: Both are the same 224 bytes of plain integers; `logic` checks the layout.
    let aex = unsafe { &mut *core::ptr::from_mut(aex).cast::<Aex>() };
    const { assert!(size_of::<Aex>() == size_of::<bindings::kvm_view_aex>()) };

    let is_lost = explain_ve(aex, info, crossing);
    let aex = &*aex;
    #[cfg(CONFIG_UNDERTOW_SELFTEST)]
    let aex = &super::selftest::events::forge(*aex);

    // SAFETY: The caller's promise, which holds to the end of this function.
    let tables = unsafe { Reader::new() };
    let next = judge(tables, aex, crossing, is_lost).and_then(|view| {
        #[cfg_attr(not(CONFIG_UNDERTOW_SELFTEST), allow(unused_mut))]
        let mut crossing = crossing_of(view, crossing, gate);
        #[cfg(CONFIG_UNDERTOW_SELFTEST)]
        super::selftest::events::weaken_crossing(&mut crossing);
        // What can't be explained is no reason to go on.
        resume::go_on(aex, &crossing).map_err(|_| code::EFAULT)
    });
    match next {
        Ok(next) => {
            RESUMED.add(1, Relaxed);
            (match next {
                #[cfg_attr(not(CONFIG_UNDERTOW_SELFTEST), allow(unused_mut))]
                Next::Load(mut new) => {
                    #[cfg(CONFIG_UNDERTOW_SELFTEST)]
                    super::selftest::events::weaken_context(&mut new, aex);
                    const { assert!(size_of::<Context>() == size_of::<bindings::undertow_resume>()) };
                    // SAFETY: Both are the same 176 bytes of plain integers; valid for writes by
                    // the caller's promise.
                    unsafe { context.cast::<Context>().write(new) };
                    bindings::UNDERTOW_GO_ON
                }
                Next::Replay => bindings::UNDERTOW_REPLAY,
                Next::Finish(_) => bindings::UNDERTOW_RETURNED,
            }) as c_long
        }
        Err(error) => {
            STOPPED.add(1, Relaxed);
            if error == EFAULT || error == code::ETIMEDOUT {
                punish(tables, crossing);
            }
            error.to_errno() as c_long
        }
    }
}

/// Makes a #VE inside, whichever way it came, the violation that it was. Returns whether it was one
/// that has to happen anew.
// Not inlined: the caller may have little stack, and needs it when it logs.
#[inline(never)]
fn explain_ve(
    aex: &mut Aex,
    info: &bindings::kvm_ve_info,
    crossing: &mut bindings::undertow_crossing,
) -> bool {
    let Ok(own) = ViewId::new(crossing.view as u16) else {
        return false;
    };
    match explain(aex, ve_info(info), own, crossing.ve_lost) {
        Vector20::Lost => {
            crossing.ve_lost = false;
            #[cfg(CONFIG_UNDERTOW_SELFTEST)]
            LOST.add(1, Relaxed);
            true
        }
        Vector20::Violation | Vector20::Other => false,
    }
}

/// Returns the view of a crossing whose call goes on, or what ends it.
fn judge(
    tables: Reader<'_>,
    aex: &Aex,
    crossing: &mut bindings::undertow_crossing,
    is_lost: bool,
) -> Result<ViewId> {
    // Another CPU has ended all of this, because the next kernel is about to come.
    if let Ok(Cause::Reset) = aex.cause() {
        return Err(EINTR);
    }
    let own = ViewId::new(crossing.view as u16).map_err(|_| EFAULT)?;
    #[cfg(CONFIG_UNDERTOW_SELFTEST)]
    let own = super::selftest::events::view_of(own, aex);
    // Whatever it ran into: to be killed looks like a violation, too.
    let tenant = tables.tenant(own.number()).ok_or(code::ESHUTDOWN)?;
    let compartment = tenant.compartment;
    if must_end(compartment) {
        return Err(code::ESHUTDOWN);
    }
    if is_lost {
        return Ok(own);
    }
    let Ok(violation) = Violation::of_aex(aex) else {
        if may_log() {
            pr_err!("undertow: a call was ended for a reason that the host garbled\n");
        }
        return Err(EFAULT);
    };
    let region = region_of(tables, &violation);
    let class = class_of(region.as_ref());
    let mut scene = scene(&violation, class);
    scene.in_crossing = true;
    scene.irqs_on = crossing.irqs_on;
    // What the layout grants was mapped when it was used: no second try helps.
    scene.attempts = u32::MAX;
    if violation.view.is_compartment() {
        scene.view.id = own;
    }
    if let (Class::Lent(_), What::Access(access)) = (class, violation.what) {
        // Given already, and it did not help?
        scene.attempts = u32::from(crossing.granted == access.gfn.number() + 1);
        scene.is_sealed = is_sealed();
    }
    if learn::applies(compartment) && learn::concerns(&violation) {
        // There is a second try, and the host knows about the seal.
        scene.attempts = 0;
        scene.is_sealed = false;
    }
    let report = |verdict| Report {
        violation: &violation,
        compartment: compartment.name().to_str().ok(),
        class,
        region: region.as_ref().and_then(|it| it.name.to_str().ok()),
        verdict,
    };

    match (
        decide(&violation, &scene, &learn::policy(compartment)),
        violation.what,
    ) {
        (Verdict::Resume | Verdict::Finish, _) => {
            #[cfg(CONFIG_UNDERTOW_SELFTEST)]
            if super::selftest::events::is_resume_off() {
                return Err(EINTR);
            }
            return Ok(own);
        }
        (Verdict::Grant(wanted), What::Access(access)) => {
            if lend::allow(own, &access, wanted).is_ok() {
                crossing.granted = access.gfn.number() + 1;
                return Ok(own);
            }
        }
        (verdict @ Verdict::Audit(wanted), What::Access(access)) => {
            if learn::allow(tables, compartment, own, &access, wanted).is_ok() {
                // All of them: to see them is what this is for, and their number is bounded.
                pr_notice!("{}\n", report(verdict));
                return Ok(own);
            }
        }
        _ => {}
    }
    if may_log() {
        // Not the view of the record: past the gate that is view 0, and a compartment can go to
        // the view of another one to die there.
        pr_warn!("{}\n", report(Verdict::Kill));
    }
    Err(match violation.what {
        What::Timeout => code::ETIMEDOUT,
        _ => EFAULT,
    })
}

/// Kills the compartment of a call that went wrong, if it asked for that.
fn punish(tables: Reader<'_>, crossing: &bindings::undertow_crossing) {
    if let Some(tenant) = tables.tenant(crossing.view as u16) {
        if tenant.compartment.descriptor().on_fault == OnFault::Kill {
            restart::kill_by_fault(tenant.compartment);
        }
    }
}

/// Returns whether the compartment of a crossing was killed.
///
/// # Safety
///
/// Interrupts must be off, on a CPU that RCU is watching.
pub(super) unsafe fn is_dead(crossing: &bindings::undertow_crossing) -> bool {
    // SAFETY: The caller's promise.
    let tables = unsafe { Reader::new() };
    tables
        .tenant(crossing.view as u16)
        .is_none_or(|it| must_end(it.compartment))
}

/// Returns whether calls in a compartment end, whatever they do.
pub(super) fn must_end(compartment: &Compartment) -> bool {
    #[cfg(CONFIG_UNDERTOW_SELFTEST)]
    if super::selftest::events::is_kill_off() {
        return false;
    }
    compartment.is_dead()
}

/// A call that could have gone on is ended for another reason, an errno: after an event, or after a
/// service.
///
/// # Safety
///
/// Interrupts must be off, on a CPU that RCU is watching.
pub(super) unsafe fn ended(crossing: &bindings::undertow_crossing, status: i64, was_event: bool) {
    // SAFETY: The caller's promise, which holds to the end of this function.
    let tables = unsafe { Reader::new() };
    if was_event {
        RESUMED.fetch_sub(1, Relaxed);
    }
    STOPPED.add(1, Relaxed);
    let why = match status.unsigned_abs() as u32 {
        bindings::ESHUTDOWN => return,
        bindings::ETIMEDOUT => {
            punish(tables, crossing);
            "took longer than it may"
        }
        bindings::EINTR => "its task is being killed",
        _ => "no way back in on this CPU",
    };
    if may_log() {
        pr_warn!(
            "undertow: compartment \"{}\": {}; call ended with an error\n",
            tables
                .tenant(crossing.view as u16)
                .map_or(c"?", |it| it.compartment.name()),
            why
        );
    }
}

/// A call is ended because of what it asked for.
///
/// # Safety
///
/// Interrupts must be off, on a CPU that RCU is watching.
pub(super) unsafe fn denied(
    crossing: &bindings::undertow_crossing,
    status: i64,
    serving: &bindings::undertow_serving,
) {
    // SAFETY: The caller's promise, which holds to the end of this function.
    let tables = unsafe { Reader::new() };
    STOPPED.add(1, Relaxed);
    let name = tables
        .tenant(crossing.view as u16)
        .map_or(c"?", |it| it.compartment.name());
    service::log_denied(name, status, serving);
    punish(tables, crossing);
}
