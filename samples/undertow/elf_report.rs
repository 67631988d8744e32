// SPDX-License-Identifier: GPL-2.0

//! What the ELF sample reports to user space. `elf_report.h` says the same in C.
//!
//! All bit patterns are valid and there is no padding: these types can cross the gate and go to
//! user space byte by byte.

use zerocopy_derive::{
    FromBytes,
    Immutable,
    IntoBytes,
    KnownLayout, //
};

/// What the ELF header says, with the counts of the two tables resolved.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub(crate) struct Summary {
    pub(crate) entry: u64,
    /// How many segments and sections the file has...
    pub(crate) phnum: u32,
    pub(crate) shnum: u32,
    /// ... and how many of them were stored: fewer if there was no room for all.
    pub(crate) segments: u32,
    pub(crate) sections: u32,
    /// Index of the section with the names of sections, or 0.
    pub(crate) shstrndx: u32,
    pub(crate) r#type: u16,
    pub(crate) machine: u16,
    /// 1: 32 bits, 2: 64 bits.
    pub(crate) class: u8,
    /// 1: little-endian, 2: big-endian.
    pub(crate) data: u8,
    pub(crate) reserved: [u8; 6],
}

/// A program header.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub(crate) struct Segment {
    pub(crate) r#type: u32,
    pub(crate) flags: u32,
    pub(crate) offset: u64,
    pub(crate) vaddr: u64,
    pub(crate) filesz: u64,
    pub(crate) memsz: u64,
}

/// A section header.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub(crate) struct Section {
    /// Offset into the section that `shstrndx` names.
    pub(crate) name: u32,
    pub(crate) r#type: u32,
    pub(crate) addr: u64,
    pub(crate) offset: u64,
    pub(crate) size: u64,
}
