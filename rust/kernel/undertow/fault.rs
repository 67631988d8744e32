// SPDX-License-Identifier: GPL-2.0

//! Why a call into a compartment did not return a value.

use crate::{
    bindings,
    error::code,
    prelude::*, //
};

/// The reason that a call was not made, or did not come back by itself.
///
/// Whatever it is, the caller's memory is as it was before the call, except for buffers that it
/// shares with the compartment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The compartment touched memory without the right to, or asked a service to.
    Violation {
        /// The linear address, 0 where the CPU did not report one.
        addr: u64,
        /// The guest physical address.
        gpa: u64,
    },
    /// An exception was raised inside: a bad pointer, a division by zero, a breakpoint.
    Exception(u8),
    /// The isolated code panicked, or executed `ud2` for another reason.
    Panicked,
    /// The isolated code used an instruction that a compartment may not use; the value is the
    /// basic exit reason.
    Refused(u32),
    /// The task that made the call is being killed, or the system goes down.
    Interrupted,
    /// The call took longer than the compartment's `max_us`, or kept an interrupt waiting for longer
    /// than the host allows.
    TimedOut,
    /// The compartment is not registered, or was killed, perhaps during the call.
    Dead,
    /// All stacks of the compartment are in use.
    Busy,
    /// An argument does not fit into the memory of the call.
    TooBig,
    /// The compartment returned bytes that are no value of the return type, or handed a service
    /// some that are no argument.
    BadReturn,
    /// The compartment asked for something at this address that is no service on its list.
    Denied(u64),
    /// The caller has too little kernel stack left for what has to happen when a call goes wrong:
    /// less than about 5 KiB. Nothing was run.
    NoStack,
    /// This CPU or context can't enter a compartment.
    Unavailable,
}

impl Fault {
    /// Reads off an asynchronous exit what ended the call.
    pub(super) fn from_aex(aex: &bindings::kvm_view_aex) -> Self {
        const INVALID_OPCODE: u8 = 6;
        const PAGE_FAULT: u8 = 14;
        /// Type field of event information: a hardware exception.
        const HARDWARE_EXCEPTION: u32 = 3;
        /// Basic exit reason: exception or NMI.
        const EXIT_EXCEPTION: u32 = 0;

        let vector = (aex.event & 0xff) as u8;
        let kind = (aex.event >> 8) & 7;

        if aex.event & bindings::KVM_VIEW_EVENT_VALID != 0 && kind >= HARDWARE_EXCEPTION {
            return match vector {
                INVALID_OPCODE => Fault::Panicked,
                PAGE_FAULT => Fault::Violation {
                    addr: aex.cr2,
                    gpa: 0,
                },
                _ => Fault::Exception(vector),
            };
        }
        match aex.cause {
            bindings::KVM_VIEW_AEX_VIOLATION | bindings::KVM_VIEW_AEX_GUARD => Fault::Violation {
                addr: aex.gla,
                gpa: aex.gpa,
            },
            bindings::KVM_VIEW_AEX_REFUSED if aex.exit_reason == EXIT_EXCEPTION => Fault::Panicked,
            bindings::KVM_VIEW_AEX_REFUSED => Fault::Refused(aex.exit_reason),
            // An event that could have been resumed, were it not for the place where it came.
            _ => Fault::Violation {
                addr: aex.rip,
                gpa: 0,
            },
        }
    }
}

impl From<Fault> for Error {
    /// Returns the errno that a driver hands on to its caller.
    fn from(fault: Fault) -> Error {
        match fault {
            Fault::Violation { .. } | Fault::Exception(_) | Fault::Refused(_) => code::EFAULT,
            Fault::Panicked => code::ENOTRECOVERABLE,
            Fault::Interrupted => code::EINTR,
            Fault::Denied(_) => code::EACCES,
            Fault::TimedOut => code::ETIMEDOUT,
            Fault::Dead => code::ESHUTDOWN,
            Fault::Busy => code::EAGAIN,
            Fault::TooBig => code::E2BIG,
            Fault::BadReturn => code::EPROTO,
            Fault::NoStack => code::ENOBUFS,
            Fault::Unavailable => code::ENODEV,
        }
    }
}
