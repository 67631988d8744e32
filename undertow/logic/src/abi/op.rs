// SPDX-License-Identifier: GPL-2.0

//! One change to a view: `struct kvm_view_op`.

use super::super::access::{
    Access,
    Rights, //
};
use super::super::addr::{
    Gfn,
    GfnRange,
    ViewId, //
};
use super::bytes::record;
use super::consts::*;
use super::error::DecodeError;

record! {
    /// One change, element of the array given to SET.
    pub struct ViewOp [32] {
        /// The view to change.
        0: view: u16,
        /// `KVM_VIEW_OP_PROTECT` and so on.
        2: kind: u8,
        /// New rights.
        3: mask: u8,
        /// `KVM_VIEW_OP_POPULATE` and so on.
        4: flags: u32,
        /// First guest frame.
        8: gfn: u64,
        /// Number of frames, at least 1.
        16: npages: u64,
        /// First frame to show instead; REMAP only.
        24: target: u64,
    }
}

const FLAGS: u32 = KVM_VIEW_OP_POPULATE | KVM_VIEW_OP_POPULATE_WRITE | KVM_VIEW_OP_VE;

impl ViewOp {
    /// Returns the change that gives `range` the rights `access` in `view`.
    pub fn protect(view: ViewId, range: GfnRange, access: Access, flags: u32) -> ViewOp {
        ViewOp {
            view: view.number(),
            kind: KVM_VIEW_OP_PROTECT,
            mask: access.bits(),
            flags,
            gfn: range.start(),
            npages: range.nr_pages(),
            target: 0,
        }
    }

    /// Returns the change by which `view` sees one frame in place of another, with the rights
    /// `access`.
    pub fn remap(view: ViewId, frame: Gfn, target: Gfn, access: Access) -> ViewOp {
        ViewOp {
            kind: KVM_VIEW_OP_REMAP,
            target: target.number(),
            ..ViewOp::protect(view, frame.range(), access, KVM_VIEW_OP_POPULATE)
        }
    }

    /// Returns the frames that the change is about.
    pub fn range(&self) -> Result<GfnRange, DecodeError> {
        GfnRange::new(self.gfn, self.npages).map_err(|_| DecodeError::Range)
    }

    /// Checks every rule that the header states for a single change.
    ///
    /// A change that passes can still be refused by the host, which knows its
    /// limits and what is sealed.
    pub fn check(&self) -> Result<(), DecodeError> {
        ViewId::new(self.view).map_err(|_| DecodeError::View)?;
        let access = Access::from_bits(self.mask).ok_or(DecodeError::Access)?;
        let range = self.range()?;
        let is_ve = self.flags & KVM_VIEW_OP_VE != 0;
        let takes_ve = self.kind == KVM_VIEW_OP_PROTECT && !access.allows(Rights::W);
        if self.flags & !FLAGS != 0 || is_ve && !takes_ve {
            return Err(DecodeError::Flags);
        }
        match self.kind {
            KVM_VIEW_OP_PROTECT | KVM_VIEW_OP_UNREMAP if self.target == 0 => Ok(()),
            KVM_VIEW_OP_PROTECT | KVM_VIEW_OP_UNREMAP => Err(DecodeError::Reserved),
            KVM_VIEW_OP_REMAP => {
                GfnRange::new(self.target, range.nr_pages()).map_err(|_| DecodeError::Range)?;
                if Access::Rx.allows(access.rights()) {
                    Ok(())
                } else {
                    Err(DecodeError::Access)
                }
            }
            _ => Err(DecodeError::Value),
        }
    }
}
