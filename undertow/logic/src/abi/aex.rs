// SPDX-License-Identifier: GPL-2.0

//! Record of an asynchronous exit: `struct kvm_view_aex`.

use super::super::access::Rights;
use super::super::addr::ViewId;
use super::bytes::record;
use super::consts::*;
use super::error::DecodeError;
use super::ve_info::Qualification;

record! {
    /// What the host leaves on the trusted stack when it ends a stay in a view.
    pub struct Aex [224] {
        /// rax rcx rdx rbx rsp rbp rsi rdi r8 to r15.
        0: regs: u64[16],
        /// Where the compartment was.
        128: rip: u64,
        /// Its flags.
        136: rflags: u64,
        /// Exit qualification.
        144: qual: u64,
        /// Guest linear address, if [`Aex::gla`] says that it is valid.
        152: gla: u64,
        /// Guest physical address.
        160: gpa: u64,
        /// CR2.
        168: cr2: u64,
        /// `KVM_VIEW_AEX_VIOLATION` and so on.
        176: cause: u32,
        /// VM exit reason.
        180: exit_reason: u32,
        /// Event in flight, as IDT-vectoring information, or 0.
        184: event: u32,
        /// Error code of that event.
        188: event_err: u32,
        /// The view that was left.
        192: view: u16,
        /// Rights asked for and not granted.
        194: missing: u8,
        /// Zero.
        195: pad: u8[5],
        /// Zero.
        200: rsvd: u64[3],
    }
}

/// Why the host ended a stay in a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// EPT violation, no event in flight.
    Violation,
    /// An event arrived, or was about to. Without one in the record the host
    /// holds it: NMI, machine check, or a maskable interrupt.
    Event,
    /// An exit that a view may not cause.
    Refused,
    /// View 0, with RIP where view 0 may not execute.
    Guard,
    /// RESET, by another vCPU.
    Reset,
    /// An interrupt was kept waiting for too long.
    Timeout,
}

impl Aex {
    /// Index of RSP in `regs`.
    pub const RSP: usize = 4;

    /// Returns the cause.
    pub const fn cause(&self) -> Result<Cause, DecodeError> {
        match self.cause {
            KVM_VIEW_AEX_VIOLATION => Ok(Cause::Violation),
            KVM_VIEW_AEX_EVENT => Ok(Cause::Event),
            KVM_VIEW_AEX_REFUSED => Ok(Cause::Refused),
            KVM_VIEW_AEX_GUARD => Ok(Cause::Guard),
            KVM_VIEW_AEX_RESET => Ok(Cause::Reset),
            KVM_VIEW_AEX_TIMEOUT => Ok(Cause::Timeout),
            _ => Err(DecodeError::Value),
        }
    }

    /// Returns the view that was left.
    pub fn view(&self) -> Result<ViewId, DecodeError> {
        ViewId::new(self.view).map_err(|_| DecodeError::View)
    }

    /// Returns the rights that were asked for and not granted.
    pub const fn missing(&self) -> Result<Rights, DecodeError> {
        match Rights::from_bits(self.missing) {
            Some(rights) => Ok(rights),
            None => Err(DecodeError::Access),
        }
    }

    /// Returns the exit qualification.
    pub const fn qualification(&self) -> Qualification {
        Qualification(self.qual)
    }

    /// Returns the linear address if it is valid.
    pub const fn gla(&self) -> Option<u64> {
        if self.qualification().has_gla() {
            Some(self.gla)
        } else {
            None
        }
    }

    /// Checks that the record is one that a host can have written.
    ///
    /// No compartment can write the record; a failed check means that host and
    /// guest do not speak the same ABI, and nothing in it may be believed.
    pub fn check(&self) -> Result<(), DecodeError> {
        self.view()?;
        self.missing()?;
        self.cause()?;
        if self.event != 0 && self.event & KVM_VIEW_EVENT_VALID == 0 {
            return Err(DecodeError::Value);
        }
        if self.pad != [0; 5] || self.rsvd != [0; 3] {
            return Err(DecodeError::Reserved);
        }
        Ok(())
    }
}
