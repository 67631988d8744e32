// SPDX-License-Identifier: GPL-2.0

//! Looks for instructions that must not exist in isolated text, at any offset.
//!
//! The kernel repeats this on the final bytes before it makes them executable, and only that check
//! is relied upon. Here a hit that does not depend on where the code is loaded becomes an error of
//! the build. The table of instructions is the kernel's own.

use super::{
    demangle::demangle,
    elf::*,
    error::Finding,
    logic::scan::{
        Hit,
        Isa,
        Scanner, //
    },
};

/// Returns the bytes of `section`, `None` for those that are known only when it is loaded.
fn known_bytes(object: &Object, id: SectionId) -> Vec<Option<u8>> {
    let section = object.section(id);
    let mut known: Vec<_> = section.bytes().iter().copied().map(Some).collect();
    for reloc in &section.relocs {
        let width = reloc_width(reloc.kind).unwrap_or(0) as usize;
        let field = &mut known[reloc.offset as usize..][..width];
        let symbol = reloc.symbol.map(|symbol| object.symbol(symbol));
        let same = symbol.filter(|symbol| symbol.place == Place::Section(id));
        match (reloc.kind, same) {
            // The distance within a section is the same wherever it is loaded.
            (R_X86_64_PC32 | R_X86_64_PLT32, Some(symbol)) => {
                let distance = symbol
                    .value
                    .wrapping_add_signed(reloc.addend)
                    .wrapping_sub(reloc.offset);
                for (byte, value) in field.iter_mut().zip((distance as u32).to_le_bytes()) {
                    *byte = Some(value);
                }
            }
            _ => field.fill(None),
        }
    }
    known
}

/// Returns what the scanner finds in a section, whatever the unknown bytes will be.
fn hits(object: &Object, id: SectionId) -> Vec<Hit> {
    // A sequence that is an instruction only for a CPU with APX is for the kernel to judge: it
    // knows whether it runs on one.
    let mut scanner = Scanner::new(Isa::WithoutApx);
    let mut hits = Vec::new();
    for byte in known_bytes(object, id) {
        match byte {
            Some(byte) => scanner.feed(&[byte], &mut |hit| hits.push(hit)),
            None => scanner.skip(1),
        }
    }
    hits
}

/// Says whether a section contains a forbidden instruction.
pub(crate) fn is_hit(object: &Object, id: SectionId) -> bool {
    object.section(id).flags & SHF_EXECINSTR != 0 && !hits(object, id).is_empty()
}

/// Returns the forbidden instructions in the text of `compartment`.
pub(crate) fn findings(object: &Object, text: SectionId, compartment: &str) -> Vec<Finding> {
    let finding = |hit: Hit| Finding {
        what: format!(
            "the text of compartment `{compartment}` contains the bytes of {} at {}",
            hit.pattern.name,
            owner(object, text, hit.offset)
        ),
        path: Vec::new(),
        help: "they may be part of a constant or of two instructions: change the code around them"
            .into(),
    };
    hits(object, text).into_iter().map(finding).collect()
}

/// Returns the function at `offset` of a section and the distance from its start.
fn owner(object: &Object, section: SectionId, offset: u64) -> String {
    let owner = object
        .symbols
        .iter()
        .filter(|symbol| symbol.place == Place::Section(section) && symbol.kind == STT_FUNC)
        .filter(|symbol| symbol.value <= offset)
        .max_by_key(|symbol| symbol.value);
    match owner {
        Some(symbol) => {
            // Names of copies have a prefix; the original name starts at the last `_R`.
            let start = symbol.name.rfind("_R").unwrap_or(0);
            let name = demangle(&symbol.name[start..]);
            format!("{name}+{:#x}", offset - symbol.value)
        }
        None => format!("{}+{offset:#x}", object.section(section).name),
    }
}
