// SPDX-License-Identifier: GPL-2.0

//! Going on after an asynchronous exit.
//!
//! [`go_on`] turns the record of an exit into what the gate needs to put a
//! compartment back where it was. It is asked only when the [`verdict`] was to
//! go on. What it takes from the record can do no more than the compartment can
//! anyway: registers, in its own view. Everything else it takes from the
//! crossing, which no compartment can write.
//!
//! [`verdict`]: super::verdict
//!
//! # Invariants
//!
//! - `INV-RESUME-1`: a crossing goes on in the view that it went to, or is over.
//! - `INV-RESUME-2`: only arithmetic flags and the direction flag come from the
//!   record; selectors never do.
//! - `INV-RESUME-3`: an exit in the restore tail never makes a new context, and
//!   replays one of the same crossing only; a violation there ends it.
//! - `INV-RESUME-4`: a request for a service that an event interrupted in the
//!   transit view is made again, from the compartment's view.

use core::ops::Range;

use super::abi::consts::KVM_VIEW_AEX_VIOLATION;
use super::abi::Aex;
use super::addr::ViewId;

/// What the restore tail of the gate reads: registers, then what `iretq` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Context {
    /// rax rcx rdx rbx rsp rbp rsi rdi r8 to r15; rsp is not read.
    pub regs: [u64; 16],
    /// Where to go on.
    pub rip: u64,
    /// Code selector.
    pub cs: u64,
    /// Flags.
    pub rflags: u64,
    /// Stack pointer.
    pub rsp: u64,
    /// Stack selector.
    pub ss: u64,
    /// View to go on in, for the switch before the tail.
    pub view: u64,
}

const _: () = {
    assert!(size_of::<Context>() == 176);
    assert!(core::mem::offset_of!(Context, rip) == 128);
    assert!(core::mem::offset_of!(Context, view) == 168);
};

/// Where the parts of the gate are, as addresses of instructions.
#[derive(Clone, Debug)]
pub struct Gate {
    /// From the first instruction in the compartment's view to where a call
    /// and a resume part.
    pub landing: Range<u64>,
    /// The restore tail.
    pub tail: Range<u64>,
    /// What is executable in the transit view.
    pub transit: Range<u64>,
    /// Where requests for a service leave the compartment's view.
    pub request: u64,
}

/// What is known about a crossing without asking the record.
#[derive(Clone, Debug)]
pub struct Crossing {
    /// The view that it went to.
    pub view: ViewId,
    /// Whether a context was made for it already, which is still there.
    pub has_context: bool,
    /// Code selector of the kernel.
    pub cs: u16,
    /// Stack selector of the kernel.
    pub ss: u16,
    /// The gate that it came through.
    pub gate: Gate,
}

/// How to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// With this context.
    Load(Context),
    /// With the context that was being read.
    Replay,
    /// Not at all: the compartment had returned this value and was on its way
    /// out.
    Finish(u64),
}

/// Why there is no way to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The record speaks of a view that this crossing has no business in.
    View,
    /// In the transit view, but not at code that runs there.
    Transit,
    /// In the restore tail, although there was nothing to restore.
    NoContext,
    /// The restore tail touched something that it has no business with.
    Tail,
}

/// Flags that code may keep across an event: CF, PF, AF, ZF, SF, DF, OF.
///
/// Not IF: no interrupt is ever delivered inside, and the host does not ask for
/// it. Not TF, NT, AC and IOPL: nothing isolated needs them.
pub const FLAGS_KEPT: u64 = 0xcd5;

/// The flag that is always set.
const FLAGS_FIXED: u64 = 0x2;

/// Indices into [`Aex::regs`].
const RSI: usize = 6;
const RDI: usize = 7;
/// Not 0: this is no return, but a request.
const R10: usize = 10;
/// A request's stack pointer: by then RSP is the caller's.
const R11: usize = 11;

/// Returns how to go on after an exit that ends nothing.
pub fn go_on(aex: &Aex, crossing: &Crossing) -> Result<Next, Refusal> {
    let gate = &crossing.gate;

    if aex.view == ViewId::TRANSIT.number() {
        return if !gate.transit.contains(&aex.rip) {
            Err(Refusal::Transit)
        } else if aex.regs[R10] == 0 {
            Ok(Next::Finish(aex.regs[RDI]))
        } else if !crossing.view.is_compartment() {
            Err(Refusal::View)
        } else {
            Ok(Next::Load(Context {
                rip: gate.request,
                rsp: aex.regs[R11],
                ..context(aex, crossing)
            }))
        };
    }
    if aex.view != crossing.view.number() || !crossing.view.is_compartment() {
        return Err(Refusal::View);
    }
    // A context for the tail would be written over the one that it was reading.
    let is_landing = gate.landing.contains(&aex.rip) && aex.regs[RSI] == 0;
    if is_landing || gate.tail.contains(&aex.rip) {
        return if aex.cause == KVM_VIEW_AEX_VIOLATION {
            Err(Refusal::Tail)
        } else if crossing.has_context {
            Ok(Next::Replay)
        } else {
            Err(Refusal::NoContext)
        };
    }
    Ok(Next::Load(context(aex, crossing)))
}

fn context(aex: &Aex, crossing: &Crossing) -> Context {
    Context {
        regs: aex.regs,
        rip: aex.rip,
        cs: crossing.cs.into(),
        rflags: aex.rflags & FLAGS_KEPT | FLAGS_FIXED,
        rsp: aex.regs[Aex::RSP],
        ss: crossing.ss.into(),
        view: crossing.view.number().into(),
    }
}
