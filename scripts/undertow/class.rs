// SPDX-License-Identifier: GPL-2.0

//! What a section means for isolation.

use super::{
    elf::*,
    names, //
};

/// The part that a section plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class<'a> {
    /// Entry functions of the compartment.
    Entry(&'a str),

    /// Ordinary text, which may be copied into a compartment.
    Text,

    /// Constants: readable from every compartment.
    Rodata,

    /// Data that the compartment may write.
    Private(&'a str),

    /// Data that the kernel writes.
    Writable,

    /// Memory with a purpose of its own: text that is freed after init, metadata, per-CPU data.
    Special,

    /// Not in memory: debug information, notes for tools.
    Absent,
}

/// Returns the class of `section`.
pub(crate) fn class(section: &Section) -> Class<'_> {
    let name = section.name.as_str();
    let flags = section.flags;
    if let Some(compartment) = name.strip_prefix(names::ENTRY) {
        return Class::Entry(compartment);
    }
    if let Some(compartment) = name.strip_prefix(names::PRIVATE) {
        return Class::Private(compartment);
    }
    if flags & SHF_ALLOC == 0 {
        return Class::Absent;
    }
    if flags & SHF_TLS != 0 {
        return Class::Special;
    }
    if flags & SHF_EXECINSTR != 0 {
        return match section.kind == SHT_PROGBITS && flags & SHF_WRITE == 0 && is_text(name) {
            true => Class::Text,
            false => Class::Special,
        };
    }
    if is_part_of(name, ".rodata") && flags & SHF_WRITE == 0 || is_part_of(name, ".data.rel.ro") {
        return match section.kind == SHT_PROGBITS {
            true => Class::Rodata,
            false => Class::Special,
        };
    }
    match flags & SHF_WRITE {
        0 => Class::Special,
        _ => Class::Writable,
    }
}

/// Says whether `name` is `base` or starts with `base` and a dot.
fn is_part_of(name: &str, base: &str) -> bool {
    match name.strip_prefix(base) {
        Some(rest) => rest.is_empty() || rest.starts_with('.'),
        None => false,
    }
}

/// Says whether `name` is ordinary text; two dots after `.text` mark text with a meaning of its
/// own.
fn is_text(name: &str) -> bool {
    is_part_of(name, ".text") && !name.starts_with(".text..")
}

/// Says whether an object with a section called `name` has work for this tool.
pub(crate) fn concerns(name: &str) -> bool {
    name.starts_with(names::ENTRY) || name.starts_with(names::PRIVATE)
}
