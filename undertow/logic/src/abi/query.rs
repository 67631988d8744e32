// SPDX-License-Identifier: GPL-2.0

//! Answers to QUERY.

use super::super::access::Access;
use super::super::addr::ViewId;
use super::consts::*;
use super::error::DecodeError;

/// Answer to Q_FEATURES.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Features(pub u64);

impl Features {
    /// Returns the version of the ABI that the host speaks.
    pub const fn version(self) -> u64 {
        self.0 & 0xff
    }

    /// Returns whether the host speaks the ABI that this guest speaks.
    pub const fn is_supported(self) -> bool {
        self.version() == KVM_VIEWS_VERSION
    }

    /// Returns whether VMFUNC switches views without an exit.
    pub const fn has_vmfunc(self) -> bool {
        self.0 & KVM_VIEWS_F_VMFUNC != 0
    }

    /// Returns whether views can have page tables that they may not write.
    ///
    /// Without that, what runs in a compartment could change the kernel's own.
    pub const fn has_read_only_tables(self) -> bool {
        self.0 & KVM_VIEWS_F_RW_PT == 0
    }

    /// Returns whether a view can see another frame in place of one.
    pub const fn has_remap(self) -> bool {
        self.0 & KVM_VIEWS_F_REMAP != 0
    }

    /// Returns whether a violation can become #VE without an exit.
    pub const fn has_hw_ve(self) -> bool {
        self.0 & KVM_VIEWS_F_HW_VE != 0
    }
}

/// Answer to Q_LIMITS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits(pub u64);

impl Limits {
    /// Returns how many views there can be, the root view included.
    pub const fn max_views(self) -> u64 {
        self.0 & 0xffff
    }

    /// Returns how many runs of frames a view can tell apart from its default.
    pub const fn max_ranges(self) -> u64 {
        (self.0 >> 16 & 0xffff) * 16
    }
}

/// Answer to Q_POLICY: the rights on a frame in a view.
///
/// [`DecodeError::Access`] when the bits are not rights that hardware can
/// grant. Bits above the rights are left to later versions.
pub const fn policy(answer: u64) -> Result<Access, DecodeError> {
    match Access::from_bits((answer & 7) as u8) {
        Some(access) => Ok(access),
        None => Err(DecodeError::Access),
    }
}

/// Answer to Q_CURRENT: the view of this vCPU.
pub fn current(answer: u64) -> Result<ViewId, DecodeError> {
    u16::try_from(answer)
        .ok()
        .and_then(|number| ViewId::new(number).ok())
        .ok_or(DecodeError::View)
}
