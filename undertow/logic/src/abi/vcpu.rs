// SPDX-License-Identifier: GPL-2.0

//! Registration of a vCPU: `struct kvm_view_vcpu`.

use super::super::addr::{
    GFN_LIMIT,
    PAGE_SHIFT,
    PAGE_SIZE, //
};
use super::bytes::record;
use super::consts::*;
use super::error::DecodeError;

record! {
    /// Argument of VCPU_INIT.
    pub struct VcpuInit [64] {
        /// Size of this record.
        0: size: u32,
        /// `KVM_VIEW_VCPU_NO_HW_VE` and so on.
        4: flags: u32,
        /// GPA of the #VE information page.
        8: ve_info: u64,
        /// GPA of the trusted stack pointer.
        16: sp_cell: u64,
        /// GS base of the kernel on this vCPU.
        24: gs_base: u64,
        /// Linear address at which the guest continues after an AEX.
        32: fault_entry: u64,
        /// Code selector to continue with.
        40: cs: u16,
        /// Stack selector to continue with.
        42: ss: u16,
        /// Vector of a synthesized #VE.
        44: vector: u32,
        /// Zero.
        48: rsvd: u64[2],
    }
}

/// Vector of #VE.
pub const VE_VECTOR: u32 = 20;

impl VcpuInit {
    /// Checks every rule that the header states for the record.
    pub fn check(&self) -> Result<(), DecodeError> {
        if self.size as usize != VcpuInit::SIZE {
            return Err(DecodeError::Size);
        }
        const FLAGS: u32 = KVM_VIEW_VCPU_NO_HW_VE
            | KVM_VIEW_VCPU_NO_VMFUNC
            | KVM_VIEW_VCPU_GATE_ONLY
            | KVM_VIEW_VCPU_IRQ_AEX;

        if self.flags & !FLAGS != 0 {
            return Err(DecodeError::Flags);
        }
        if self.rsvd != [0; 2] {
            return Err(DecodeError::Reserved);
        }
        if self.ve_info % PAGE_SIZE != 0 || self.sp_cell % 8 != 0 {
            return Err(DecodeError::Alignment);
        }
        let limit = GFN_LIMIT << PAGE_SHIFT;
        if self.ve_info >= limit || self.sp_cell >= limit {
            return Err(DecodeError::Range);
        }
        if self.vector != VE_VECTOR {
            return Err(DecodeError::Value);
        }
        Ok(())
    }
}
