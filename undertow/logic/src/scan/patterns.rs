// SPDX-License-Identifier: GPL-2.0

//! The instructions that the scanner rejects, as data.
//!
//! Rejected is what would take effect inside a view although neither the host
//! nor the gate notices. Three groups are left to others on purpose, because
//! each further short pattern makes it more likely that innocent bytes (a
//! displacement, a relocated field) look like it:
//!
//! - always exits, and the host refuses the exit in a view: CPUID is harmless;
//!   HLT, IN, OUT, INVD, GETSEC, VMX instructions with two-byte opcodes
//!   (VMREAD, VMWRITE, VMPTRLD, ...), INVEPT, INVVPID, RDPMC, RSM (#UD);
//! - undone when the crossing ends: CLI, STI, POPF, CLAC, STAC, STD, segment
//!   loads, `LGS`; flags and GS base are rebuilt or checked by the gate;
//! - ends at once, because what it leads to is not executable or not readable
//!   in the view: IRET, far transfers, SYSCALL, SYSENTER, INT n.
//!
//! Relies on more than bytes, so it is checked elsewhere:
//!
//! - ERETS and ERETU share their bytes with CLAC and are #UD unless FRED is on,
//!   with which Undertow refuses to start;
//! - UWRMSR is #UD as long as nobody enables user MSR access, which needs a
//!   WRMSR;
//! - WRSS and WRUSS write through the rights of the view like any store.

use super::tail::{
    Isa,
    Tail, //
};

/// What comes before the opcode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escape {
    /// `0F`, or REX2 (`D5` and a byte with its top bit set), which selects the
    /// same opcodes without a `0F` on a CPU that has APX enabled.
    TwoByte,
    /// Nothing: the pattern starts with its own first byte.
    Own,
}

/// What comes before the escape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefix {
    /// Whatever it is, the pattern is rejected.
    Any,
    /// `F2`, with nothing but further prefixes between it and the escape.
    F2,
}

/// What the last byte must be besides what value and mask say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// Nothing further.
    Any,
    /// A ModRM byte that names memory, so that its top bits are not both set.
    Memory,
}

/// One instruction, or instructions that share their bytes.
#[derive(Clone, Copy, Debug)]
pub struct Pattern {
    /// Its mnemonic.
    pub name: &'static str,
    /// What comes before the escape.
    pub prefix: Prefix,
    /// What comes before the bytes.
    pub escape: Escape,
    /// The bytes after the escape, the last one lowest.
    pub value: u64,
    /// The bits of `value` that count.
    pub mask: u64,
    /// Number of bytes after the escape.
    pub nr_bytes: u32,
    /// What the last byte must be besides.
    pub operand: Operand,
}

impl Pattern {
    /// Returns the length, escape included and prefixes not, of this pattern
    /// if it ends at the newest byte of `tail`.
    pub(super) fn ends(&self, tail: &Tail, isa: Isa) -> Option<u32> {
        if tail.window & self.mask != self.value {
            return None;
        }
        if self.operand == Operand::Memory && tail.window & 0xc0 == 0xc0 {
            return None;
        }
        let before = tail.window >> (8 * self.nr_bytes);
        let escape = match self.escape {
            Escape::Own => 0,
            Escape::TwoByte if before & 0xff == 0x0f => 1,
            Escape::TwoByte if before & 0xff80 == 0xd580 && isa == Isa::WithApx => 2,
            Escape::TwoByte => return None,
        };
        let nr_bytes = self.nr_bytes + escape;
        if self.prefix == Prefix::F2 && !tail.has_f2_before(nr_bytes) {
            return None;
        }
        Some(nr_bytes)
    }
}

/// A two-byte opcode; what follows it does not matter.
const fn opcode(name: &'static str, opcode: u8) -> Pattern {
    pattern(name, opcode as u64, 0xff, 1, Operand::Any)
}

/// A two-byte opcode with a fixed third byte.
const fn exact(name: &'static str, opcode: u8, third: u8) -> Pattern {
    let value = (opcode as u64) << 8 | third as u64;
    pattern(name, value, 0xffff, 2, Operand::Any)
}

/// A two-byte opcode with a member of its ModRM group.
const fn group(name: &'static str, opcode: u8, member: u8, operand: Operand) -> Pattern {
    let value = (opcode as u64) << 8 | (member as u64) << 3;
    pattern(name, value, 0xff38, 2, operand)
}

/// The same, but another or no instruction unless `F2` stands before it.
const fn group_f2(name: &'static str, opcode: u8, member: u8) -> Pattern {
    Pattern {
        prefix: Prefix::F2,
        ..group(name, opcode, member, Operand::Any)
    }
}

/// A two-byte opcode with a member of its ModRM group that names a register.
const fn group_register(name: &'static str, opcode: u8, member: u8) -> Pattern {
    let value = (opcode as u64) << 8 | 0xc0 | (member as u64) << 3;
    pattern(name, value, 0xfff8, 2, Operand::Any)
}

