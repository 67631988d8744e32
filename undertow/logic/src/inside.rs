// SPDX-License-Identifier: GPL-2.0

//! A #VE that was raised inside a compartment.
//!
//! It comes to the root view in two ways. By the gate, without an exit: then
//! the record of the exit was made up by the root view itself, of what the
//! compartment's stub left on its stack. Or by the host, because the CPU could
//! not push its frame. Either way the record says "vector 20 arrived", and only
//! the #VE information page can say what for. A compartment reaches that page in
//! no view; everything else it can forge.
//!
//! [`explain`] turns the two into the record of the violation that the host
//! would have made of it, so that nothing behind this has to tell them apart.
//!
//! # Invariants
//!
//! - `INV-INSIDE-1`: without a record that the CPU wrote in the view of this
//!   crossing, vector 20 is what `int 20` is: no violation.
//! - `INV-INSIDE-2`: where, how and with what rights it happened comes from the
//!   CPU's record alone; from the stub come registers only.

use super::abi::consts::KVM_VIEW_AEX_VIOLATION;
use super::abi::ve_info::EXIT_REASON_EPT_VIOLATION;
use super::abi::{
    Aex,
    Cause,
    VeInfo, //
};
use super::addr::ViewId;
use super::names::Event;

/// The word that says that the CPU wrote a record which nobody has read yet.
const BUSY: u32 = u32::MAX;

/// What vector 20 was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vector20 {
    /// A violation.
    Violation,
    /// One whose record was lost when an event came in between: it happens anew
    /// if the compartment goes on where it was.
    Lost,
    /// Nothing that can be explained, or the record speaks of something else.
    Other,
}

/// Returns what vector 20 was. If it was a violation, the record becomes what the
/// host would have made of it; else it stays.
///
/// `is_lost` says that in this crossing an event came between a #VE and the end
/// of its way out.
pub fn explain(aex: &mut Aex, info: &VeInfo, view: ViewId, is_lost: bool) -> Vector20 {
    let is_ve = Event::new(aex.event).is_some_and(|it| it.is_exception(Event::VIRTUALIZATION));
    let is_own = view.is_compartment() && aex.view == view.number();
    if aex.cause() != Ok(Cause::Event) || !is_ve || !is_own {
        return Vector20::Other;
    }
    // Some CPUs always say index 0. A record of the root view it can't be: its
    // handler reads what there is before anything else can happen.
    let is_here = info.eptp == view.number() || info.eptp == ViewId::ROOT.number();
    let is_news = info.busy == BUSY && info.reason == EXIT_REASON_EPT_VIOLATION && is_here;
    if !is_news {
        return if is_lost {
            Vector20::Lost
        } else {
            Vector20::Other
        };
    }
    // Field by field: whoever calls may have little stack.
    aex.qual = info.qual;
    aex.gla = info.gla().unwrap_or(0);
    aex.gpa = info.gpa;
    aex.cause = KVM_VIEW_AEX_VIOLATION;
    aex.exit_reason = EXIT_REASON_EPT_VIOLATION;
    aex.event = 0;
    aex.event_err = 0;
    aex.missing = info.qualification().missing().bits();
    Vector20::Violation
}
