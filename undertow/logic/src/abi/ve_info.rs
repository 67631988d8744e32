// SPDX-License-Identifier: GPL-2.0

//! The #VE information page: `struct kvm_ve_info`.

use super::super::access::Rights;
use super::bytes::record;

record! {
    /// What the CPU, or the host for it, says about a violation.
    ///
    /// The reserved fields carry whatever the guest left in the page, because
    /// the CPU writes the first 34 bytes only; so nothing checks them.
    pub struct VeInfo [80] {
        /// Exit reason that the violation would have had: 48.
        0: reason: u32,
        /// All ones while the record is in use.
        4: busy: u32,
        /// Exit qualification.
        8: qual: u64,
        /// Guest linear address, if [`VeInfo::gla`] says that it is valid.
        16: gla: u64,
        /// Guest physical address.
        24: gpa: u64,
        /// EPTP index; some hardware leaves it at 0.
        32: eptp: u16,
        /// Reserved.
        34: pad0: u16[15],
        /// What the host adds to a synthesized #VE.
        64: ut_flags: u32,
        /// Length of the instruction.
        68: insn_len: u32,
        /// View, as the host knows it.
        72: view: u16,
        /// Reserved.
        74: pad1: u16[3],
    }
}

/// Exit reason of an EPT violation.
pub const EXIT_REASON_EPT_VIOLATION: u32 = 48;

/// Exit qualification of an EPT violation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Qualification(pub u64);

impl Qualification {
    const GLA_VALID: u64 = 1 << 7;
    const FINAL: u64 = 1 << 8;

    /// Returns what was asked for.
    pub const fn asked(self) -> Rights {
        self.rights(0)
    }

    /// Returns what the view grants, as the CPU saw it.
    pub const fn granted(self) -> Rights {
        self.rights(3)
    }

    /// Returns what was asked for and not granted.
    pub const fn missing(self) -> Rights {
        self.rights_of(self.asked().bits() & !self.granted().bits())
    }

    /// Returns whether the linear address is valid.
    pub const fn has_gla(self) -> bool {
        self.0 & Self::GLA_VALID != 0
    }

    /// Returns whether the page walk itself was refused, so that the physical
    /// address is that of a page table.
    pub const fn is_walk(self) -> bool {
        self.has_gla() && self.0 & Self::FINAL == 0
    }

    const fn rights(self, shift: u32) -> Rights {
        self.rights_of((self.0 >> shift) as u8 & 7)
    }

    const fn rights_of(self, bits: u8) -> Rights {
        match Rights::from_bits(bits) {
            Some(rights) => rights,
            None => Rights::EMPTY,
        }
    }
}

impl VeInfo {
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
}