const fn pattern(
    name: &'static str,
    value: u64,
    mask: u64,
    nr_bytes: u32,
    operand: Operand,
) -> Pattern {
    Pattern {
        name,
        prefix: Prefix::Any,
        escape: Escape::TwoByte,
        value,
        mask,
        nr_bytes,
        operand,
    }
}

/// A pattern with a VEX or EVEX prefix of its own.
const fn own(name: &'static str, value: u64, mask: u64, nr_bytes: u32) -> Pattern {
    Pattern {
        name,
        prefix: Prefix::Any,
        escape: Escape::Own,
        value,
        mask,
        nr_bytes,
        operand: Operand::Any,
    }
}

/// Every pattern that is rejected, with its reason.
pub const PATTERNS: &[Pattern] = &[
    // Switches views. The gate's own VMFUNC stand in pages that are not fed.
    exact("VMFUNC", 0x01, 0xd4),
    // Talks to the hypervisor in the guest's name.
    exact("VMCALL", 0x01, 0xc1),
    exact("VMMCALL", 0x01, 0xd9),
    // Always exit or are #UD; three fixed bytes cost nothing to reject, and the
    // SVM ones need no exit where the host lets a guest nest.
    exact("ENCLV", 0x01, 0xc0),
    exact("VMLAUNCH", 0x01, 0xc2),
    exact("VMRESUME", 0x01, 0xc3),
    exact("VMXOFF", 0x01, 0xc4),
    exact("PCONFIG", 0x01, 0xc5),
    exact("TDCALL", 0x01, 0xcc),
    exact("SEAMRET", 0x01, 0xcd),
    exact("PBNDKB", 0x01, 0xc7),
    exact("SEAMOPS", 0x01, 0xce),
    exact("ENCLS", 0x01, 0xcf),
    exact("VMRUN", 0x01, 0xd8),
    exact("VMLOAD", 0x01, 0xda),
    exact("VMSAVE", 0x01, 0xdb),
    exact("STGI", 0x01, 0xdc),
    exact("CLGI", 0x01, 0xdd),
    exact("SKINIT", 0x01, 0xde),
    exact("INVLPGA", 0x01, 0xdf),
    exact("INVLPGB", 0x01, 0xfe),
    exact("TLBSYNC", 0x01, 0xff),
    // Write model-specific registers; FS, GS and kernel GS base are among those
    // that the host lets pass. The first also covers RDMSRLIST and WRMSRLIST.
    exact("WRMSRNS", 0x01, 0xc6),
    opcode("WRMSR", 0x30),
    // VEX or EVEX map 7, F3, opcode F6 /0, register, immediate.
    own("WRMSRNS imm", 0x00c4_0702_f6c0, 0x00ff_1f03_fff8, 5),
    own("WRMSRNS imm (EVEX)", 0x6207_0200_f6c0, 0xff07_0300_fff8, 6),
    // XCR0 decides which state the kernel saves.
    exact("XSETBV", 0x01, 0xd1),
    // Rights to user memory, which outlive the crossing.
    exact("WRPKRU", 0x01, 0xef),
    // Restore PKRU or supervisor state from memory: the same by another name.
    group("XRSTOR", 0xae, 5, Operand::Memory),
    group("XRSTORS", 0xc7, 3, Operand::Memory),
    // GS base is where the kernel finds its per-CPU data. No exit exists.
    exact("SWAPGS", 0x01, 0xf8),
    group_register("WRFSBASE", 0xae, 2),
    group_register("WRGSBASE", 0xae, 3),
    group_f2("LKGS", 0x00, 6),
    // Descriptor tables, task register.
    group("LGDT", 0x01, 2, Operand::Memory),
    group("LIDT", 0x01, 3, Operand::Memory),
    group("LLDT", 0x00, 2, Operand::Any),
    group("LTR", 0x00, 3, Operand::Any),
    // Control and debug registers; CR0.WP and CR4 bits change without an exit.
    opcode("MOV to CR", 0x22),
    opcode("MOV to DR", 0x23),
    group("LMSW", 0x01, 6, Operand::Any),
    opcode("CLTS", 0x06),
    // To ring 3, with registers of the compartment's choice.
    opcode("SYSRET", 0x07),
    opcode("SYSEXIT", 0x35),
];

// The scanner remembers eight bytes: enough for the longest pattern with the
// longest escape. It takes bytes that are not there for zeros, so a pattern
// without an escape must start with another byte.
const _: () = {
    let mut at = 0;
    while at < PATTERNS.len() {
        let pattern = &PATTERNS[at];
        assert!(pattern.nr_bytes > 0 && pattern.nr_bytes + 2 <= 8);
        if let Escape::Own = pattern.escape {
            assert!(pattern.value >> (8 * (pattern.nr_bytes - 1)) != 0);
        }
        at += 1;
    }
};
