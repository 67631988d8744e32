// SPDX-License-Identifier: GPL-2.0

//! Answers of the host, and what can be wrong with a record.

use core::fmt;

/// Why the host refused a hypercall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostError {
    /// The host has no views.
    NoViews,
    /// Not allowed from here, or sealed.
    NotPermitted,
    /// No such view.
    NoSuchView,
    /// More than the host's limit.
    TooBig,
    /// The host is out of memory.
    NoMemory,
    /// An address that is not guest memory.
    BadAddress,
    /// In use.
    Busy,
    /// Exists already.
    Exists,
    /// A field or an argument is not legal.
    Invalid,
    /// Not possible on this host or kind of guest.
    Unsupported,
    /// A number that the ABI does not name.
    Unknown(i64),
}

impl HostError {
    /// Splits RAX after a hypercall into result and error.
    pub const fn check(rax: u64) -> Result<u64, HostError> {
        let answer = rax as i64;
        if answer >= 0 {
            return Ok(rax);
        }
        Err(match answer {
            -1000 => HostError::NoViews,
            -1 => HostError::NotPermitted,
            -2 => HostError::NoSuchView,
            -7 => HostError::TooBig,
            -12 => HostError::NoMemory,
            -14 => HostError::BadAddress,
            -16 => HostError::Busy,
            -17 => HostError::Exists,
            -22 => HostError::Invalid,
            -95 => HostError::Unsupported,
            _ => HostError::Unknown(answer),
        })
    }

    /// Returns the positive errno of the guest kernel that says the same.
    pub const fn errno(self) -> i32 {
        match self {
            HostError::NoViews => 38,
            HostError::NotPermitted => 1,
            HostError::NoSuchView => 2,
            HostError::TooBig => 7,
            HostError::NoMemory => 12,
            HostError::BadAddress => 14,
            HostError::Busy => 16,
            HostError::Exists => 17,
            HostError::Invalid => 22,
            HostError::Unsupported => 95,
            HostError::Unknown(_) => 5,
        }
    }
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            HostError::NoViews => "the host has no views",
            HostError::NotPermitted => "not permitted, or sealed",
            HostError::NoSuchView => "no such view",
            HostError::TooBig => "above the host's limit",
            HostError::NoMemory => "the host is out of memory",
            HostError::BadAddress => "not guest memory",
            HostError::Busy => "in use",
            HostError::Exists => "exists already",
            HostError::Invalid => "invalid argument",
            HostError::Unsupported => "not supported on this host",
            HostError::Unknown(number) => return write!(f, "unknown host error {number}"),
        })
    }
}

/// What is wrong with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// The size field is not the size of the record.
    Size,
    /// A field has a value that the ABI does not name.
    Value,
    /// A flag that the ABI does not name, or that is not legal here.
    Flags,
    /// A reserved field is not zero.
    Reserved,
    /// A view number of 512 or more.
    View,
    /// Rights that hardware cannot grant.
    Access,
    /// Frames beyond the guest physical address space, or none.
    Range,
    /// An address without the alignment that it must have.
    Alignment,
}
